# SPDX-License-Identifier: MIT
# The running system: what needs neither firmware nor the image's kernel, in seconds.
. "$(dirname "$0")/../lib.sh"
image_needed
erofs_needed "the running system" || exit 0
have "the running system" rpm || exit 0
native_needed

"${GUEST[@]}" -- sh -c "$(cat test/boot/in-guest-lib test/native/in-guest)" >"$WORK/guest" 2>"$WORK/errors"
status=$?
cat "$WORK/guest"
grep -q '^ok - ' "$WORK/guest" || not_ok "the root boots" "$WORK/errors"
check "run: the command's status is its own" test $status = 7
check "run: the command's standard error is its own" grep -x 'to standard error' "$WORK/errors"

# without what lies upon it
"${GUEST[@]}" -- sh -c 'mkdir /run/root && mount --bind / /run/root && cd /run/root && find . -xdev -type f -exec sha256sum {} +' \
	>"$WORK/read" 2>"$WORK/refusal"
check "a kernel reads every file of the root" test $? = 0
stated_digests "$WORK/digests"
root_extract "$WORK/root" >"$WORK/.said" 2>&1 || not_ok "fsck.erofs extracts the root" "$WORK/.said"
python3 test/boot/campaign-blocks.py compare "$WORK/read" "$WORK/root" "$WORK/digests"
