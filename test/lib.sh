# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# lib.sh - sourced by every shell suite. A test is one line of standard output: "ok - NAME", "not ok - NAME" followed by
# what was said, or "skip - NAME: reason". tools/check counts these lines.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

# shellcheck disable=SC2034 # for the suites
ROOT=$PWD
CHECK=$ROOT/${BUILD:-build}/check # keys and out/ stay here from run to run: converted packages are cached by the key
ASHLAR=$ROOT/${BUILD:-build}/ashlar
CACHE=${ASHLAR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ashlar}
# What the caller exports must not change what is tested.
unset "${!ASHLAR_@}" SOURCE_DATE_EPOCH
export LC_ALL=C.UTF-8

mkdir -p "$CHECK"
WORK=$(mktemp -d "$CHECK/tmp.XXXXXX")
on_exit=()
trap 'for command in "${on_exit[@]}"; do eval "$command"; done; rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM

ok() { echo "ok - $1"; }

# not_ok NAME [FILE]: with what FILE holds, indented.
not_ok() {
	echo "not ok - $1"
	[ -z "${2-}" ] || tail -n 40 "$2" | cut -c 1-400 | sed 's/^/    /'
}

skip() { echo "skip - $1: $2"; }

# check NAME COMMAND...: passes when the command does.
check() {
	local name=$1
	shift
	if "$@" >"$WORK/said" 2>&1; then ok "$name"; else echo "(exit status $?)" >>"$WORK/said"; not_ok "$name" "$WORK/said"; fi
}

# want_failure STATUS NAME TEXT COMMAND...: it exits with STATUS and says one sentence, of at most two lines, on standard
# error that begins with "ashlar: " and holds TEXT.
want_failure() {
	local want=$1 name=$2 text=$3 status=0
	shift 3
	"$@" >"$WORK/out" 2>"$WORK/said" || status=$?
	if [ "$status" = "$want" ] && grep -qF -- "$text" "$WORK/said" && [ "$(wc -l <"$WORK/said")" -le 2 ] &&
		[ "$(grep -c '^ashlar: ' "$WORK/said")" = 1 ]; then
		ok "$name"
	else
		echo "(exit status $status, wanted $want; wanted one sentence with: $text)" >>"$WORK/said"
		not_ok "$name" "$WORK/said"
	fi
}
want_error() { want_failure 1 "$@"; }
want_usage_error() { want_failure 2 "$@"; }

# have NAME PROGRAM...: whether all are there; skips the test NAME otherwise.
have() {
	local name=$1 program
	shift
	for program in "$@"; do
		command -v "$program" >/dev/null && continue
		skip "$name" "$program is not installed"
		return 1
	done
}
