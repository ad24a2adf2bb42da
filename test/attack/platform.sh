# SPDX-License-Identifier: MIT
# Words from outside the signed image, where an image leaves room for them: a key of db signed an addon, and a UKI whose
# command line is not filled. The kernel has obeyed; agent/init does not go on. That of a real image is full: secure-boot.sh's
# boot is attacked with all that platform-lib has.
. "$(dirname "$0")/../lib.sh"
. test/attack/platform-lib
image_needed
have "words from outside" qemu-system-"$(uname -m)" rpm2cpio cpio objcopy sbsign sbattach mcopy || exit 0
export TMPDIR=$WORK
copy=$WORK/copy.raw uki=$(manifest "m['uki']")
cp --sparse=always "$IMAGE" "$copy"
signed() { sbsign --key "$CHECK/keys/db.pem" --cert "$CHECK/keys/db.crt" --output "$2" "$1" 2>/dev/null; }

esp_of "$copy"
esp mcopy "z:/$uki" "$WORK/uki"
check "an image's command line is filled" grep -qa ' ashlar\.end=----------' "$WORK/uki"
sbattach --remove "$WORK/uki" 2>/dev/null
python3 -c '
import re, sys
with open(sys.argv[1], "r+b") as f:
    uki, n = re.subn(rb"( ashlar[.]end=-)(-+)", lambda m: m[1] + b" " * len(m[2]), f.read())
    assert n == 1
    f.seek(0); f.write(uki)' "$WORK/uki"
addon "$WORK/addon" 'lockdown=none ia32_emulation=1 systemd.debug_shell'
signed "$WORK/uki" "$WORK/uki.signed" && signed "$WORK/addon" "$WORK/evil.addon.efi"
esp mcopy -o "$WORK/uki.signed" "z:/$uki"
esp mmd z:/loader/addons
esp mcopy "$WORK/evil.addon.efi" z:/loader/addons
status=0
"$ASHLAR" run server --image "$copy" --keys "$CHECK/keys" --secure-boot --until-login --console --timeout 200 >"$WORK/guest" 2>"$WORK/console" ||
	status=$?
stops() {
	tail -n 20 "$WORK/console"
	[ $status = 1 ] && ! grep -qE 'systemd\[1\]|login: ' "$WORK/console" &&
		grep -aF "ashlar-init: Secure Boot is on, but the kernel's command line goes on behind the image's last word (ashlar.end): lockdown=none ia32_emulation=1" "$WORK/console"
}
check "words behind the image's: init stops" stops
