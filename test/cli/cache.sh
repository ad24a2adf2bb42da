# SPDX-License-Identifier: MIT
# ashlar cache: what a cache holds is listed, and goes by age and size; nothing else does.
. "$(dirname "$0")/../lib.sh"

mine=$WORK/cache
cache() { "$ASHLAR" cache --cache "$mine" "$@"; }
# entry PATH BYTES AGE
entry() {
	mkdir -p "$(dirname "$mine/$1")"
	head -c "$2" /dev/zero >"$mine/$1"
	touch -d "$3 ago" "$mine/$1"
}
digest() { printf '%064d' "$1"; }
fill() {
	rm -rf "$mine"
	entry "packs/$(digest 1).pack" 100000 "40 days"
	entry "packs/$(digest 2).pack" 200000 "20 days"
	entry "packages/$(digest 3).rpm" 300000 "10 days"
	entry "downloads/$(digest 4)" 400000 "1 day"
	entry "upstream/debian/trixie.release" 10 "90 days"
	entry "downloads/holiday.jpg" 10 "90 days"
	entry "packs/.tmp-1-0-x" 10 "90 days"
}
left() { (cd "$mine" && find . -type f | sed 's|.*/0*||' | sort | xargs); }

want_usage_error "no action" "want 'ashlar cache " "$ASHLAR" cache
want_error "unknown action" "no action 'prun'; did you mean 'ashlar cache prune'?" cache prun
want_error "unknown action, nothing near" "no action 'frobnicate'; want list" cache frobnicate
want_error "list takes no limits" "'ashlar cache list' takes no --unused-for, --size or --dry-run" cache list --size 1MB
want_error "no number of days" "'--unused-for' is 'long'; want a number of days" cache prune --unused-for long
want_error "no size" "'--size' is '4 gigs'; want a size like 4GiB" cache prune --size '4 gigs'
want_error "list: no cache" "cache '$mine' is not there" cache list
want_error "prune: no cache" "open cache '$mine': No such file or directory" cache prune

fill
cache list >"$WORK/list"
check "list: entries" grep -Eq "^packages +300.0 kB  $(date -ud '10 days ago' +%F)" "$WORK/list"
check "list: a damaged pack" grep -q "^packs .*is damaged: not a pack" "$WORK/list"
check "list: totals" grep -Eq "^packs +0.3 MB  in 2$" "$WORK/list"
check "list: sum" grep -Eq "^all +1.0 MB  in 5$" "$WORK/list"
check "list: --json" python3 - <<-END
	import json, subprocess
	lines = subprocess.run(["$ASHLAR", "cache", "list", "--json", "--cache", "$mine"], capture_output=True, check=True).stdout
	events = [json.loads(line) for line in lines.splitlines()]
	sizes = {(x["event"], x["kind"]): x["size-bytes"] for x in events}
	assert sizes["cache-entry", "downloads"] == 400000 and sizes["cache-total", "all"] == 1000010, sizes
END

cache prune --dry-run >"$WORK/said"
check "prune --dry-run says what would go" grep -q "1 of 5 entries, 0.1 MB, would go" "$WORK/said"
check "prune --dry-run removes nothing" test "$(left)" = ".tmp-1-0-x 1.pack 2.pack 3.rpm 4 holiday.jpg trixie.release"
cache prune >"$WORK/said"
check "prune: after 30 days" test "$(left)" = "2.pack 3.rpm 4 holiday.jpg trixie.release"
check "prune says what it did" grep -q "^$mine: 1 of 5 entries, 0.1 MB, removed" "$WORK/said"
fill
cache prune --quiet --unused-for 15
check "prune --unused-for" test "$(left)" = "3.rpm 4 holiday.jpg trixie.release"
fill
cache prune --quiet --unused-for 36500 --size 700010
check "prune --size: the least recently used" test "$(left)" = "3.rpm 4 holiday.jpg trixie.release"
cache prune --quiet --size 0
check "prune --size 0: all of a build's, nothing else" test "$(left)" = "holiday.jpg trixie.release"
fill
cache prune --quiet --unused-for 0
check "prune --unused-for 0" test "$(left)" = "holiday.jpg trixie.release"

# Builds hold the cache together with each other, so pruning waits until they are done.
fill
flock -s -o "$mine" sleep 1 &
sleep 0.3
cache prune 2>"$WORK/said" >/dev/null
check "prune waits for builds, and says so" grep -q "cache '$mine': waiting until no build uses it" "$WORK/said"
check "prune has waited" test -z "$(jobs -r)"
