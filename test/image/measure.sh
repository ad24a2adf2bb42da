# SPDX-License-Identifier: MIT
# The manifest's PCR 11 and the UKI's .pcrsig are what systemd-measure, of the systemd within the image, makes of the
# UKI's sections.
. "$(dirname "$0")/../lib.sh"
image_needed
erofs_needed "systemd-measure" || exit 0

partition 0 "$WORK/esp"
uki=$(manifest "m['uki']")
mcopy -n -i "$WORK/esp" "::EFI/Linux/${uki##*/}" "$WORK/uki.efi"
root_extract "$WORK/root" >/dev/null 2>&1
tool=$WORK/root/usr/lib/systemd/systemd-measure
libraries=$(dirname "$(find "$WORK/root" -name 'libc.so.6' | head -n1)")
if [ ! -e "$tool" ]; then
	skip "systemd-measure" "the image holds none"
	exit 0
fi
mkdir "$WORK/sections"
python3 -c '
import struct, sys
d = open(sys.argv[1], "rb").read()
pe = struct.unpack_from("<I", d, 60)[0]
n, optional = struct.unpack_from("<H", d, pe + 6)[0], struct.unpack_from("<H", d, pe + 20)[0]
for i in range(n):
    name, size, _, raw, at = struct.unpack_from("<8sIIII", d, pe + 24 + optional + 40 * i)
    content = d[at:at + min(raw, size)].ljust(size, b"\0")
    open(sys.argv[2] + "/" + name.rstrip(b"\0").decode().lstrip("."), "wb").write(content)' "$WORK/uki.efi" "$WORK/sections"
options=(--bank=sha256)
for section in linux osrel cmdline initrd uname sbat pcrpkey; do options+=("--$section=$WORK/sections/$section"); done
# The image brings its own C library. What it may lack, libtss2, comes from this machine.
measure() {
	"$(find "$libraries" "$WORK/root" -name 'ld-linux-*.so.*' -type f | head -n1)" \
		--library-path "$libraries:$libraries/systemd:$WORK/tss" "$tool" "$@"
}
mkdir "$WORK/tss"
cp -L /usr/lib/*/libtss2-*.so.0 "$WORK/tss" 2>/dev/null

until=
for phase in enter-initrd leave-initrd sysinit ready; do
	until=$until${until:+:}$phase
	check "systemd-measure: PCR 11 at $phase" test "$(measure calculate "${options[@]}" --phase="$until" 2>/dev/null)" = \
		"11:sha256=$(manifest "m['measurements']['pcr-11']['$phase']")"
done
if [ -z "$(find "$libraries" "$WORK/tss" -name 'libtss2-mu.so.0')" ]; then
	skip "systemd-measure sign: .pcrsig" "libtss2 is not installed"
else
	measure sign "${options[@]}" --phase=enter-initrd --private-key="$CHECK/keys/pcr-signing.pem" \
		--public-key="$WORK/sections/pcrpkey" >"$WORK/pcrsig" 2>"$WORK/.said" || cat "$WORK/.said"
	check "systemd-measure sign: .pcrsig to the last byte" cmp "$WORK/pcrsig" "$WORK/sections/pcrsig"
fi
