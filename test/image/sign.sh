# SPDX-License-Identifier: MIT
# Signatures made elsewhere: an image signed piece by piece has the bytes of one that was signed as it was built.
. "$(dirname "$0")/../lib.sh"
image_needed
have "deferred signing" openssl || exit 0
cp -r "$CHECK/keys" "$WORK/public"
for role in PK KEK db verity-signing ipe-signing module-signing pcr-signing update-signing; do rm "$WORK/public/$role.pem"; done
later=$WORK/later
raw=$later/${IMAGE##*/}
asked=${raw%.raw}.to-sign
names() { python3 -c 'import json, sys; print(*sorted(s["name"] for s in json.load(open(sys.argv[1]))))' "$asked/to-sign.json"; }
sign_elsewhere() { # NAME KEY
	openssl dgst -sha256 -sign "$CHECK/keys/$2.pem" -out "$asked/$1.sig" "$asked/$1"
}

check "build --sign-later needs only the packages' private key" build --sign-later --keys "$WORK/public" --out "$later"
check "build --sign-later says what is to be signed" test "$(names)" = "boot-loader ipe-policy pcr-policy root-hash"
check "the root hash is what the manifest says" test "$(cat "$asked/root-hash")" = "$(manifest "m['root-hash']")"
check "the execution policy names the root hash" grep -q "dmverity_roothash=sha256:$(manifest "m['root-hash']")" "$asked/ipe-policy"
check "the manifest says that signatures are missing" grep -q '"complete": false' "${raw%.raw}.manifest.json"
want_error "build without a private key says which and how" "db" build --keys "$WORK/public" --out "$WORK/none"

before=$(sha256sum "$raw")
sign_elsewhere root-hash db
want_error "sign refuses a signature by another key" "root-hash.sig: the signature is not by this certificate's key" \
	"$ASHLAR" sign "$raw" --keys "$WORK/public"
check "a refused signature leaves the image as it was" test "$(sha256sum "$raw")" = "$before"

sign_elsewhere root-hash verity-signing
sign_elsewhere ipe-policy ipe-signing
sign_elsewhere pcr-policy pcr-signing
sign_elsewhere boot-loader db
check "sign takes what is there and asks for the UKI" eval \
	"'$ASHLAR' sign '$raw' --keys '$WORK/public' >'$WORK/said' && grep -q 'uki .*by the key db' '$WORK/said' && test \"\$(names)\" = uki"
sign_elsewhere uki db
check "sign puts the last signature in" eval "'$ASHLAR' sign '$raw' --keys '$WORK/public' | grep -q 'every signature is in place'"
check "signed elsewhere: the same image as signed at once" cmp "$raw" "$IMAGE"
check "signed elsewhere: the same manifest" cmp "${raw%.raw}.manifest.json" "$MANIFEST"
nothing "nothing is asked for any more" find "$asked" ! -name '*.sig' -type f
check "signing again changes nothing" eval "'$ASHLAR' sign '$raw' --quiet --keys '$CHECK/keys' && cmp '$raw' '$IMAGE'"

# The machine with the keys has nothing but the image.
check "build --sign-later again" build --sign-later --keys "$WORK/public" --out "$later"
mkdir "$WORK/elsewhere"
cp --sparse=always "$raw" "${raw%.raw}.manifest.json" "$WORK/elsewhere/"
check "sign with the keys at hand does it in one step" eval \
	"'$ASHLAR' sign '$WORK/elsewhere/${raw##*/}' --quiet --keys '$CHECK/keys' && cmp '$WORK/elsewhere/${raw##*/}' '$IMAGE'"
check "a build that is signed at once leaves nothing to be signed" eval "build --out '$later' && test ! -e '$asked'"
want_error "sign: a file that is no image" "want an image that ends in .raw" "$ASHLAR" sign "$MANIFEST" --keys "$CHECK/keys"

# A successor of the key that state is bound to: machines that were bound to the former one must still open theirs.
cp -r "$CHECK/keys" "$WORK/rotated"
check "rotate pcr-signing" "$ASHLAR" key rotate pcr-signing --quiet --keys "$WORK/rotated"
digits=$(basename "$(ls "$WORK"/rotated/retired/pcr-signing-*.crt)" .crt)
digits=${digits#pcr-signing-}
check "build with a rotated pcr-signing key" build --keys "$WORK/rotated" --out "$WORK/two"
uki_sections() { # IMAGE FOLDER
	python3 -c '
import json, sys
m = json.load(open(sys.argv[1][:-4] + ".manifest.json"))
print(m["partitions"][0]["start-bytes"], m["uki"])' "$1" | {
		read -r at uki
		mcopy -n -i "$1@@$at" "::$uki" "$2/uki.efi"
	}
	objcopy --dump-section .pcrsig="$2/pcrsig" --dump-section .pcrpkey="$2/pcrpkey" "$2/uki.efi" "$2/copy.efi"
}
pcr_signatures() { # by which certificates, new first
	uki_sections "$WORK/two/${IMAGE##*/}" "$WORK"
	python3 -c '
import base64, json, sys
for i, s in enumerate(json.loads(open(sys.argv[1], "rb").read().rstrip(b"\0"))["sha256"]):
    open("%s.pol%d" % (sys.argv[1], i), "wb").write(bytes.fromhex(s["pol"]))
    open("%s.sig%d" % (sys.argv[1], i), "wb").write(base64.b64decode(s["sig"]))' "$WORK/pcrsig"
	openssl x509 -in "$WORK/rotated/pcr-signing.crt" -noout -pubkey | cmp - "$WORK/pcrpkey" &&
		openssl dgst -sha256 -verify <(openssl x509 -in "$WORK/rotated/pcr-signing.crt" -noout -pubkey) \
			-signature "$WORK/pcrsig.sig0" "$WORK/pcrsig.pol0" &&
		openssl dgst -sha256 -verify <(openssl x509 -in "$WORK/rotated/retired/pcr-signing-$digits.crt" -noout -pubkey) \
			-signature "$WORK/pcrsig.sig1" "$WORK/pcrsig.pol1"
}
check "rotated pcr-signing: the UKI is signed by both keys, bound to the new one" pcr_signatures
check "rotated pcr-signing: verify knows both" "$ASHLAR" verify "$WORK/two/${IMAGE##*/}" --keys "$WORK/rotated"
want_error "rotated pcr-signing: verify without the former certificate" "section .pcrsig: no certificate given for pcr-signing" \
	eval "rm '$WORK/rotated/retired/pcr-signing-$digits.crt' && '$ASHLAR' verify '$WORK/two/${IMAGE##*/}' --keys '$WORK/rotated'"

# More than fits into 2 GiB: mapped, not read.
cp -r distro "$WORK/distro"
printf 'from: server\nesp-bytes: 3GiB\nmax-image-bytes: 8GiB\n' >"$WORK/distro/images/large.yaml"
large=$WORK/large/large-${IMAGE##*-}
check "an image of over 3 GiB" eval "'$ASHLAR' build large --quiet --sign-later --distro '$WORK/distro' --keys '$CHECK/keys' \
	--cache '$CACHE' --out '$WORK/large' && test $((3 << 30)) -lt \$(stat -c %s '$large')"
check "is signed" "$ASHLAR" sign "$large" --quiet --keys "$CHECK/keys"
check "is verified" "$ASHLAR" verify "$large" --quiet --keys "$CHECK/keys"
check "is compared" "$ASHLAR" diff "$large" "$large"
check "and takes no more room than what it holds" test "$(du -m "$large" | cut -f 1)" -lt 200
