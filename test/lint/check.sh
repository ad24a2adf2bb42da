# SPDX-License-Identifier: MIT
# tools/check itself: what is a failure, and that logs come whole and in order.
. "$(dirname "$0")/../lib.sh"

say() { # NAME TEXT: the suite NAME is this
	printf '%s\n' "$2" >"$WORK/$1.sh"
}
ends() { # NAME STATUS COUNTS SUITE...: tools/check of these suites; one test more is that the build has no warning
	local name=$1 want=$2 counts=$3 status=0
	shift 3
	SKIPS=$WORK/skips tools/check "${@/%/.sh}" >"$WORK/said" 2>&1 || status=$?
	echo "(exit status $status)" >>"$WORK/said"
	if [ $status = "$want" ] && [ "$(tail -n 2 "$WORK/said" | head -n 1)" = "$counts" ]; then ok "$name"; else not_ok "$name" "$WORK/said"; fi
}
cd "$ROOT" || exit 1
printf 'any\tmay: no machine*\tit is slow\nany\tno reason: *\t\n%s\tonly others: *\tthey cannot\n' \
	"$(if [ "$(id -u)" = 0 ]; then echo user; else echo root; fi)" >"$WORK/skips"

say good 'echo "ok - a"; sleep 1; echo "ok - b"'
say early 'echo "ok - c"'
say bad 'echo "not ok - d"; echo "    why"'
say silent 'echo "# nothing"'
say aborted 'echo "ok - e"; exit 3'
say undefined 'set -u; echo "ok - f"; echo "$nothing"; echo "ok - g"'
say may 'echo "skip - may: no machine for it"'
say not_listed 'echo "skip - other: no machine for it"'
say not_reasoned 'echo "skip - no reason: x"'
say others 'echo "skip - only others: x"'
say slow 'sleep 100; echo "ok - h"'
ends "good suites" 0 "4 passed, 0 failed, 0 skipped" "$WORK"/{good,early}
check "logs are whole and in order, whoever is done first" test "$(grep -o '^ok - [a-c]$' "$WORK/said" | tr -d '\n')" = "ok - aok - bok - c"
check "each has a time" eval "grep -Eq '^# +[0-9]+ +[0-9]+  .*/early.sh$' '$WORK/said'"
ends "a failure" 1 "1 passed, 1 failed, 0 skipped" "$WORK/bad"
ends "a suite that tests nothing" 1 "1 passed, 1 failed, 0 skipped" "$WORK/silent"
ends "a suite that ends early" 1 "2 passed, 1 failed, 0 skipped" "$WORK/aborted"
ends "a suite with an error" 1 "2 passed, 1 failed, 0 skipped" "$WORK/undefined"
ends "a skip that is listed" 0 "1 passed, 0 failed, 1 skipped" "$WORK/may"
ends "a skip that is not" 1 "1 passed, 1 failed, 1 skipped" "$WORK/not_listed"
ends "a skip that is listed without a reason" 1 "1 passed, 1 failed, 1 skipped" "$WORK/not_reasoned"
ends "a skip that is listed for other users" 1 "1 passed, 1 failed, 1 skipped" "$WORK/others"
ends "all at once" 1 "6 passed, 7 failed, 4 skipped" "$WORK"/{good,early,bad,silent,aborted,undefined,may,not_listed,not_reasoned,others}
check "no such part" eval "! tools/check imgae 2>'$WORK/said' && grep -F \"no part or suite 'imgae'\" '$WORK/said'"

# Interrupted, it takes its suites along.
tools/check "$WORK/slow.sh" >"$WORK/said" 2>&1 &
pid=$!
for _ in $(seq 100); do pgrep -f "bash $WORK/slow.sh" >/dev/null && break; sleep 0.1; done
kill -TERM $pid
wait $pid
check "terminated: its status" test $? = 130
check "terminated: no suite goes on" eval "! pgrep -f 'bash $WORK/slow.sh'"
