# SPDX-License-Identifier: MIT
# Whoever stole one key, or has an image that was given up: firmware and kernel of a machine do not take what he makes.
. "$(dirname "$0")/../lib.sh"
image_needed
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

resigned verity-signing
not_started "a UKI by verity-signing: firmware does not start it" "$keys"
resigned ipe-signing --addcert "$keys/db.crt"
not_started "a UKI by ipe-signing, with db's certificate inside: firmware does not start it" "$keys"
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
