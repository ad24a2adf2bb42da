# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Whoever holds the disk while the machine is off, and whoever may use its TPM besides: gives it a state of his own, an old copy
# of its state, an older image. All of this is agent/init's to refuse or to name, so that the plug is pulled when it is done.
. "$(dirname "$0")/../lib.sh"
image_needed
# RARE=1: also what the table of all cases has in a unit test, src/agent/init/state_test.c (tools/campaign)
have "the disk in other hands" qemu-system-"$(uname -m)" swtpm cryptsetup sfdisk || exit 0
erofs_needed "the disk in other hands" || exit 0
program attack_tpm
MACHINE=$WORK/machine DISK=$WORK/machine/disk.raw
tpm() { "${BUILD:-build}/test/attack_tpm" "$MACHINE/tpm" "$1"; }
# keep NAME, put NAME: the disk, or what $2 names of the machine.
keep() { cp --sparse=always --reflink=auto "$MACHINE/${2-disk.raw}" "$WORK/$1"; }
put() { cp --sparse=always --reflink=auto "$WORK/$1" "$MACHINE/${2-disk.raw}"; }

# The first boot is one without Secure Boot.
first_machine
key=$(grep -aoE '([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}' "$MACHINE/console" | head -n 1)
keep first.raw
check "the TPM remembers it" eval "tpm show >'$WORK/tpm' && grep 'generation 1, generation 0, secret' '$WORK/tpm'"

# An older image: this one, but for the word that counts.
if [ -n "${RARE-}" ]; then
	check "an image of an older generation" uki_change "$DISK" 'ashlar.generation=1' 'ashlar.generation=0'
	at_console "$WORK/older" "$MACHINE" --tpm
	check "an older image does not get the state" said "$WORK/older" 'ashlar-init: this image is older than one that this machine has run'
	switch_off
	put first.raw
fi

# Secure Boot is switched on later.
rm "$MACHINE/variables.fd"
at_console "$WORK/late" "$MACHINE" --tpm --secure-boot
check "Secure Boot that comes late: the state is bound to it, and it is said" said "$WORK/late" \
	'until this boot the state was bound to the TPM without Secure Boot'
check "Secure Boot that comes late: the machine starts" said "$WORK/late" ', verified: '
switch_off
luks_judge "$DISK" 7
keep late.raw

# An old copy of the whole state, which is bound to less, too.
put first.raw
at_console "$WORK/old" "$MACHINE" --tpm --secure-boot
check "an old copy of the state is named" said "$WORK/old" "an older copy of this state was put in its place"
said "$WORK/old" ', verified: '
switch_off
luks_judge "$DISK" 7
check "the TPM remembers that, too" eval "tpm show >'$WORK/tpm' && grep 'flags 2, ' '$WORK/tpm'"

# A state of his own, made with the image's own tools and what is public, for this very TPM; and one for a key of his own.
forge() {
	local root=$WORK/root
	root_extract "$root" && python3 test/attack/srk.py "$DISK" "$root/tmp/srk" "$root/tmp/pcr" && mkdir -p "$root/tmp/definitions" "$root/tmp/forged" &&
		echo his >"$root/tmp/forged/file" && cp "$root"/usr/lib/ashlar/state/tpm/*.conf "$root/tmp/definitions" &&
		echo 'CopyFiles=/tmp/forged:/' >>"$root/tmp/definitions/50-state.conf" && cp --sparse=always --reflink=auto "$DISK" "$root/tmp/disk" &&
		sfdisk -q --delete "$root/tmp/disk" 5 &&
		unshare --map-root-user --mount sh -c 'mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc" && exec chroot "$1" env TMPDIR=/tmp systemd-repart \
			--offline=yes --dry-run=no --seed=random --definitions=/tmp/definitions --tpm2-device-key=/tmp/srk --tpm2-pcrs= --tpm2-public-key=/tmp/pcr \
			--tpm2-public-key-pcrs=11 /tmp/disk' sh "$root" && cp --sparse=always --reflink=auto "$root/tmp/disk" "$DISK"
}
check "a state is forged with what the disk says" forge
keep forged.raw
at_console "$WORK/forged" "$MACHINE" --tpm --secure-boot
check "a forged state that the TPM opens is refused" said "$WORK/forged" "is not this machine's: somebody may have put it there"
check "nothing of it is mounted, no key is asked for" lacks -a 'Recovery key: \|, verified: ' "$WORK/forged"
switch_off

his_key() {
	local start
	start=$(sfdisk --json "$DISK" | python3 -c 'import json, sys; print([p["start"] for p in json.load(sys.stdin)["partitiontable"]["partitions"] if p.get("name") == "state"][0])')
	truncate -s 64M "$WORK/his" && printf 'his own key' | cryptsetup luksFormat -q --type luks2 --sector-size 512 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$WORK/his" - &&
		echo '{"type":"systemd-recovery","keyslots":["0"]}' | cryptsetup token import "$WORK/his" &&
		dd if="$WORK/his" of="$DISK" bs=512 seek="$start" conv=notrunc status=none
}
check "a state is made with a key of his own" his_key
at_console "$WORK/his.said" "$MACHINE" --tpm --secure-boot
said "$WORK/his.said" 'Recovery key: ' && echo 'his own key' >&9
check "his own recovery key opens nothing of this machine's" said "$WORK/his.said" "is not this machine's: somebody may have put it there"
switch_off

[ -n "${RARE-}" ] || exit 0

# With the TPM besides: what it remembered is gone, as if it were cleared.
put late.raw
check "what the TPM remembered is removed" tpm forget
at_console "$WORK/forgotten" "$MACHINE" --tpm --secure-boot
check "a state that the TPM does not know needs its recovery key" said "$WORK/forgotten" 'the TPM opens it, but does not know it as this machine'
said "$WORK/forgotten" 'Recovery key: ' && echo "$key" >&9
check "then it is taken, and that is said" said "$WORK/forgotten" 'this state was taken over with a recovery key'
said "$WORK/forgotten" ', verified: '
switch_off
check "until it is accepted" eval "tpm show >'$WORK/tpm' && grep 'flags 1, ' '$WORK/tpm'"

# A first boot that was cut, which is when somebody would like to finish it.
put forged.raw
check "the TPM remembers a state that was being made" tpm unwrite
at_console "$WORK/cut" "$MACHINE" --tpm --secure-boot
check "a first boot that was cut is begun again, whatever lies there" said "$WORK/cut" 'the first boot was cut: making the state partition again'
check "and it is a first boot: a recovery key is shown" said "$WORK/cut" 'this recovery key does'
switch_off
