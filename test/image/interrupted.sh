# SPDX-License-Identifier: MIT
# Builds that are interrupted, out of space or side by side: the old out/ stays, nothing is left over, and the next build
# gives the same bytes. (Killed ones: killed.sh.)
. "$(dirname "$0")/../lib.sh"
image_needed

out=$WORK/out cache=$WORK/cache
mkdir "$out" && cp --sparse=always "$IMAGE" "$MANIFEST" "${IMAGE%.raw}.lock" "$out" && cp -r "$REPOSITORY" "$out"
cp -al "$CACHE" "$cache" 2>/dev/null || cp -a "$CACHE" "$cache"
make_image() { "$ASHLAR" build server --quiet --keys "$CHECK/keys" --cache "$cache" --out "$out" "$@"; }
state() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

# So that a build has packages to convert, and a repository to write, when the signal comes
manifest "[p['rpm-sha256'] for p in m['packages'][::8]]" >"$WORK/digests"
mapfile -t converted < <(sha256sum "$cache"/packages/* | grep -F -f "$WORK/digests" | cut -d' ' -f3)
check "converted packages are in the cache" test ${#converted[@]} -ge "$(wc -l <"$WORK/digests")"
unmake() { rm -rf "${converted[@]}" "$out/$(basename "$REPOSITORY")"; }
whole_sec=$(
	unmake
	start=$(date +%s.%N)
	make_image >/dev/null 2>&1
	date +%s.%N | awk -v start="$start" '{ print $1 - start }'
)
same_image "packages converted again give the same bytes" "$out"
before=$(state "$out")

interrupt() { # SIGNAL PART-OF-THE-TIME
	unmake
	# bash starts background commands deaf to SIGINT
	env --default-signal=INT "$ASHLAR" build server --quiet --keys "$CHECK/keys" --cache "$cache" --out "$out" >"$WORK/said" 2>&1 &
	local pid=$! status=0
	sleep "$(awk -v whole="$whole_sec" -v part="$2" 'BEGIN { print whole * part / 100 }')"
	kill -s "$1" "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null || status=$?
	# each of image, lock and manifest is the old or the new one, which are the same; the repository was taken away
	check "SIG$1 after $2% of a build: nothing is half-written (status $status)" eval "cmp '$IMAGE' '$out/${IMAGE##*/}' &&
		cmp '$MANIFEST' '$out/${MANIFEST##*/}' && { [ ! -e '$out/${REPOSITORY##*/}' ] || diff -r '$REPOSITORY' '$out/${REPOSITORY##*/}'; }"
	[ $status != 0 ] || return # it was done before that
	n_interrupted=$((n_interrupted + 1))
	check "SIG$1 after $2% of a build: says so" eval "[ $status = 1 ] && grep -qx 'ashlar: interrupted; .*' '$WORK/said'"
}
n_interrupted=0
for part in 10 50 80 95; do interrupt INT $part; done
interrupt TERM 30
check "most of them came in time: $n_interrupted of 5" test $n_interrupted -ge 3
check "after SIGINT the next build succeeds" make_image
nothing "it removes what was left" leftovers "$out" "$cache"
same_image "it gives the same bytes" "$out"
check "out/ is as it was" test "$(state "$out")" = "$before"

# Two at once, with one cache in which packages and packs are missing
unmake
rm -rf "$cache/packs"
make_image --out "$WORK/one" >"$WORK/said1" 2>&1 &
one=$!
make_image --out "$WORK/two" >"$WORK/said2" 2>&1
check "two builds at once: one" test $? = 0
wait $one
check "two builds at once: the other" test $? = 0
same_image "two builds at once: one's bytes" "$WORK/one"
same_image "two builds at once: the other's bytes" "$WORK/two"
rm -rf "$WORK/one" "$WORK/two"

# A full disk: for out/, for the cache
if [ "$(id -u)" != 0 ] || ! mkdir "$WORK/small" || ! mount -t tmpfs -o size=20m tmpfs "$WORK/small" 2>/dev/null; then
	skip "a full disk" "needs root, to mount a small file system"
else
	on_exit+=("umount '$WORK/small'")
	want_error "a disk too small for the image" "No space left on device" make_image --out "$WORK/small/out"
	nothing "a disk too small for the image: nothing is left" find "$WORK/small" -type f
	cp "$MANIFEST" "$WORK/small/out/"
	want_error "a full disk again" "No space left on device" make_image --out "$WORK/small/out"
	check "the old files are untouched" cmp "$MANIFEST" "$WORK/small/out/${MANIFEST##*/}"
	rm -rf "$WORK/small/out"
	mkdir "$WORK/other"
	want_error "a disk too small for the cache" "No space left on device" make_image --cache "$WORK/small/cache" --out "$WORK/other"
	nothing "a disk too small for the cache: no image" find "$WORK/other" -type f
	mount -o remount,size=2g "$WORK/small"
	for folder in downloads upstream universe; do cp -r "$cache/$folder" "$WORK/small/cache/"; done
	check "with room again, the build succeeds" make_image --cache "$WORK/small/cache" --out "$WORK/other"
	same_image "and gives the same bytes" "$WORK/other"
fi
if [ "$(id -u)" = 0 ]; then
	skip "a folder that may not be written" "root may write everywhere"
else
	mkdir -m 555 "$WORK/sealed"
	want_error "a folder that may not be written" "Permission denied" make_image --out "$WORK/sealed/out"
fi
(ulimit -f 20480; make_image --out "$WORK/limited") >/dev/null 2>"$WORK/said"
check "a limit on the size of files" grep -q '^ashlar: .*File too large' "$WORK/said"
