# SPDX-License-Identifier: MIT
# docs/threats.md promises what a test tries, and tools/check-threats notices where it does not.
. "$(dirname "$0")/../lib.sh"

nothing "threats: each promise has its test" tools/check-threats

tree=$WORK/tree
fresh() {
	rm -rf "$tree"
	mkdir -p "$tree/docs" "$tree/test" "$tree/src/a"
	printf '%s\n' '# check "a remark" true' 'check "what holds" true' 'check "$place: is empty" true' >"$tree/test/a.sh"
	printf '%s\n' 'static void test_one(void **state)' 'cmocka_unit_test(test_two), TEST(test_three)' >"$tree/src/a/a_test.c"
	{
		printf '%s\n' '# Threats' '' '| promise | how | test |' '|---|---|---|'
		for i in $(seq "${1-30}"); do echo "| promise $i | so | test/a.sh: \"what holds\" |"; done
	} >"$tree/docs/threats.md"
}
found() { ! tools/check-threats "$tree" >"$WORK/said" && grep -F -- "$1" "$WORK/said" && [ "$(wc -l <"$WORK/said")" = 1 ]; }
# sees WHAT TEXT ROW...: with these rows besides
sees() {
	local what=$1 text=$2
	shift 2
	fresh
	printf '%s\n' "$@" >>"$tree/docs/threats.md"
	check "threats: $what" found "$text"
}
fresh
nothing "threats: a table as it should be" tools/check-threats "$tree"
printf '%s\n' '| a loop | so | `test/a.sh`: "*: is empty" |' '| of a unit | a \| b | src/a/a_test.c: "test_two", src/a/a_test.c: "test_three" |' '' \
	'| what | because | said where |' '|---|---|---|' '| x | y | z |' >>"$tree/docs/threats.md"
nothing "threats: names of loops and of unit tests, and what is not promised" tools/check-threats "$tree"
sees "no test" 'names no test as FILE: "name": p' '| p | so | by eye |'
sees "no such file" 'test/b.sh: No such file or directory' '| p | so | test/b.sh: "what holds" |'
sees "no such name" "test/a.sh has no test 'what held'" '| p | so | test/a.sh: "what held" |'
sees "a name in a remark" "has no test 'a remark'" '| p | so | test/a.sh: "a remark" |'
sees "a unit test that is not run" "src/a/a_test.c has no test 'test_one'" '| p | so | src/a/a_test.c: "test_one" |'
sees "a file that is no test" "src/a/a.c is no test" '| p | so | src/a/a.c: "test_two" |'
sees "a second test that is not there" "has no test 'x'" '| p | so | test/a.sh: "what holds", test/a.sh: "x" |'
sees "a cell that is missing" '2 cells, or an empty one' '| p | so |'
sees "an empty cell" '3 cells, or an empty one' '| p | | test/a.sh: "what holds" |'
sees "a promise twice" 'promised in line 5 already' '| promise 1 | so | test/a.sh: "what holds" |'
sees "another table" 'a table of a | b' '' '| a | b |' '|---|---|' '| c | d |'
fresh 29
check "threats: too few" found '29 promises; want 30 at least'
