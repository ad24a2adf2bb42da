# SPDX-License-Identifier: MIT
# News from a mirror: only the index that changed is read, and what is chosen is what it would be with an empty cache.
. "$(dirname "$0")/../lib.sh"
image_needed
have "news from a mirror" gpg gpgconf || exit 0

cp -r distro "$WORK/distro"
mirror=$(mktemp -d) # with a short path, for gpg's socket
on_exit+=("rm -rf '$mirror'")
mirror() { python3 test/mirror.py "$1" "$mirror" "${@:2}"; }
check "a mirror" mirror make "$CACHE" "$WORK/distro"

# choose CACHE [OPTION...]: the packages of the image are chosen; nothing is made of them.
choose() { "$ASHLAR" explain server libc6 --quiet --distro "$WORK/distro" --keys "$CHECK/keys" --cache "$@"; }
# kept CACHE: the indexes and solutions in it, by their bytes.
kept() { (cd "$1" && sha256sum universe/* solutions/* | sort); }
# same NAME: what the cache that goes from news to news holds of this state is what a new one gets.
same() {
	rm -rf "$WORK/new"
	check "$1: with an empty cache" choose "$WORK/new" "${@:2}"
	kept "$WORK/new" >"$WORK/want"
	kept "$WORK/cache" | grep -Fxf "$WORK/want" >"$WORK/have"
	check "$1: the same indexes and the same solution, byte for byte" diff "$WORK/want" "$WORK/have"
}

check "all indexes" choose "$WORK/cache"
same "on one thread" -j 1
for seed in 1 2 3; do
	suite=$([ $seed = 2 ] && echo trixie-updates || echo trixie-security)
	kept "$WORK/cache" >"$WORK/before"
	mirror news "$suite" $seed
	check "news $seed" choose "$WORK/cache"
	kept "$WORK/cache" | comm -13 "$WORK/before" - >"$WORK/made"
	check "news $seed: one index and one solution are made" test "$(grep -c universe "$WORK/made") $(grep -c solutions "$WORK/made")" = "1 1"
	same "news $seed" -j 4
done

mirror news trixie-security 4
cp -r "$WORK/cache" "$WORK/other"
check "several builds at once" eval 'for i in 1 2 3 4; do choose "$WORK/other" & done; wait $(jobs -p)'
check "news 4" choose "$WORK/cache"
same "news 4"
kept "$WORK/other" >"$WORK/have"
check "several builds at once keep the same" diff <(kept "$WORK/cache") "$WORK/have"

# damage, in the head, in the middle and at the end
for at in 20 5000 middle; do
	for file in "$WORK"/cache/universe/*; do
		size=$(stat -c %s "$file")
		[ $at = middle ] && at=$((size / 2))
		printf '\377\376' | dd of="$file" bs=1 seek=$((at < size ? at : size - 2)) conv=notrunc status=none
	done
	rm "$WORK"/cache/solutions/*
	"$ASHLAR" explain server libc6 --distro "$WORK/distro" --keys "$CHECK/keys" --cache "$WORK/cache" >"$WORK/said" 2>&1
	check "a damaged index, at $at, is said" grep -q "made again" "$WORK/said"
	kept "$WORK/cache" | grep -Fxf "$WORK/want" >"$WORK/have"
	check "a damaged index, at $at, is made again" diff "$WORK/want" "$WORK/have"
done

# news that is none for what is chosen: the release file is new, the index is not
kept "$WORK/cache" >"$WORK/before"
sleep 1 && mirror sign trixie-security
check "another release file" choose "$WORK/cache"
check "another release file: nothing is made" diff "$WORK/before" <(kept "$WORK/cache")

# a definition reads no index again
kept "$WORK/cache" | grep universe >"$WORK/before"
mkdir -p "$WORK/distro/packages/netbase"
printf 'add-provides: [news-of-a-definition]\n' >>"$WORK/distro/packages/netbase/package.yaml"
check "another definition" choose "$WORK/cache"
check "another definition: no index is read again" diff "$WORK/before" <(kept "$WORK/cache" | grep universe)
same "another definition"
