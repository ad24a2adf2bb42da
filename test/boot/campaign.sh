# SPDX-License-Identifier: MIT
# The machine's own judges of a changed image, with Secure Boot and a TPM: a block of the root that was changed is never
# read, and everything else is; a changed UKI or boot loader is never started. What is measured is what the manifest says.
. "$(dirname "$0")/../lib.sh"
image_needed
have "campaign" qemu-system-"$(uname -m)" swtpm rpm || exit 0
erofs_needed "campaign" || exit 0
export TMPDIR=$WORK # what QEMU keeps of a snapshot
copy=$WORK/copy.raw
run_copy() { "$ASHLAR" run server --image "$copy" --keys "$CHECK/keys" --secure-boot "$@"; }

root_extract "$WORK/root" >"$WORK/.said" 2>&1 || not_ok "fsck.erofs extracts the root" "$WORK/.said"
stated_digests "$WORK/digests"
cp --sparse=always "$IMAGE" "$copy"
python3 test/boot/campaign-blocks.py change "$copy" "$(manifest "m['partitions'][1]['start-bytes']")" "$WORK/list"
run_copy --tpm --timeout 420 -- sh -c "$(cat test/boot/in-guest-campaign)" sh "$(cut -d' ' -f1 "$WORK/list")" >"$WORK/guest" 2>"$WORK/errors"
grep -q '^== errors' "$WORK/guest" || not_ok "the image with changed blocks boots" "$WORK/errors"
python3 test/boot/campaign-blocks.py judge "$WORK/guest" "$WORK/root" "$WORK/list" "$WORK/digests"
for pcr in 4 7; do
	check "PCR $pcr is what the manifest expects" grep -x "pcr-$pcr $(manifest "m['measurements']['pcr-$pcr']")" "$WORK/guest"
done
check "PCR 11 is what the manifest expects" grep -x "pcr-11 $(manifest "m['measurements']['pcr-11']['ready']")" "$WORK/guest"

# not_started NAME TEXT: no kernel ever starts, and TEXT is said.
not_started() {
	local status=0
	run_copy --until-login --console --timeout 150 >"$WORK/guest" 2>"$WORK/console" || status=$?
	if [ $status = 1 ] && grep -qF -- "$2" "$WORK/console" && ! grep -qE 'Linux version|EFI stub:|ashlar-init|login: ' "$WORK/console"; then
		ok "$1"
	else
		not_ok "$1" "$WORK/console"
	fi
}
text_at() { grep -obUa -m1 -- "$1" "$copy" | head -n1 | cut -d: -f1; }
uki=$(manifest "m['uki']")
cp --sparse=always "$IMAGE" "$copy"
flip "$copy" $(($(text_at 'HdrS') + 200000)) # in the kernel
not_started "a changed UKI: firmware does not start it" "Error loading \\${uki//\//\\}: Access denied"
flip "$copy" $(($(text_at 'HdrS') + 200000))
flip "$copy" $(($(text_at '#### LoaderInfo: systemd-boot') - 20000))
not_started "a changed boot loader: firmware does not start it" "Access Denied"
