# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What is written is there the next time: one machine, booted twice.
. "$(dirname "$0")/../lib.sh"
image_needed
native_needed

cat >"$WORK/first" <<'INSIDE'
findmnt -no OPTIONS --target /var
echo "kept in /var" >/var/lib/kept
echo "kept in /etc" >/etc/kept
cp /etc/machine-id /root/machine-id
systemctl is-system-running
systemctl show -P ConditionResult first-boot-complete.target
exit 3
INSIDE
"${GUEST[@]}" --machine "$WORK/machine" -- sh -c "$(cat "$WORK/first")" >"$WORK/out" 2>"$WORK/errors"
check "first boot: the command's status is its own, though the machine is switched off" test $? = 3
check "first boot: it is one" grep -x yes "$WORK/out"
check "first boot: every unit starts" grep -x running "$WORK/out"
check "first boot: /var forbids what it should" grep -E '^rw,nosuid,nodev,noexec' "$WORK/out"

cat >"$WORK/again" <<'INSIDE'
cat /var/lib/kept /etc/kept
[ "$(cat /etc/machine-id)" = "$(cat /root/machine-id)" ] && echo same machine
systemctl is-system-running
systemctl show -P ConditionResult first-boot-complete.target
journalctl --list-boots --no-pager --quiet | grep -c '[0-9a-f]\{32\}'
INSIDE
"${GUEST[@]}" --machine "$WORK/machine" -- sh -c "$(cat "$WORK/again")" >"$WORK/out" 2>"$WORK/errors"
check "next boot: files are kept" eval "grep -x 'kept in /var' '$WORK/out' && grep -x 'kept in /etc' '$WORK/out'"
check "next boot: the same machine, whose first boot is over" eval "grep -x 'same machine' '$WORK/out' && grep -x no '$WORK/out'"
check "next boot: every unit starts" grep -x running "$WORK/out"
check "next boot: the log of the first one is there" grep -x 2 "$WORK/out"
