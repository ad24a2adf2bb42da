# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# State without Secure Boot: made and encrypted to the TPM, closed to a changed image, open to the recovery key, there again
# for the image as it was; and on a machine without a TPM. All of this is agent/init's work, so that the plug is pulled
# when init is done. desk.sh has complete boots.
. "$(dirname "$0")/../lib.sh"
image_needed
have "state" qemu-system-"$(uname -m)" swtpm cryptsetup sfdisk blkid || exit 0
MACHINE=$WORK/machine DISK=$WORK/machine/disk.raw

first_machine
check "first boot: state is made, and its recovery key shown" grep -aF 'this recovery key does' "$MACHINE/console"
check "first boot: then the root is mounted" grep -aF ', verified: ' "$MACHINE/console"
key=$(grep -aoE '([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}' "$MACHINE/console" | head -n 1)
luks_judge "$DISK"

check "the UKI's command line is changed" uki_change "$DISK" 'tty0 console=' 'tty1 console='
at_console "$WORK/changed" "$MACHINE" --tpm
if said "$WORK/changed" 'Recovery key: '; then
	ok "a changed UKI does not get the key from the TPM"
	echo 'cbdefghi-not-the-key' >&9
	check "a wrong recovery key opens nothing" said "$WORK/changed" 'That does not open it.'
	tr -d - <<<"${key^^}" >&9
	check "the recovery key opens it, typed without dashes" said "$WORK/changed" 'opened with the recovery key: '
	said "$WORK/changed" ', verified: '
else
	not_ok "a changed UKI does not get the key from the TPM" "$WORK/changed"
fi
check "what is typed is not shown" eval "! grep -aqi \"\$key\" '$WORK/changed'"
switch_off

# The image as it was, after the plug was pulled.
check "the UKI's command line is what it was" uki_change "$DISK" 'tty1 console=' 'tty0 console='
at_console "$WORK/again" "$MACHINE" --tpm
check "the image as it was: the TPM opens it, though the plug was pulled" said "$WORK/again" ', verified: '
check "nobody is asked or told anything" lacks -a 'ecovery key\|does not open' "$WORK/again"
switch_off

# A machine without a TPM, where this image's state is not encrypted; the same one with a TPM then does not take it.
rm -rf "$MACHINE"
at_console "$WORK/plain" "$MACHINE" --disk-size 2GiB
check "without a TPM: state, and a warning" said "$WORK/plain" 'not protected: state is not encrypted: the machine has no TPM 2.0'
said "$WORK/plain" ', verified: '
switch_off
check "without a TPM: ext4 on the disk" eval "partition_begin '$DISK' state '$WORK/ext4' && test \"\$(blkid -p -o value -s TYPE '$WORK/ext4')\" = ext4"
at_console "$WORK/refused" "$MACHINE" --tpm
check "plain state on a machine with a TPM is refused" said "$WORK/refused" 'is not encrypted, as this image wants it: somebody may have put it there'
check "it stops" said "$WORK/refused" 'ashlar-init: stopped: '
switch_off
