# SPDX-License-Identifier: MIT
# A corpus is judged by its names: what is called should-fail-* must be refused, and everything else accepted.
. "$(dirname "$0")/../lib.sh"
program fuzz_json
replay() { # NAME CONTENT...: a corpus of these files
	rm -rf "$WORK/corpus" && mkdir "$WORK/corpus"
	while [ $# -gt 0 ]; do
		printf '%s' "$2" >"$WORK/corpus/$1"
		shift 2
	done
	"${BUILD:-build}/test/fuzz_json" "$WORK/corpus" >"$WORK/said" 2>&1
}
check "a good corpus" replay good '{}' should-fail-open '{'
check "what should fail and does not" eval "! replay good '{}' should-fail-open '{' should-fail-not '[]' && grep 'should-fail-not is accepted' '$WORK/said'"
check "what should not fail and does" eval "! replay good '{}' bad '{' should-fail-open '{' && grep 'corpus/bad is refused' '$WORK/said'"
check "nothing that should fail" eval "! replay good '{}' && grep 'no file that is refused' '$WORK/said'"
check "nothing that is good" eval "! replay should-fail-open '{' && grep 'no file that is accepted' '$WORK/said'"
check "no corpus" eval "! '${BUILD:-build}/test/fuzz_json' '$WORK/none'"
