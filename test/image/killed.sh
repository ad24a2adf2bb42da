# SPDX-License-Identifier: MIT
# SIGKILL at random moments, whatever a build is doing: nothing is half-written, and after up to three of them the next
# build gives the bytes of an undisturbed one. KILLS: how many (`make campaign` has more); SEED: other moments.
. "$(dirname "$0")/../lib.sh"
image_needed

out=$WORK/out cache=$WORK/cache distro=$WORK/distro kills=${KILLS:-20}
RANDOM=${SEED:-1}
cp -r distro "$distro"
cp -r distro "$WORK/changed"
sed -i 's/PrintMotd no/PrintMotd yes/' "$WORK/changed/features/ssh.yaml"
sed -i 's/127.0.0.0/127.0.0.1/' "$WORK/changed/packages/netbase/package.yaml"
cold_cache "$cache" --link # of which nothing is written to, as files are made beside their names
make_image() { "$ASHLAR" build server --quiet --keys "$CHECK/keys" --cache "$cache" --out "$out" --distro "$distro" "$@"; }
check "a build of changed definitions" make_image --out "$WORK/other" --distro "$WORK/changed"
check "it has other bytes" eval "! cmp '$IMAGE' '$WORK/other/${IMAGE##*/}'"
nothing "nothing is left over" leftovers "$cache" "$WORK/other"

some() { # FOLDER PARTS: removes one of so many files of the cache's folder
	local file
	for file in "$cache/$1"/*; do [ $((RANDOM % $2)) != 0 ] || rm -f "$file"; done
}
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# Each file in out/ is that of one of both definitions.
whole() {
	local name
	for name in "${IMAGE##*/}" "${MANIFEST##*/}"; do
		[ ! -e "$out/$name" ] || cmp -s "${IMAGE%/*}/$name" "$out/$name" || cmp "$WORK/other/$name" "$out/$name" || return
	done
	name=${REPOSITORY##*/}
	[ ! -e "$out/$name" ] || diff -rq "$REPOSITORY" "$out/$name" >/dev/null || diff -r "$WORK/other/$name" "$out/$name"
}
as_wanted() {
	local want=${IMAGE%/*}
	[ "$distro" != "$WORK/changed" ] || want=$WORK/other
	diff -r "$want" "$out" && leftovers "$cache" "$out" >"$WORK/left" && lacks . "$WORK/left"
}
bad() { # WHAT COMMAND...: notes in $WORK/bad that the command fails
	local what=$1
	shift
	"$@" >"$WORK/.said" 2>&1 || { echo "$what" && cat "$WORK/.said"; } >>"$WORK/bad"
}

# killed PERCENT NAME PREPARE: kills as many builds of what PREPARE left to do, each after any part of the time that one
# takes.
killed() {
	local times=$((kills * $1 / 100)) name=$2 prepare=$3 n span=99999 moment taken status killed=0
	: >"$WORK/bad"
	for n in $(seq 0 "$times"); do
		$prepare
		moment=$((n == 0 ? span : span * RANDOM / 32768))
		taken=$(milliseconds)
		# alone, without what it started
		timeout --foreground -s KILL "$((moment / 1000)).$(printf %03d $((moment % 1000)))" \
			"$ASHLAR" build server --quiet --keys "$CHECK/keys" --cache "$cache" --out "$out" --distro "$distro" >"$WORK/.said" 2>&1
		status=$?
		taken=$(($(milliseconds) - taken))
		if [ $status = 137 ]; then killed=$((killed + 1)); elif [ $taken -lt $span ]; then span=$taken; fi
		bad "$n, after $moment ms: half-written" whole
		# one kill upon the other, then one undisturbed build
		[ $((n % 3)) = 0 ] || [ "$n" = "$times" ] || continue
		bad "$n, after $moment ms: the next build fails" make_image
		bad "$n, after $moment ms: not as undisturbed" as_wanted
	done
	check "SIGKILL at $times moments of $span ms in which $name ($killed builds were still running)" test ! -s "$WORK/bad"
	[ ! -s "$WORK/bad" ] || sed 's/^/    /' "$WORK/bad"
	killed_total=$((killed_total + killed))
}
killed_total=0
cut() { some packs 6; }
convert() { some packages 16 && some packs 20; }
solve() { rm -rf "$cache/universe" "$cache/solutions"; }
lay() {
	if [ "$distro" = "$WORK/changed" ]; then distro=$WORK/distro; else distro=$WORK/changed; fi
}
killed 35 "packs are cut" cut
killed 10 "packages are converted" convert
killed 10 "packages are chosen" solve
killed 45 "an image is laid" lay
check "nearly all were killed" test $killed_total -ge $((kills * 3 / 4))
echo "# amount $killed_total"
