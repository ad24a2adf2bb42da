# SPDX-License-Identifier: MIT
# Every command in the boxes of docs/keys.md, one after the other.
. "$(dirname "$0")/../lib.sh"

have "the tutorial on keys" softhsm2-util || exit 0
sed -n '/^```sh$/,/^```$/{/^```/d;p}' docs/keys.md >"$WORK/commands"
check "docs/keys.md has commands" test "$(grep -c '^ashlar key' "$WORK/commands")" -ge 5
cd "$WORK" || exit 1
PATH=$(dirname "$ASHLAR"):$PATH
check "each of them works" bash -eu "$WORK/commands"
check "production keys are not marked" eval "openssl x509 -in production/PK.crt -noout -subject >subject && lacks development subject"
check "they are the organisation's" sh -c "openssl x509 -in production/PK.crt -noout -subject | grep 'O = Example Ltd'"
nothing "no private key was ever in a file" find production -name '*.pem'
nothing "the retired key is gone" ls keys/retired
