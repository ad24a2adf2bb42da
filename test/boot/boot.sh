# SPDX-License-Identifier: MIT
# The image boots, is what it should be, and is never trusted when a byte of it is not.
. "$(dirname "$0")/../lib.sh"
image_needed
have "boot" qemu-system-"$(uname -m)" ssh ssh-keygen rpm || exit 0
erofs_needed "boot" || exit 0
export TMPDIR=$WORK # what QEMU keeps of a snapshot
before=$(sha256sum "$IMAGE")
ssh-keygen -q -t ed25519 -N '' -f "$WORK/key"
ssh-keygen -q -t ed25519 -N '' -f "$WORK/other-key"

# What docs/hardening.md allows services: NAME NUMBER, one a line.
services=$(python3 -c '
import re
for line in open("docs/hardening.md"):
    cells = line.split(" | ")
    for name in re.findall(r"`([^`]*\.service)`", cells[0]) if line.startswith("| `") else []:
        print(name, cells[2])')

# One boot for all that is asked inside, and for SSH from outside.
"$ASHLAR" run server --out "$CHECK/out" --ssh-key "$WORK/key.pub" --timeout 400 \
	-- sh -c "services='$services'; $(cat test/boot/in-guest-lib test/boot/in-guest-hardening test/boot/in-guest)" \
	>"$WORK/guest" 2>"$WORK/errors" &
machine=$!
on_exit+=("kill $machine 2>/dev/null")
port=
for _ in $(seq 380); do
	port=$(sed -n 's/.*ssh -p \([0-9]*\) .*/\1/p' "$WORK/errors" 2>/dev/null)
	kill -0 $machine 2>/dev/null || break
	grep -qs 'journal has no errors' "$WORK/guest" && break
	sleep 1
done
ssh_to() { # KEY COMMAND...
	local key=$1
	shift
	ssh -F none -i "$key" -p "$port" -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile="$WORK/known_hosts" \
		-o ConnectTimeout=30 -o LogLevel=ERROR "${options[@]}" root@127.0.0.1 "$@"
}
if kill -0 $machine 2>/dev/null && [ -n "$port" ]; then
	options=(-o PreferredAuthentications=password,keyboard-interactive -o NumberOfPasswordPrompts=0)
	check "SSH: no passwords" eval "! ssh_to '$WORK/key' true 2>'$WORK/refusal' && grep 'Permission denied (publickey)' '$WORK/refusal'"
	options=(-o BatchMode=yes)
	check "SSH: not with another key" eval "! ssh_to '$WORK/other-key' true 2>'$WORK/refusal' && grep 'Permission denied (publickey)' '$WORK/refusal'"
	ssh_to "$WORK/key" 'cat /usr/lib/os-release; findmnt -no OPTIONS /run/user/0' >"$WORK/session" 2>"$WORK/refusal"
	check "SSH: with the key" grep '^ID=' "$WORK/session"
	check "SSH: no program runs from the session's folder" grep noexec "$WORK/session"
	# without what lies upon it
	ssh_to "$WORK/key" 'mkdir /run/root && mount --bind / /run/root && cd /run/root && find . -xdev -type f -exec sha256sum {} +
		echo x >/run/ssh-tested' >"$WORK/read" 2>"$WORK/refusal"
	check "the kernel reads every file of the root" test ! -s "$WORK/refusal"
	stated_digests "$WORK/digests"
	root_extract "$WORK/root" >"$WORK/.said" 2>&1 || not_ok "fsck.erofs extracts the root" "$WORK/.said"
	python3 test/boot/campaign-blocks.py compare "$WORK/read" "$WORK/root" "$WORK/digests"
else
	not_ok "SSH: the machine is up"
fi
wait $machine
status=$?
cat "$WORK/guest"
grep -q '^ok - ' "$WORK/guest" || not_ok "the image boots" "$WORK/errors"
check "run: the command's status is its own" test $status = 7
check "run: the command's standard error is its own" grep -x 'to standard error' "$WORK/errors"

# A byte of a file's content: whoever reads it is told, and nobody else.
copy=$WORK/copy.raw
cp --sparse=always "$IMAGE" "$copy"
victim=/usr/bin/curl
at=$(python3 test/boot/campaign-blocks.py offset "$copy" "$(manifest "m['partitions'][1]['start-bytes']")" $victim)
if [ -z "$at" ]; then
	not_ok "a block of $victim is found in the image"
else
	flip "$copy" $((at + 100))
	"$ASHLAR" run server --image "$copy" --timeout 240 -- sh -c "cat /usr/bin/less >/dev/null && echo others are well
		cat $victim >/dev/null" >"$WORK/guest" 2>"$WORK/errors"
	status=$?
	check "a byte changed in $victim: reading it is an error" eval "test $status = 1 && grep 'Input/output error' '$WORK/errors'"
	check "a byte changed in $victim: other files are well" grep -x 'others are well' "$WORK/guest"
	[ "$(grep -c . "$WORK/guest")" = 1 ] || not_ok "the image with a changed byte boots" "$WORK/errors"
	flip "$copy" $((at + 100))
fi

# A byte of the superblock: init refuses, says so, and nothing of the image runs.
flip "$copy" $(($(manifest "m['partitions'][1]['start-bytes']") + 1024 + 100))
"$ASHLAR" run server --image "$copy" --until-login --console --timeout 150 >"$WORK/guest" 2>"$WORK/console" &
machine=$!
on_exit+=("kill $machine 2>/dev/null")
for _ in $(seq 150); do
	kill -0 $machine 2>/dev/null || break
	grep -qs 'ashlar-init: stopped' "$WORK/console" && break
	sleep 1
done
sleep 2
kill $machine 2>/dev/null
wait $machine 2>/dev/null
refuses() {
	tail -n 20 "$WORK/console"
	grep -q 'ashlar-init: root .* is damaged, or not the one with the root hash' "$WORK/console" &&
		! grep -qE 'systemd\[1\]|login: ' "$WORK/console"
}
check "a byte changed in the superblock: init refuses the root" refuses
check "run never changes the image" test "$(sha256sum "$IMAGE")" = "$before"
