# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# State without Secure Boot: made and encrypted to the TPM, closed to a changed image, open to the recovery key, there again
# for the image as it was; and on a machine without a TPM. All of this is agent/init's work, so that the plug is pulled
# when init is done. desk.sh has complete boots.
. "$(dirname "$0")/../lib.sh"
image_needed
have "state" qemu-system-"$(uname -m)" swtpm cryptsetup sfdisk blkid || exit 0
MACHINE=$WORK/machine DISK=$WORK/machine/disk.raw

run() { "$ASHLAR" run server --out "$CHECK/out" --keys "$CHECK/keys" --timeout 400 --machine "$@"; }

# said FILE TEXT: waits until the console has said it; fails when the machine is gone first.
said() {
	for _ in $(seq 1200); do
		grep -aqF -- "$2" "$1" && return
		kill -0 "$machine" 2>/dev/null || break
		sleep 0.2
	done
	grep -aqF -- "$2" "$1"
}

# at_console FILE OPTION...: starts a machine whose console is written to FILE; it reads what is written to descriptor 9.
at_console() {
	local log=$1
	shift
	rm -f "$WORK/keyboard"
	mkfifo "$WORK/keyboard"
	run "$@" <"$WORK/keyboard" >"$log" 2>&1 &
	machine=$!
	exec 9>"$WORK/keyboard"
}
switch_off() {
	printf '\001x' >&9 # QEMU's own keys: like pulling the plug
	exec 9>&-
	wait "$machine" 2>/dev/null
}

at_console "$WORK/first" "$MACHINE" --tpm --disk-size 2GiB
check "first boot: state is made, and its recovery key shown" said "$WORK/first" 'this recovery key does'
check "first boot: then the root is mounted" said "$WORK/first" ', verified: '
switch_off
key=$(grep -aoE '([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}' "$WORK/first" | head -n 1)
luks_judge "$DISK"

# change FROM TO: in the command line of the UKI; as long, so that it still starts.
change() {
	python3 -c '
import mmap, sys
with open(sys.argv[1], "r+b") as f:
    disk, old, new = mmap.mmap(f.fileno(), 0), sys.argv[2].encode(), sys.argv[3].encode()
    at = disk.find(old)
    assert at >= 0 and disk.find(old, at + 1) < 0
    disk[at:at + len(old)] = new' "$DISK" "$1" "$2"
}
check "the UKI's command line is changed" change 'tty0 console=' 'tty1 console='
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
check "the UKI's command line is what it was" change 'tty1 console=' 'tty0 console='
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
