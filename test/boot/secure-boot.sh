# SPDX-License-Identifier: MIT
# With Secure Boot nothing runs that was not signed, and a changed signature stops the boot. The machine's own judges of a
# changed image: a block of the root that was changed is never read, and everything else is; a changed UKI or boot loader is
# never started. What is measured is what the manifest says.
. "$(dirname "$0")/../lib.sh"
. test/attack/platform-lib
image_needed
have "Secure Boot" qemu-system-"$(uname -m)" swtpm rpm rpm2cpio cpio objcopy mcopy || exit 0
erofs_needed "Secure Boot" || exit 0
export TMPDIR=$WORK # what QEMU keeps of a snapshot
copy=$WORK/copy.raw
run_copy() { "$ASHLAR" run server --image "$copy" --keys "$CHECK/keys" --secure-boot "$@"; }

# One boot of an image with changed blocks, which a boot does not need: first all else is asked, then every file is read.
# Whoever runs it, or has its disk, attacks it with what is not signed.
root_extract "$WORK/root" >"$WORK/.said" 2>&1 || not_ok "fsck.erofs extracts the root" "$WORK/.said"
stated_digests "$WORK/digests"
cp --sparse=always "$IMAGE" "$copy"
python3 test/boot/campaign-blocks.py change "$copy" "$(manifest "m['partitions'][1]['start-bytes']")" "$WORK/list"
esp_says "$copy"
platform_says
PATH=$WORK/platform:$PATH run_copy --tpm --disk-size 1GiB --timeout 600 \
	-- sh -c "$(cat test/boot/in-guest-lib test/attack/in-guest-platform test/boot/in-guest-secure test/attack/in-guest-root test/boot/in-guest-campaign)" sh "$(cut -d' ' -f1 "$WORK/list")" \
	>"$WORK/guest" 2>"$WORK/errors"
sed '/^pcr-/,$d' "$WORK/guest"
grep -q 'ok - guest: it is still in force' "$WORK/guest" || not_ok "the image boots with Secure Boot" "$WORK/errors"
grep -q '^== errors' "$WORK/guest" || not_ok "every file is read" "$WORK/errors"
python3 test/boot/campaign-blocks.py judge "$WORK/guest" "$WORK/root" "$WORK/list" "$WORK/digests"
for pcr in 4 7; do
	check "PCR $pcr is what the manifest expects" grep -x "pcr-$pcr $(manifest "m['measurements']['pcr-$pcr']")" "$WORK/guest"
done
check "PCR 11 is what the manifest expects" grep -x "pcr-11 $(manifest "m['measurements']['pcr-11']['ready']")" "$WORK/guest"

# stopped NAME TEXT NEVER: the boot ends with TEXT on the console and before anything that matches NEVER; run notices.
stopped() {
	local status=0
	run_copy --until-login --console --timeout 150 >"$WORK/guest" 2>"$WORK/console" || status=$?
	if [ $status = 1 ] && grep -qF -- "$2" "$WORK/console" && ! grep -qE "$3" "$WORK/console"; then
		ok "$1"
	else
		not_ok "$1" "$WORK/console"
	fi
}
not_started() { stopped "$1" "$2" 'Linux version|EFI stub:|ashlar-init|login: '; }
refused() { stopped "$1" "ashlar-init: $2" 'systemd\[1\]|login: '; }
text_at() { grep -obUa -m1 -- "$1" "$copy" | head -n1 | cut -d: -f1; }
uki=$(manifest "m['uki']")
cp --sparse=always "$IMAGE" "$copy"
flip "$copy" $(($(text_at 'HdrS') + 200000)) # in the kernel
not_started "a changed UKI: firmware does not start it" "Error loading \\${uki//\//\\}: Access denied"
flip "$copy" $(($(text_at 'HdrS') + 200000))
flip "$copy" $(($(text_at '#### LoaderInfo: systemd-boot') - 20000))
not_started "a changed boot loader: firmware does not start it" "Access Denied"

# edit EXPRESSION: rewrites the JSON object j of the signature partition of a fresh copy.
edit() {
	cp --sparse=always "$IMAGE" "$copy"
	python3 -c '
import base64, json, sys
start, size = int(sys.argv[2]), 16384
with open(sys.argv[1], "r+b") as f:
    f.seek(start); j = json.loads(f.read(size).rstrip(b"\0"))
    exec(sys.argv[3])
    f.seek(start); f.write(json.dumps(j).encode().ljust(size, b"\0"))' "$copy" "$(manifest "m['partitions'][3]['start-bytes']")" "$1"
}
changed='
def changed(text):
    b = bytearray(base64.b64decode(text)); b[-9] ^= 1
    return base64.b64encode(b).decode()
'
edit "$changed"'j["signature"] = changed(j["signature"])'
refused "a changed signature of the root hash: init stops" "the root hash's signature is wrong"
edit "$changed"'j["ashlar.ipePolicy"] = changed(j["ashlar.ipePolicy"])'
refused "a changed signature of the execution policy: init stops" "the execution policy or its signature was changed"
edit 'j["rootHash"] = "00" * 32'
refused "no signature for this root: init stops" "Secure Boot is on, but the root hash's signature was not checked"
