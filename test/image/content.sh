# SPDX-License-Identifier: MIT
# However the root is compressed: somebody else's reader finds every file with the digest that its RPM states, and all
# three kinds hold the same. (The kernel's reader: test/boot/boot.sh.)
. "$(dirname "$0")/../lib.sh"
image_needed
have "content" rpm || exit 0
erofs_needed "content" || exit 0
stated_digests "$WORK/stated"

# listed FOLDER FILE: everything in it, with what it is
listed() {
	(cd "$1" && find . -printf '%y %m %U:%G %Ts %n %p -> %l\n' | sed -E '/^d/s/ [0-9]+ \./ ./' | sort -k6 &&
		find . -type f -print0 | sort -z | xargs -0 sha256sum) >"$2"
}
if [ "$(id -u)" = 0 ]; then preserve=--preserve; else preserve=--no-preserve; fi
cp -r distro "$WORK/distro"
for codec in zstd lz4hc none; do
	IMAGE=$WORK/out/${IMAGE##*/} MANIFEST=$WORK/out/${MANIFEST##*/}
	echo "root-compression: $codec" >>"$WORK/distro/images/server.yaml"
	check "$codec: it builds" build --out "$WORK/out" --distro "$WORK/distro"
	sed -i '$d' "$WORK/distro/images/server.yaml"
	check "$codec: verify accepts it" "$ASHLAR" verify "$IMAGE" --quiet --keys "$CHECK/keys"
	check "$codec: fsck.erofs extracts it" root_extract "$WORK/root" $preserve
	(cd "$WORK/root" && find . -type f -exec sha256sum {} +) >"$WORK/read"
	python3 test/boot/campaign-blocks.py compare "$WORK/read" "$WORK/root" "$WORK/stated"
	listed "$WORK/root" "$WORK/$codec"
	[ $codec = zstd ] || check "$codec: it holds what zstd does, attributes included" diff "$WORK/zstd" "$WORK/$codec"
	printf '# %s: root of %d bytes\n' $codec "$(manifest "m['root-bytes']")"
	rm -rf "$WORK/root" "$WORK/out" "$WORK/root.erofs"
done
