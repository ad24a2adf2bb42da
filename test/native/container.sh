# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# run --container: what it leaves behind, which is nothing, and what it says where it cannot.
. "$(dirname "$0")/../lib.sh"
image_needed
native_needed
[ $CONTAINER = yes ] || { skip "run --container" "this machine does not allow containers"; exit 0; }
contained() { # its number is the last one in $WORK/pids
	sh -c 'echo $$ >>"$0"; exec "$@"' "$WORK/pids" "$ASHLAR" run server --image "$IMAGE" --timeout 60 --container "$@"
}

# here: all that one would leave, which is on this machine's lists: of mounts, of loop devices with the image, of control
# groups with who is in them. Other people's containers are none of its business.
here() {
	grep 'nspawn/ashlar' /proc/mounts
	losetup --noheadings --output BACK-FILE --list | grep -xF "$(readlink -f "$IMAGE")"
	find /sys/fs/cgroup -name 'ashlar-*' | grep -xE ".*/ashlar-($(paste -sd'|' "$WORK/pids"))" | while read -r group; do
		echo "$group"
		find "$group" -name cgroup.procs -exec cat {} + | xargs -r ps -o pid,stat,args -p
	done
}
nothing_left() {
	for _ in $(seq 300); do # the kernel takes a while to clear up who was killed
		[ -n "$(here)" ] || return 0
		sleep 0.1
	done
	here
	return 1
}
before=$(sha256sum "$IMAGE")

contained -- sh -c 'printf "a  b%%s\n"; echo "$0 $1" >&2' 'a $b' "c'd" >"$WORK/out" 2>"$WORK/errors"
check "it succeeds where the command does" test $? = 0
check "words are passed as they are" grep -xF "a \$b c'd" "$WORK/errors"
check "its output too" grep -xF 'a  b%s' "$WORK/out"
check "at its end nothing is left" test -z "$(here)"
contained -- false
check "a command that fails: its status" test $? = 1
check "nothing is left" test -z "$(here)"
contained -- sh -c 'head -c 3000000 /dev/zero; exit 255' >"$WORK/out"
check "much output, and status 255" test "$? $(stat -c %s "$WORK/out")" = "255 3000000"
check "only what is its own" contained -- sh -c '
	[ "$(ls /sys/class/net)" = lo ] && [ -z "$(ls /run/host/ashlar | grep -vxE "out|err|status")" ] && ! cat "$0"' "$IMAGE"
check "the words of the image's command line are in force" contained -- sh -c "grep -a systemd.firstboot=no /proc/1/cmdline"
check "--until-login" eval "contained --until-login --console 2>'$WORK/console' && grep 'login: ' '$WORK/console'"
check "--timeout" eval "! contained --timeout 5 -- sleep 60 2>'$WORK/errors' && grep 'no end of the command after 5 s' '$WORK/errors'"
check "nothing is left after that" nothing_left
contained -- cat /etc/machine-id >"$WORK/one" &
contained -- cat /etc/machine-id >"$WORK/two"
wait $!
check "two at a time" eval "test -s '$WORK/one' && test -s '$WORK/two' && ! cmp '$WORK/one' '$WORK/two'"

# Whatever ends it ends all of it.
for signal in INT TERM HUP KILL; do
	contained -- sh -c 'echo up; sleep 300' >"$WORK/out" 2>/dev/null &
	machine=$!
	on_exit+=("stop $machine")
	for _ in $(seq 300); do
		grep -qs up "$WORK/out" && break
		sleep 0.1
	done
	was=$(here | wc -l)
	kill -$signal "$(tail -n 1 "$WORK/pids")"
	wait $machine 2>/dev/null
	check "SIG$signal: there was something, and nothing is left" eval "test $was -ge 2 && nothing_left"
done
check "the image is never changed" test "$(sha256sum "$IMAGE")" = "$before"

# What it says
want_error "not root" "only root may start a container; want sudo" setpriv --reuid=65534 --regid=65534 --clear-groups \
	"$ASHLAR" run server --image "$IMAGE" --container -- true
want_error "no systemd-nspawn" "no program 'systemd-nspawn': it is in Debian's package 'systemd-container'" env PATH=/none \
	"$ASHLAR" run server --image "$IMAGE" --container -- true
check "nothing is left of that" nothing_left
cp --sparse=always "$IMAGE" "$WORK/copy.raw"
flip "$WORK/copy.raw" $(($(manifest "m['partitions'][1]['start-bytes']") + 1024))
want_error "a root that is none" "this machine's kernel, $(uname -r), does not mount the root of '$WORK/copy.raw': Invalid argument" \
	"$ASHLAR" run server --image "$WORK/copy.raw" --container -- true
truncate -s 3MiB "$WORK/small.raw"
want_error "no image" "'$WORK/small.raw': partition table: " "$ASHLAR" run server --image "$WORK/small.raw" --container -- true
mkdir -p "$WORK/vm" "$WORK/held/var"
touch "$WORK/vm/disk.raw"
want_error "the folder of a virtual machine" "'$WORK/vm' holds the disk of a virtual machine" contained --machine "$WORK/vm" -- true
want_error "a virtual machine in the folder of a container" "'$WORK/held' holds the /var of a container" \
	"$ASHLAR" run server --image "$IMAGE" --quiet --machine "$WORK/held" -- true
check "nothing is left of any" nothing_left
