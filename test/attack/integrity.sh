# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Whoever holds the disk, against state with "state-integrity: hmac": the first boot makes it and ends with a pulled plug; then
# one byte of it is inverted. Where its blocks lie is computed as the kernel does it (drivers/md/dm-integrity.c).
. "$(dirname "$0")/../lib.sh"
image_needed
have "authenticated state" qemu-system-"$(uname -m)" swtpm cryptsetup sfdisk || exit 0
MACHINE=$WORK/machine DISK=$WORK/machine/disk.raw

cp -a distro "$WORK/distro"
definition=$WORK/distro/images/authenticated.yaml
printf '%s\n' 'from: server' 'state-integrity: hmac' >"$definition"
authenticated() { "$ASHLAR" build authenticated --quiet --keys "$CHECK/keys" --cache "$CACHE" --distro "$WORK/distro" --out "$WORK/out" "$@"; }
machine_run() { "$ASHLAR" run authenticated --out "$WORK/out" --keys "$CHECK/keys" --timeout 400 --machine "$@"; }
want_error "what makes authenticated state must be in the image" \
	"'state-integrity: hmac' takes '/usr/sbin/cryptsetup', which is not in the image; add the feature 'state-integrity'" authenticated --dry-run
echo 'features: [state-integrity]' >>"$definition"
check "build authenticated" authenticated

[ -n "${RARE-}" ] || exit 0 # two boots; what headers and tables must say has a unit test, state_test.c

at_console "$WORK/first" "$MACHINE" --tpm --disk-size 1200MiB
check "authenticated state: made and mounted" said "$WORK/first" ', verified: '
switch_off
check "authenticated state: no block is read that nobody has written" lacks -a 'INTEGRITY AEAD ERROR\|I/O error' "$WORK/first"
partition_begin "$DISK" state "$WORK/luks"
check "cryptsetup: each block has an HMAC, and only the TPM and the recovery key open it" eval "cryptsetup luksDump --dump-json-metadata '$WORK/luks' |
	python3 -c 'import json, sys
m = json.load(sys.stdin)
assert m[\"segments\"][\"0\"][\"integrity\"][\"type\"] == \"hmac(sha256)\", m
assert {t[\"type\"] for t in m[\"tokens\"].values()} == {\"systemd-tpm2\", \"systemd-recovery\"}, m
assert sorted(s for t in m[\"tokens\"].values() for s in t[\"keyslots\"]) == sorted(m[\"keyslots\"]), m'"

# The volume's first block, with ext4's superblock, and each block that waits in dm-integrity's journal: the pulled plug may
# have left the first one there, too.
damage() {
	python3 - "$DISK" <<'END'
import json, struct, subprocess, sys
SECTOR, HEADER, SUPER_SECTORS = 512, 16 << 20, 8
table = json.loads(subprocess.check_output(["sfdisk", "--json", sys.argv[1]]))["partitiontable"]["partitions"]
start = [p["start"] for p in table if p.get("name") == "state"][0] * SECTOR + HEADER

def flip(f, at):
    f.seek(at); byte = f.read(1)[0]
    f.seek(at); f.write(bytes([byte ^ 1]))

with open(sys.argv[1], "r+b") as f:
    f.seek(start)
    magic, version, interleave, tag, sections, provided, flags, block = struct.unpack("<8sBBHIQIB", f.read(29))
    assert magic == b"integrt\0", magic
    entry = (8 + (8 << block) + tag + 7) // 8 * 8
    blocks = 504 // entry * 8
    section = (blocks << block) + 8
    tags = ((tag << interleave - block) + 4095) // 4096 * 8
    journal = start + SUPER_SECTORS * SECTOR
    for i in range(sections):
        for k in range(blocks):
            flip(f, journal + (i * section + 8 + (k << block)) * SECTOR + 100)
    flip(f, journal + (sections * section + tags) * SECTOR + 100)
END
}
check "one bit of each of a few blocks is changed" damage
at_console "$WORK/flipped" "$MACHINE" --tpm
check "a changed block: it cannot be read, and that is said" said "$WORK/flipped" \
	'each block of it is authenticated: one that cannot be read is not what this machine wrote there'
check "a changed block: the machine stops" said "$WORK/flipped" 'ashlar-init: stopped: '
switch_off
check "a changed block: nothing is mounted, no key is asked for" lacks -a 'Recovery key: \|, verified: ' "$WORK/flipped"
check "the kernel knows which block" grep -aqF 'INTEGRITY AEAD ERROR, sector 0' "$WORK/flipped"
