# SPDX-License-Identifier: MIT
# The keys of the chain of trust, judged by openssl and gpg; on a token of SoftHSM, too; rotated, killed, and spoilt.
. "$(dirname "$0")/../lib.sh"

KEYS=$WORK/keys
key() { "$ASHLAR" key "$@" --keys "$KEYS"; }

# signed_by_db CERTIFICATE: whatever db's own says that it may sign.
signed_by_db() {
	openssl asn1parse -in "$1" -strparse 4 -noout -out "$WORK/tbs" >"$WORK/.parsed" &&
		openssl asn1parse -in "$1" -strparse "$(openssl asn1parse -in "$1" | grep 'BIT STRING' | tail -n1 | cut -d: -f1)" \
			-noout -out "$WORK/signature" >>"$WORK/.parsed" &&
		openssl dgst -sha256 -verify <(openssl x509 -in "$KEYS/db.crt" -noout -pubkey) -signature "$WORK/signature" "$WORK/tbs"
}
# refused_by_firmware CERTIFICATE: with the same settings as EDK II's; for two reasons.
refused_by_firmware() {
	! openssl verify -partial_chain -purpose any -no_check_time -CAfile "$KEYS/db.crt" "$1" >"$WORK/refused" 2>&1 &&
		grep 'invalid CA certificate' "$WORK/refused" && grep 'key usage does not include certificate signing' "$WORK/refused"
}

check "key generate" key generate
for crt in "$KEYS"/*.crt; do
	case ${crt##*/} in
	verity-signing.crt | ipe-signing.crt | module-signing.crt)
		check "openssl: ${crt##*/} is signed by db's key" signed_by_db "$crt"
		check "openssl: no chain leads from db to ${crt##*/}" refused_by_firmware "$crt" ;;
	*) check "openssl: ${crt##*/} is signed by its own key" openssl verify -x509_strict -CAfile "$crt" "$crt" ;;
	esac
	check "openssl: ${crt##*/} fits its private key" test "$(openssl x509 -in "$crt" -noout -pubkey)" = \
		"$(openssl pkey -in "${crt%.crt}.pem" -pubout)"
	check "${crt##*/} says that it is a development key" \
		sh -c "openssl x509 -in '$crt' -noout -subject | grep -q '(development key)'"
done
check "for code signing" sh -c "openssl x509 -in '$KEYS/verity-signing.crt' -noout -ext extendedKeyUsage | grep -q 'Code Signing'"
check "valid for ten years, less a week" openssl x509 -in "$KEYS/db.crt" -noout -checkend $((3645 * 86400))
have "git takes none of it along" git && nothing "git takes none of it along" sh -c "cd '$WORK' && git init -q . && git status --porcelain keys"
check "show" sh -c "'$ASHLAR' key show --keys '$KEYS' | grep -A2 '^db  *present' |
	grep -q \"\$(openssl x509 -in '$KEYS/db.crt' -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f)\""
check "show --json" python3 -c '
import json, sys
roles = [json.loads(line)["role"] for line in sys.stdin]
assert roles == "PK KEK db verity-signing ipe-signing module-signing pcr-signing package-signing update-signing".split(), roles' \
	< <(key show --json)

# Bad use: one sentence, and nothing changes.
sums=$(find "$KEYS" -type f -exec sha256sum {} + | sort | sha256sum)
want_error "rotate: no such key" "no key 'pcr-sining'; did you mean 'pcr-signing'?" key rotate pcr-sining
want_error "rotate: of what?" "want 'ashlar key rotate KEY'" key rotate
want_error "retire: what is present" "that is the present key 'db'" \
	key retire db "$(openssl x509 -in "$KEYS/db.crt" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g')"
want_error "retire: what is not there" "no retired key 'db'" key retire db 0123456789
want_error "show: no keys" "no keys in '$WORK/none'" "$ASHLAR" key show --keys "$WORK/none"
want_error "rotate: no keys" "no keys in '$WORK/none'" "$ASHLAR" key rotate db --keys "$WORK/none"
want_error "show makes no keys" "takes no --name or --pkcs11" key show --name x
want_error "a name that no certificate can hold" "as a name in a certificate" \
	"$ASHLAR" key generate --keys "$WORK/long" --name "$(printf 'x%.0s' {1..65})"
check "nothing has changed" test "$(find "$KEYS" -type f -exec sha256sum {} + | sort | sha256sum)" = "$sums"

# Rotated: both are trusted, until the former is retired.
cp "$KEYS/package-signing.asc" "$WORK/before.asc"
former=$(openssl x509 -in "$KEYS/package-signing.crt" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f)
check "rotate package-signing" key rotate package-signing
if have "gpg imports both keys" gpg; then
	mkdir -m 700 "$WORK/gpg"
	check "gpg imports both keys" sh -c "gpg --homedir '$WORK/gpg' --batch --import '$KEYS/package-signing.asc' 2>&1 |
		grep -q 'imported: 2'"
	gpgconf --homedir "$WORK/gpg" --kill all
fi
if have "rpm imports both keys" rpm; then
	check "rpm imports both keys" rpm --dbpath "$WORK/rpmdb" --import "$KEYS/package-signing.asc"
	check "rpm has two keys" test "$(rpm --dbpath "$WORK/rpmdb" -q gpg-pubkey | wc -l)" = 2
fi
check "the former key is kept" test -e "$KEYS/retired/package-signing-${former:0:8}.pem"
check "retire package-signing" key retire package-signing "$former"
check "only the new key is left" test "$(grep -c BEGIN "$KEYS/package-signing.asc") $(ls "$KEYS/retired")" = "1 "
check "which is another one" test "$(cat "$WORK/before.asc")" != "$(cat "$KEYS/package-signing.asc")"

# Killed at any moment: key and certificate are of one kind, and the next call goes on.
failed=
for delay in 0.01 0.03 0.06 0.1 0.15 0.2 0.3 0.4; do
	timeout -s KILL $delay "$ASHLAR" key rotate pcr-signing --quiet --keys "$KEYS"
	"$ASHLAR" sign "$ROOT/README.md" --keys "$KEYS" 2>&1 | grep -q "$KEYS" && failed+=" $delay: sign"
	[ "$(openssl x509 -in "$KEYS/pcr-signing.crt" -noout -pubkey)" = "$(openssl pkey -in "$KEYS/pcr-signing.pem" -pubout)" ] ||
		failed+=" $delay: other key"
done >/dev/null 2>&1
check "killed while it rotates" test -z "$failed"
check "rotates after that" key rotate pcr-signing
nothing "and leaves nothing half done" find "$KEYS" -name '.next' -o -name '.tmp-*'
rm -rf "$WORK/killed"
{ timeout -s KILL 0.3 "$ASHLAR" key generate --keys "$WORK/killed"; } 2>/dev/null
check "killed while it generates: no key is there" test -z "$(ls "$WORK/killed")"
check "killed while it generates: the next call makes all" "$ASHLAR" key generate --quiet --keys "$WORK/killed"
check "and leaves nothing half done" test "$(ls "$WORK"/killed/*.pem | wc -l) $(find "$WORK/killed" -name '.tmp-*')" = "9 "

# Spoilt keys are refused before anything is written.
spoilt() { # NAME TEXT
	want_error "$1" "$2" "$ASHLAR" build server --keys "$WORK/spoilt" --cache "$WORK/cache" --out "$WORK/out"
	rm -rf "$WORK/spoilt"
	cp -r "$KEYS" "$WORK/spoilt"
}
cp -r "$KEYS" "$WORK/spoilt"
cp "$KEYS/KEK.crt" "$WORK/spoilt/db.crt"
spoilt "a certificate of another key" "db.crt' is not the certificate of its private key"
chmod 644 "$WORK/spoilt/db.pem"
spoilt "a private key that everybody may read" "chmod 600 '$WORK/spoilt/db.pem'"
rm "$WORK/spoilt/db.pem"
spoilt "no private key" "has a certificate, but no private key 'db'"
openssl pkey -in "$KEYS/db.pem" -aes256 -passout pass:x -out "$WORK/spoilt/db.pem"
spoilt "an encrypted private key" "private key is no unencrypted PEM"
openssl req -new -key "$KEYS/db.pem" -subj /CN=old -out "$WORK/csr"
mkdir "$WORK/ca"
touch "$WORK/ca/index"
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s/ca/index\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nnew_certs_dir=%s/ca\n[p]\n' \
	"$WORK" "$WORK" >"$WORK/ca.conf"
printf 'commonName=supplied\n' >>"$WORK/ca.conf"
openssl ca -config "$WORK/ca.conf" -batch -selfsign -keyfile "$KEYS/db.pem" -in "$WORK/csr" -notext \
	-startdate 20200101000000Z -enddate 20210102000000Z -out "$WORK/spoilt/db.crt" 2>"$WORK/.said"
spoilt "an expired certificate" "has expired on 2021-01-02: 'ashlar key rotate db' makes a successor"
check "nothing was written" test ! -e "$WORK/out"

# On a token.
have "keys on a token" softhsm2-util || exit 0
export SOFTHSM2_CONF=$WORK/softhsm2.conf ASHLAR_PIN=1234
mkdir "$WORK/tokens"
printf 'directories.tokendir = %s/tokens\nlog.level = ERROR\n' "$WORK" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label ashlar --pin 1234 --so-pin 5678 >/dev/null
TOKEN=$WORK/on-token
token_key() { "$ASHLAR" key "$@" --keys "$TOKEN"; }
cp -r "$KEYS" "$TOKEN"
rm "$TOKEN"/KEK.* "$TOKEN"/db.* "$TOKEN"/pcr-signing.*
URI=pkcs11:token=ashlar
want_error "no such token" "no token fits 'pkcs11:token=ashler'; there are: 'ashlar'" token_key generate --pkcs11 pkcs11:token=ashler
want_error "wrong PIN" "wrong PIN for token 'ashlar'" env ASHLAR_PIN=0 "$ASHLAR" key generate --keys "$TOKEN" --pkcs11 $URI
want_error "no PIN" "token 'ashlar' needs a PIN" env -u ASHLAR_PIN "$ASHLAR" key generate --keys "$TOKEN" --pkcs11 $URI
check "nothing was made so far" test ! -e "$TOKEN/db.uri"
{ timeout -s KILL 0.4 "$ASHLAR" key generate --keys "$TOKEN" --pkcs11 $URI; } 2>/dev/null
check "generate in a token" token_key generate --pkcs11 $URI
check "no private key in a file" test "$(cd "$TOKEN" && echo {KEK,db,pcr-signing}.*)" = \
	"KEK.crt KEK.uri db.crt db.uri pcr-signing.crt pcr-signing.uri"
# SoftHSM makes an object's file before its content: one that is empty is no object
check "each key once, although it was killed in between" test "$(
	find "$WORK/tokens" -name '*.object' ! -name token.object -size +0 | wc -l)" = 6
check "openssl: the token signed its certificate" openssl verify -x509_strict -CAfile "$TOKEN/db.crt" "$TOKEN/db.crt"
check "show says where" sh -c "'$ASHLAR' key show --keys '$TOKEN' | grep -q '^db .*pkcs11:token=ashlar;id=.*object=db'"
check "rotate in a token" token_key rotate db
check "the successor is there, too" test -e "$TOKEN/db.uri"
check "move a key into a token" token_key rotate package-signing --pkcs11 $URI
check "its file is in retired/ only" test "$(cd "$TOKEN" && find . -name 'package-signing*.pem' | cut -d- -f1)" = ./retired/package
want_error "build: wrong PIN" "wrong PIN for token 'ashlar'" env ASHLAR_PIN=0 "$ASHLAR" build server --keys "$TOKEN" \
	--cache "$WORK/cache" --out "$WORK/out"
sed -i 's/object=db/object=bd/' "$TOKEN/db.uri"
want_error "build: no such key on the token" "no private key on token 'ashlar' fits 'pkcs11:" "$ASHLAR" build server --keys "$TOKEN" \
	--cache "$WORK/cache" --out "$WORK/out"
sed -i 's/token=ashlar/token=away/' "$TOKEN/db.uri"
want_error "build: no such token" "no token fits 'pkcs11:token=away;" "$ASHLAR" build server --keys "$TOKEN" \
	--cache "$WORK/cache" --out "$WORK/out"
check "nothing was written by these" test ! -e "$WORK/out"
