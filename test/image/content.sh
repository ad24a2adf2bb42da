# SPDX-License-Identifier: MIT
# However the root is compressed: somebody else's reader finds every file with the digest that its RPM states, and all
# three kinds hold the same. The server as everybody makes it; the other kinds of a smaller image. (The kernel's reader:
# test/boot/boot.sh.)
. "$(dirname "$0")/../lib.sh"
image_needed
have "content" rpm || exit 0
erofs_needed "content" || exit 0

# listed FOLDER FILE: everything in it, with what it is
listed() {
	(cd "$1" && find . -printf '%y %m %U:%G %Ts %n %p -> %l\n' | sed -E '/^d/s/ [0-9]+ \./ ./' | sort -k6 &&
		find . -type f -print0 | sort -z | xargs -0 sha256sum) >"$2"
}
if [ "$(id -u)" = 0 ]; then preserve=--preserve; else preserve=--no-preserve; fi
# holds NAME: IMAGE's root is that of its RPMs, and listed in $WORK/NAME
holds() {
	check "$1: fsck.erofs extracts it" root_extract "$WORK/root" $preserve
	(cd "$WORK/root" && find . -type f -exec sha256sum {} +) >"$WORK/read"
	stated_digests "$WORK/stated"
	python3 test/boot/campaign-blocks.py compare "$WORK/read" "$WORK/root" "$WORK/stated"
	listed "$WORK/root" "$WORK/$1"
	printf '# %s: root of %d bytes\n' "$1" "$(manifest "m['root-bytes']")"
	rm -rf "$WORK/root" "$WORK/root.erofs"
}
holds server

cp -r distro "$WORK/distro"
cat >"$WORK/distro/images/small.yaml" <<'END'
description: A kernel and little else
features: [kernel]
packages: [netbase, systemd-boot-efi]
documentation: no
weak-dependencies: no
hostname: small
initrd-modules: [erofs, dm_verity, overlay]
esp-bytes: 64MiB
files:
  - path: /usr/lib/sysusers.d/small.conf
    content: |
      u root 0 - /root /bin/sh
END
IMAGE=$WORK/out/small-$(uname -m).raw MANIFEST=$WORK/out/small-$(uname -m).manifest.json
REPOSITORY=$WORK/out/small-$(uname -m).repository
for codec in zstd lz4hc none; do
	sed -i '/^root-compression/d' "$WORK/distro/images/small.yaml"
	echo "root-compression: $codec" >>"$WORK/distro/images/small.yaml"
	check "$codec: it builds" "$ASHLAR" build small --quiet --keys "$CHECK/keys" --cache "$CACHE" --out "$WORK/out" --distro "$WORK/distro"
	check "$codec: verify accepts it" "$ASHLAR" verify "$IMAGE" --quiet --keys "$CHECK/keys"
	holds $codec
	[ $codec = zstd ] || check "$codec: it holds what zstd does, attributes included" diff "$WORK/zstd" "$WORK/$codec"
done
