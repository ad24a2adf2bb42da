# SPDX-License-Identifier: MIT
# ashlar verify accepts the image, and names the place of any byte that is not as it was; ashlar explain.
. "$(dirname "$0")/../lib.sh"
image_needed

copy=$WORK/copy.raw
cp --sparse=always "$IMAGE" "$copy"
check "verify accepts the image" "$ASHLAR" verify "$copy"
check "verify --json" eval "'$ASHLAR' verify --json '$copy' | python3 -c 'import json, sys; assert json.loads(sys.stdin.read())[\"root-hash\"] == \"$(manifest "m['root-hash']")\"'"

esp=$(manifest "m['partitions'][0]['start-bytes']")
root=$(manifest "m['partitions'][1]['start-bytes']") root_bytes=$(manifest "m['root-bytes']")
verity=$(manifest "m['partitions'][2]['start-bytes']")
size=$(stat -c %s "$copy")
partition 0 "$WORK/esp"
uki=$(manifest "m['uki']")
mcopy -n -i "$WORK/esp" "::EFI/Linux/${uki##*/}" "$WORK/uki"
# Where bytes of the UKI lie in the image: its clusters follow each other.
find_in_image() { # FILE OFFSET
	python3 -c '
import sys
uki = open(sys.argv[1], "rb").read(); at = int(sys.argv[2])
image = open(sys.argv[3], "rb").read(256 << 20)
print(image.index(uki[at:at + 512]))' "$1" "$2" "$copy"
}
cmdline=$(grep -obUa -m1 'roothash=' "$WORK/uki" | head -n1 | cut -d: -f1)

flipped() { # NAME OFFSET TEXT
	flip "$copy" "$2"
	want_error "verify: $1" "$3" "$ASHLAR" verify --quiet "$copy"
	flip "$copy" "$2"
}
flipped "header of the partition table" $((512 + 16)) "partition table"
flipped "entries of the partition table" $((1024 + 32)) "partition table"
flipped "backup of the partition table" $((size - 512 + 24)) "partition table"
flipped "first sector of the ESP" $((esp + 11)) "EFI system partition"
flipped "allocation table of the ESP" $((esp + $(python3 -c "
import struct; b = open('$WORK/esp', 'rb').read(64); print(struct.unpack_from('<H', b, 11)[0] * struct.unpack_from('<H', b, 14)[0] + 1)"))) \
	"EFI system partition"
flipped "command line in the UKI" $(($(find_in_image "$WORK/uki" $((cmdline / 512 * 512))) + cmdline % 512 + 20)) "${uki##*/}"
flipped "kernel in the UKI" "$(find_in_image "$WORK/uki" $(($(stat -c %s "$WORK/uki") / 1024 * 512)))" "${uki##*/}"
flipped "first block of the root" $((root + 1024)) "root partition"
flipped "middle of the root" $((root + root_bytes / 2)) "root partition"
flipped "last block of the root" $((root + root_bytes - 1)) "root partition"
flipped "header of the hash tree" $((verity + 33)) "root partition"
flipped "top of the hash tree" $((verity + 4096 + 3)) "root partition"
flipped "bottom of the hash tree" $((verity + $(python3 -c "print(4096 * (1 + -(-$root_bytes // 4096 // 128 // 128) + 2))"))) "root partition"
check "verify accepts it again" "$ASHLAR" verify "$copy"
truncate -s -4096 "$copy"
want_error "verify: a disk cut short" "partition table" "$ASHLAR" verify --quiet "$copy"
truncate -s 0 "$copy"
want_error "verify: an empty file" "partition table" "$ASHLAR" verify --quiet "$copy"

explain() { "$ASHLAR" explain server --quiet --cache "$CACHE" --out "$WORK/out" "$@"; }
explain libzstd1 >"$WORK/chain" 2>&1
check "explain prints the chain, up to what the image asks for" eval "grep -q '^libzstd1-[0-9]' '$WORK/chain' &&
	sed -n 2p '$WORK/chain' | grep -q \"^  needed as '.*' of \" && tail -n 1 '$WORK/chain' | grep -q \"^  image 'server' asks for '\""
check "explain: what is asked for itself" eval "test \"\$(explain curl 2>&1 | wc -l)\" = 2"
want_error "explain: not in the image" "did you mean 'openssh-server'?" explain opensh-server
want_error "explain: nothing near" "lists what it has" explain zzzzzzzz
want_error "explain: unknown image" "sever" "$ASHLAR" explain sever libc6 --quiet
