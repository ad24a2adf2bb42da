# SPDX-License-Identifier: MIT
# The same bytes of everything in out/, whoever makes it: on one thread or many, from downloads alone or with all of it in
# the cache, in another folder, as another user, under another umask, language, time zone and clock, on another file system.
. "$(dirname "$0")/../lib.sh"
image_needed

# same NAME COMMAND...: the command builds into $WORK/out
same() {
	local name=$1
	shift
	check "$name: it builds" "$@"
	same_image "$name: the same bytes" "$WORK/out"
	rm -rf "$WORK/out"
}
from() { # CACHE OPTION...
	local cache=$1
	shift
	build --cache "$cache" --out "$WORK/out" "$@"
}

# Everything was made on one thread, and is taken from what this left. (From downloads on eight: below.)
cold_cache "$WORK/cache" --link
for n in 1 2 8; do same "-j$n, all in the cache" from "$WORK/cache" -j$n; done

# One difference at a time
here() { (cd "$WORK/elsewhere" && ./ashlar build server --quiet --keys keys --cache ../cache --out ../out); }
mkdir "$WORK/elsewhere" && cp -r distro "$CHECK/keys" "$WORK/elsewhere" && cp -L "$ASHLAR" "$WORK/elsewhere/ashlar"
same "another folder" here
masked() { (umask "$1" && from "$WORK/cache"); }
same "a strict umask" masked 077
same "an open umask" masked 000
same "a time zone in the east" eval "TZ=Asia/Kathmandu from '$WORK/cache'"
same "a time zone in the west" eval "TZ=America/St_Johns from '$WORK/cache'"
same "no language" eval "LC_ALL=C from '$WORK/cache'"
same "another language" eval "LC_ALL=tr_TR.UTF-8 LANGUAGE=tr from '$WORK/cache'"
same "SOURCE_DATE_EPOCH in the environment" eval "SOURCE_DATE_EPOCH=1 from '$WORK/cache'"
same "no home" eval "HOME=/nonexistent from '$WORK/cache'"
if have "another clock" faketime; then
	# the release files in the cache may not be valid that long
	cp -r distro "$WORK/ageless"
	sed -i 's/check-valid-until: .*/check-valid-until: no/' "$WORK/ageless/upstreams.yaml"
	for day in 1 400; do
		# faketime would move the times of files, too
		same "the clock $day days ahead" env NO_FAKE_STAT=1 faketime -f "+${day}d" "$ASHLAR" build server --quiet --keys "$CHECK/keys" \
			--cache "$WORK/cache" --out "$WORK/out" --distro "$WORK/ageless"
	done
fi
rm -rf "$WORK/cache"

# Another file system, as another user, from downloads to the image.
if [ "$(id -u)" != 0 ]; then
	skip "another user and file system" "needs root, to become another user and to mount"
elif ! setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$CHECK"; then
	skip "another user and file system" "the checkout is not readable for others"
elif ! mkdir "$WORK/memory" || ! mount -t tmpfs -o size=1500m tmpfs "$WORK/memory" 2>/dev/null; then
	skip "another user and file system" "this root may not mount"
else
	on_exit+=("umount '$WORK/memory'")
	cp -r "$WORK/elsewhere/." "$WORK/memory" && cache_of_downloads "$WORK/memory/cache" &&
		chown -R 65534:65534 "$WORK/memory" && chmod 711 "$WORK"
	as_nobody() {
		(cd "$WORK/memory" && umask 027 && HOME=/nonexistent TZ=Asia/Kathmandu LC_ALL=C \
			setpriv --reuid 65534 --regid 65534 --clear-groups ./ashlar build server --quiet -j8 --keys keys --cache cache --out out)
	}
	for what in "from downloads" "all in the cache"; do
		check "another user, in memory, -j8, $what: it builds" as_nobody
		same_image "another user, in memory, -j8, $what: the same bytes" "$WORK/memory/out"
		rm -rf "$WORK/memory/out"
	done
fi
