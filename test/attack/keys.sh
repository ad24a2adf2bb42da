# SPDX-License-Identifier: MIT
# Whoever stole one key, or has an image that was given up: firmware and kernel of a machine do not take what he makes.
. "$(dirname "$0")/../lib.sh"
image_needed

# Who holds the folder between the build and the keys. changed NAME TEXT EDIT: what the shell command EDIT did to the image
# RAW is refused with TEXT, and the image stays as it was.
later=$WORK/later
RAW=$later/${IMAGE##*/}
check "build --sign-later" build --sign-later --out "$later"
at() { grep -obUa -m1 -- "$1" "$RAW" | head -n1 | cut -d: -f1; }
changed() {
	cp -a --sparse=always "$RAW" "$WORK/kept.raw"
	eval "$3"
	local sum
	sum=$(sha256sum <"$RAW")
	want_error "sign: $1" "$2" "$ASHLAR" sign "$RAW" --keys "$CHECK/keys"
	check "sign: $1: nothing was signed" test "$(sha256sum <"$RAW")" = "$sum"
	mv "$WORK/kept.raw" "$RAW"
}
put() { printf %s "$2" | dd of="$RAW" bs=1 seek="$1" conv=notrunc status=none; }
changed "another command line" "not signed, as it is not what was built: manifest: 'command-line' is" 'put "$(at lockdown=integrity)" "lockdown=_ntegrity"'
changed "another kernel" "manifest: 'uki-sha256' is" 'flip "$RAW" $(($(grep -obUa HdrS "$RAW" | tail -n1 | cut -d: -f1) + 200000))'
changed "another stub" "manifest: 'uki-sha256' is" 'flip "$RAW" $(($(at "#### LoaderInfo: systemd-stub") - 20000))'
changed "another boot loader" "manifest: 'boot-loader-sha256' is" 'flip "$RAW" $(($(at "#### LoaderInfo: systemd-boot") - 20000))'
changed "another root" "root partition: " 'flip "$RAW" $(($(manifest "m['"'partitions'][1]['start-bytes']"'") + 1000000))'
changed "other boot options" "EFI system partition: byte" 'put "$(at "editor no")" "editor ye"'
mv "$later/${MANIFEST##*/}" "$WORK/manifest.json"
want_error "sign: without a manifest" "manifest.json" "$ASHLAR" sign "$RAW" --keys "$CHECK/keys"
mv "$WORK/manifest.json" "$later/${MANIFEST##*/}"
"$ASHLAR" sign "$RAW" --dry-run --json --keys "$CHECK/keys" >"$WORK/look" 2>&1
check "sign --dry-run says what would be signed, and signs nothing" eval "python3 -c '
import json, sys
m, said = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
assert said[\"root-hash\"] == m[\"root-hash\"] and said[\"command-line\"] == m[\"command-line\"], said
assert said[\"pcr-11\"] == m[\"measurements\"][\"pcr-11\"][\"enter-initrd\"], said' '$MANIFEST' '$WORK/look' && ! cmp -s '$RAW' '$IMAGE'"
check "sign: what was built" eval "'$ASHLAR' sign '$RAW' --quiet --keys '$CHECK/keys' && cmp '$RAW' '$IMAGE'"

# A vendor's dbx, which names a certificate, before ours.
vendors() {
	cp -r "$CHECK/keys" "$WORK/vendor" &&
		sbsiglist --owner 11111111-2222-3333-4444-555555555555 --type x509 --output "$WORK/vendor.esl" test/data/other.der &&
		cat "$WORK/vendor.esl" >>"$WORK/vendor/enrol/dbx.esl" && "$ASHLAR" key rotate KEK --quiet --keys "$WORK/vendor"
}
check "a vendor's dbx is taken along" vendors
check "an image with it is built" build --keys "$WORK/vendor" --out "$WORK/vendors"
check "verify takes a certificate in dbx" "$ASHLAR" verify "$WORK/vendors/${IMAGE##*/}" --keys "$WORK/vendor"

have "one key" qemu-system-"$(uname -m)" sbsign sbattach mcopy || exit 0
export TMPDIR=$WORK
copy=$WORK/copy.raw
keys=$CHECK/keys
uki=$(manifest "m['uki']")
esp=$(manifest "m['partitions'][0]['start-bytes']")
mcopy -n -i "$IMAGE@@$esp" "::$uki" "$WORK/signed.efi"
cp "$WORK/signed.efi" "$WORK/unsigned.efi"
sbattach --remove "$WORK/unsigned.efi" >"$WORK/.said" 2>&1 || not_ok "sbattach takes the signature off" "$WORK/.said"

# boot KEYS: until it ends, with what KEYS enrols; what its console shows is in console.
boot() { "$ASHLAR" run server --image "$copy" --keys "$1" --secure-boot --until-login --console --timeout 150 >"$WORK/out" 2>"$WORK/console"; }

# not_started NAME KEYS: firmware lets the boot loader start nothing.
not_started() {
	local status=0
	boot "$2" || status=$?
	if [ $status = 1 ] && grep -qF "Error loading \\${uki//\//\\}: Access denied" "$WORK/console" &&
		! grep -qE 'Linux version|EFI stub:|ashlar-init|login: ' "$WORK/console"; then
		ok "$1"
	else
		not_ok "$1" "$WORK/console"
	fi
}

# resigned KEY OPTION...: the image with a UKI that KEY signed, as sbsign does it.
resigned() {
	cp --sparse=always "$IMAGE" "$copy"
	sbsign --key "$keys/$1.pem" --cert "$keys/$1.crt" "${@:2}" --output "$WORK/forged.efi" "$WORK/unsigned.efi" >"$WORK/.said" 2>&1 &&
		mdel -i "$copy@@$esp" "::$uki" && mcopy -i "$copy@@$esp" "$WORK/forged.efi" "::$uki" || not_ok "a UKI by $1 is made" "$WORK/.said"
}

if [ -n "${RARE-}" ]; then # the same way as the next one
	resigned verity-signing
	not_started "a UKI by verity-signing: firmware does not start it" "$keys"
	resigned ipe-signing --addcert "$keys/db.crt"
	not_started "a UKI by ipe-signing, with db's certificate inside: firmware does not start it" "$keys"
fi
resigned module-signing --addcert "$keys/db.crt"
not_started "a UKI by module-signing, with db's certificate inside: firmware does not start it" "$keys"

# A revoked image, by its own keys.
cp -r "$keys" "$WORK/revoked"
cp --sparse=always "$IMAGE" "$copy"
check "revoke takes an image" "$ASHLAR" key revoke "$IMAGE" --keys "$WORK/revoked"
not_started "a revoked UKI: firmware does not start it" "$WORK/revoked"
want_error "a revoked UKI: verify says so" "unified kernel image '$uki': is revoked in dbx" "$ASHLAR" verify "$IMAGE" --keys "$WORK/revoked"
want_error "a revoked UKI: a build does not make it again" "is revoked in enrol/dbx.esl among the keys" \
	build --keys "$WORK/revoked" --out "$WORK/again"
