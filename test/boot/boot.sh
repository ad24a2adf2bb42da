# SPDX-License-Identifier: MIT
# The image boots, is what it should be, and is never trusted when a byte of it is not.
. "$(dirname "$0")/../lib.sh"
image_needed
have "boot" qemu-system-"$(uname -m)" ssh ssh-keygen || exit 0
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
on_exit+=("stop $machine")
port=
for _ in $(seq 1900); do
	port=$(sed -n 's/.*ssh -p \([0-9]*\) .*/\1/p' "$WORK/errors" 2>/dev/null)
	kill -0 $machine 2>/dev/null || break
	grep -qs 'journal has no errors' "$WORK/guest" && break
	sleep 0.2
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
	ssh_to "$WORK/key" 'cat /usr/lib/os-release; findmnt -no OPTIONS /run/user/0; echo x >/run/ssh-tested' >"$WORK/session" 2>"$WORK/refusal"
	check "SSH: with the key" grep '^ID=' "$WORK/session"
	check "SSH: no program runs from the session's folder" grep noexec "$WORK/session"
else
	not_ok "SSH: the machine is up"
fi
wait $machine
status=$?
cat "$WORK/guest"
grep -q '^ok - ' "$WORK/guest" || not_ok "the image boots" "$WORK/errors"
check "run: the command's status is its own" test $status = 7
check "run: the command's standard error is its own" grep -x 'to standard error' "$WORK/errors"

# A byte of the superblock: init refuses, says so, and nothing of the image runs.
copy=$WORK/copy.raw
cp --sparse=always "$IMAGE" "$copy"
flip "$copy" $(($(manifest "m['partitions'][1]['start-bytes']") + 1024 + 100))
"$ASHLAR" run server --image "$copy" --until-login --console --timeout 150 >"$WORK/guest" 2>"$WORK/console"
status=$?
refuses() {
	tail -n 20 "$WORK/console"
	[ $status = 1 ] && grep -q 'ashlar-init: root .* is damaged, or not the one with the root hash' "$WORK/console" &&
		! grep -qE 'systemd\[1\]|login: ' "$WORK/console"
}
check "a byte changed in the superblock: init refuses the root" refuses
check "run never changes the image" test "$(sha256sum "$IMAGE")" = "$before"
