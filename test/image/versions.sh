# SPDX-License-Identifier: MIT
# The whole archive, for both architectures: its metadata can be solved, and the order of every pair of versions that it
# compares survives translation.
. "$(dirname "$0")/../lib.sh"
image_needed

# The server's definitions name one thing that differs between architectures.
cp -r distro "$WORK/distro"
sed -i 's/linux-image-cloud-amd64/linux-image-cloud-arm64/' "$WORK/distro/features/kernel.yaml"
check "the metadata of AArch64 is translated and solved" eval \
	"'$ASHLAR' explain server openssh-server --arch aarch64 --distro '$WORK/distro' --cache '$CACHE' --quiet | grep '^openssh-server.*aarch64'"

# What the signed release files say the indexes are; they are in the cache by their digests.
for release in "$CACHE"/upstream/debian/*.release; do
	for arch in amd64 arm64; do
		digest=$(awk -v name="main/binary-$arch/Packages.xz" '$3 == name && length($1) == 64 { print $1; exit }' "$release")
		[ -z "$digest" ] || xz -dc "$CACHE/downloads/$digest" >"$WORK/$(basename "$release")-$arch"
	done
done
check "both architectures of all suites are looked at" test "$(find "$WORK" -name '*.release-*' -size +1k | wc -l)" -ge 4
tools/version-pairs --all "$WORK"/*.release-* >"$WORK/pairs"
check "the archive compares more than 40,000 pairs of versions" test "$(wc -l <"$WORK/pairs")" -gt 40000
program version_test
check "their order is the same for dpkg and for RPM" "${BUILD:-build}"/test/version_test "$WORK/pairs"
