# SPDX-License-Identifier: MIT
# Every command in the boxes of docs/trust.md, one after the other: a machine that remembers.
. "$(dirname "$0")/../lib.sh"
image_needed
have "the tutorial on trust" qemu-system-"$(uname -m)" swtpm || exit 0
export ASHLAR_OUT=$CHECK/out ASHLAR_KEYS=$CHECK/keys
sed -n '/^```sh$/,/^```$/{/^```/d;p}' docs/trust.md >"$WORK/commands"
check "docs/trust.md has commands" test "$(grep -c '^!* *ashlar run' "$WORK/commands")" = 3
cd "$WORK" || exit 1
PATH=$(dirname "$ASHLAR"):$PATH
if bash -eu "$WORK/commands" >"$WORK/.said" 2>&1; then
	ok "each command of docs/trust.md works"
else
	cat console refusal >>"$WORK/.said" 2>/dev/null
	not_ok "each command of docs/trust.md works" "$WORK/.said"
fi
check "the disk takes only what is written" test "$(du -m desk/disk.raw | cut -f 1)" -lt 1024
nothing "the machine's files are its owner's only" find desk -type f -perm /077
