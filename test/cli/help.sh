# SPDX-License-Identifier: MIT
# Help, manual pages and completion, all of which come from one table of verbs and options.
. "$(dirname "$0")/../lib.sh"

verbs=$("$ASHLAR" --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p')
check "--help lists the verbs" test "$(echo $verbs)" = "build explain run verify diff sign key cache"

# Help is an answer: it goes to standard output, and needs no valid arguments besides.
help_is_good() {
	"$@" >"$WORK/help" 2>"$WORK/errors" || return
	cat "$WORK/errors"
	[ ! -s "$WORK/errors" ] && grep -q '^Usage: ashlar ' "$WORK/help" && ! grep -nE '.{81}|[[:space:]]$' "$WORK/help"
}
check "--help" help_is_good "$ASHLAR" --help
check "help" help_is_good "$ASHLAR" help
for verb in $verbs; do
	check "$verb --help" help_is_good "$ASHLAR" "$verb" --help
	check "$verb -h among arguments" help_is_good "$ASHLAR" "$verb" -q too many arguments -h
done
check "--version" test "$("$ASHLAR" --version)" = "ashlar $(sed -n "s/.*version: '\([0-9.]*\)', license.*/\1/p" meson.build)"

man_is_good() {
	groff -man -ww -Tutf8 -z "$1" 2>"$WORK/warnings" && grep -q '^\.SH NAME' "$1" && [ ! -s "$WORK/warnings" ] && return
	cat "$WORK/warnings"
	return 1
}
every_option_is_in() { # PAGE VERB
	local option
	[ "$("$ASHLAR" "$2" --help | grep -cE '^ +(-[a-z], )?--[a-z-]+')" -ge 5 ] || { echo "help of $2 lists no options"; return 1; }
	for option in $("$ASHLAR" "$2" --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE '[a-z-]{3,}$'); do
		sed 's/\\-/-/g' "$1" | grep -qe "$option" || { echo "$1 lacks $option"; return 1; }
	done
}
if have "manual pages" groff; then
	for verb in "" $verbs; do
		page=$ROOT/${BUILD:-build}/man/ashlar${verb:+-$verb}.1
		check "${page##*/} is good roff" man_is_good "$page"
		[ -z "$verb" ] || check "${page##*/} has every option" every_option_is_in "$page" "$verb"
	done
fi

completed() { # WORDS OF THE LINE..., the last being completed
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_ashlar && echo "${COMPREPLY[*]}"
}
# shellcheck disable=SC1090
. <("$ASHLAR" help completion)
check "completion: verbs" test "$(completed ashlar ex)" = "explain"
check "completion: a verb's options" test "$(completed ashlar run --until)" = "--until-login"
check "completion: shared options" test "$(completed ashlar verify --cac)" = "--cache"
check "completion is registered" complete -p ashlar
