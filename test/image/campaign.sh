# SPDX-License-Identifier: MIT
# Changes of one bit each, in every region of the image: ashlar verify names each of them. Judges that others wrote see
# those in what they look at. There are more than a thousand, of which this is PART of PARTS (`make campaign` has all).
. "$(dirname "$0")/../lib.sh"
image_needed
program campaign

"${BUILD:-build}/test/campaign" "$IMAGE" "$MANIFEST" "$CHECK/keys" "$(nproc)" "${PARTS:-10}" "${PART:-0}" >"$WORK/table" 2>&1
status=$?
cat "$WORK/table"
total=$(sed -n 's/^all  *\([0-9]*\) .*/\1/p' "$WORK/table")
check "ashlar verify names each of ${total:-0} changes" test "$status" = 0
check "there are enough of them" test "${total:-0}" -ge $((1000 / ${PARTS:-10}))
echo "# amount ${total:-0}"

# One bit of each of 20 places in the sections, which are all signed.
partition 0 "$WORK/esp"
uki=$(manifest "m['uki']")
mcopy -n -i "$WORK/esp" "::EFI/Linux/${uki##*/}" "$WORK/uki.efi"
mcopy -n -i "$WORK/esp" ::EFI/BOOT/BOOTX64.EFI "$WORK/loader.efi"
refused() { # FILE: how many of 20 changes sbverify refuses
	local size n=0 i
	size=$(stat -c %s "$1")
	for i in $(seq 20); do
		cp "$1" "$WORK/changed.efi"
		flip "$WORK/changed.efi" $((4096 + (size - 8192) / 20 * (i - 1) + i * 37))
		sbverify --cert "$CHECK/keys/db.crt" "$WORK/changed.efi" >"$WORK/.said" 2>&1 || n=$((n + 1))
	done
	echo $n
}
if have "sbverify" sbverify; then
	check "sbverify refuses 20 of 20 changed boot loaders" test "$(refused "$WORK/loader.efi")" = 20
	check "sbverify refuses 20 of 20 changed UKIs" test "$(refused "$WORK/uki.efi")" = 20
fi
if have "veritysetup" veritysetup; then
	partition 1 "$WORK/root.erofs"
	partition 2 "$WORK/verity"
	root_bytes=$(manifest "m['root-bytes']") hash=$(manifest "m['root-hash']") n=0
	for i in $(seq 5); do
		at=$((root_bytes / 5 * (i - 1) + i * 4097))
		flip "$WORK/root.erofs" $at
		veritysetup verify "$WORK/root.erofs" "$WORK/verity" "$hash" >"$WORK/.said" 2>&1 || n=$((n + 1))
		flip "$WORK/root.erofs" $at
	done
	check "veritysetup refuses 5 of 5 changed roots" test $n = 5
	check "veritysetup accepts the root as it was" veritysetup verify "$WORK/root.erofs" "$WORK/verity" "$hash"
fi
