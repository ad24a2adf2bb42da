# SPDX-License-Identifier: MIT
# What the cache keeps is made anew only where something changed that it follows from. Whatever of it is damaged is noted,
# once, and made again: the image has the same bytes.
. "$(dirname "$0")/../lib.sh"
image_needed

cache=$WORK/cache distro=$WORK/distro
cp -r distro "$distro"
cold_cache "$cache"
make_image() { "$ASHLAR" build server --keys "$CHECK/keys" --cache "$cache" --out "$WORK/out" --distro "$distro" "$@"; }
pack() { # WHAT: the file of the pack of that name, such as "package less"
	python3 -c '
import glob, sys
for path in sorted(glob.glob(sys.argv[1] + "/packs/*")):
    if b"pack %s\n" % sys.argv[2].encode() in open(path, "rb").read():
        print(path)' "$cache" "$1"
}
converted() { # PACKAGE: its file in CACHE/packages
	find "$cache/packages" -type f -size "$(stat -c %s "$REPOSITORY/$1"-[0-9]*.rpm)c" -exec sh -c 'cmp -s "$1" "$0"' {} "$(echo "$REPOSITORY/$1"-[0-9]*.rpm)" \; -print
}

# rebuilds NAME TEXT: the build is as ever, and says one thing: TEXT, when there is any; the next one says nothing.
rebuilds() {
	make_image >"$WORK/said" 2>&1
	check "$1: the build succeeds" test $? = 0
	same_image "$1: the same bytes" "$WORK/out"
	if [ -n "${2-}" ]; then
		check "$1: is noted once" eval "grep -F -- \"$2\" '$WORK/said' && test \$(grep -c 'made again' '$WORK/said') = 1"
	else
		check "$1: nothing to note" lacks 'made again' "$WORK/said"
	fi
	rm -rf "$WORK/out"
	check "$1: it is healed" eval "make_image --dry-run >'$WORK/said' 2>&1 && lacks 'made again' '$WORK/said'"
}
# damage FILE PART: inverts a byte of a part of a pack; of the blocks, one of each
damage() {
	python3 -c '
import struct, sys
with open(sys.argv[1], "r+b") as f:
    data = bytearray(f.read())
    blocks = struct.unpack_from("<I", data, 48)[0]
    leaves = 4096 * (1 + blocks)
    at = {"header": [100], "padding of the header": [4000], "blocks": range(4096 + 77, leaves, 4096), "leaves": [leaves + 9],
          "tables": [leaves + 32 * blocks + 3], "strings": [len(data) - 1]}[sys.argv[2]]
    for n in at:
        data[n] ^= 255
    f.seek(0); f.write(data)' "$1" "$2"
}

for part in header "padding of the header" blocks leaves tables strings; do
	damage "$(pack "package curl")" "$part"
	rebuilds "a flipped byte in a pack's $part" "cache: pack"
done
truncate -s 5000 "$(pack "package curl")"
rebuilds "a pack cut short" "cache: pack"
truncate -s -1 "$(pack "package curl")"
rebuilds "a pack that lacks its last byte" "cache: pack"
: >"$(pack "package less")"
rebuilds "an empty pack" "cache: pack"
cp "$(pack "package less")" "$WORK/other" && mv "$WORK/other" "$(pack "package netbase")"
rebuilds "a pack under another's name" "cache: pack"
rm "$(pack "package less")"
rebuilds "a pack that is gone"
derived=$(grep -aohm1 'pack derived [^ ]*' "$cache"/packs/* | cut -d' ' -f3)
check "there are derived packs" test "$(wc -w <<<"$derived")" -ge 2
for name in $derived; do
	damage "$(pack "derived $name")" blocks
	rebuilds "a flipped byte in each block of the derived pack $name" "pack '"
done
damage "$(pack "derived modules")" tables
rebuilds "a flipped byte in a derived pack's tables" "cache: derived modules: pack"

file=$(converted netbase)
flip "$file" $(($(stat -c %s "$file") - 100))
rebuilds "a flipped byte in a converted package" "package 'netbase'"
truncate -s 1000 "$(converted curl)"
rebuilds "a converted package cut short" "package 'curl'"
: >"$(converted less)"
rebuilds "an empty converted package" "package 'less'"
cp "$REPOSITORY"/less-[0-9]*.rpm "$WORK/other" && mv "$WORK/other" "$(converted netbase)"
rebuilds "a converted package under another's name" "package 'netbase'"
rm "$(converted netbase)"
flip "$cache/downloads/$(manifest "[p['origin']['sha256'] for p in m['packages'] if p['name'] == 'netbase'][0]")" 2000
rebuilds "a flipped byte in a download"
for file in "$cache"/solutions/*; do flip "$file" $(($(stat -c %s "$file") / 2)); done
rebuilds "a flipped byte in the solution" "cache: "
for file in "$cache"/solutions/*; do truncate -s 100 "$file"; done
rebuilds "a solution cut short" "cache: "
index=$(ls -S "$cache"/universe/* | head -n 1)
flip "$index" $(($(stat -c %s "$index") / 2))
rm "$cache"/solutions/*
rebuilds "a flipped byte in an index" "cache: "
truncate -s 100 "$index"
rm "$cache"/solutions/*
rebuilds "an index cut short" "cache: "
for file in "$cache"/upstream/*/*; do truncate -s 300 "$file"; done
rebuilds "a release file cut short"

# Who builds may not read what is there, but may replace it.
unreadable() {
	local file
	for file in "$(pack "package curl")" "$(converted less)" "$cache"/solutions/* "$cache"/upstream/*/*.release; do chmod 000 "$file"; done
}
if [ "$(id -u)" != 0 ]; then
	unreadable
	check "entries that cannot be read: it builds" make_image --quiet
	same_image "entries that cannot be read: the same bytes" "$WORK/out"
elif ! setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$CHECK"; then
	skip "entries that cannot be read" "the checkout is not readable for others"
else
	unreadable
	mkdir "$WORK/nobody" && cp -r "$CHECK/keys" "$WORK/nobody" && chown -R 65534:65534 "$WORK/nobody" "$cache" && chmod 711 "$WORK"
	check "entries that cannot be read: it builds" setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$ASHLAR" build server --keys "$WORK/nobody/keys" --cache "$cache" --out "$WORK/nobody/out" --distro "$distro"
	same_image "entries that cannot be read: the same bytes" "$WORK/nobody/out"
	chown -R 0:0 "$cache"
fi
rm -rf "$WORK/out" "$WORK/nobody"

# Definitions that change
make_image --quiet
entries() { find "$cache/packs" "$cache/packages" -type f -printf '%P %i %s\n' | sort; }
anew() { # what was made since entries >$WORK/before, a name a line
	local file
	entries | comm -13 "$WORK/before" - | cut -d' ' -f1 | while read -r file; do
		case $file in
		*.pack) grep -aom1 'pack [a-z]* [a-z0-9.+-]*' "$cache/packs/$file" ;;
		*) rpm -qp --nosignature --qf 'rpm %{NAME}\n' "$cache/packages/$file" 2>/dev/null ;;
		esac
	done | sort
}
makes() { # NAME WHAT: a build makes exactly that anew, and keeps all else as it is
	entries >"$WORK/before"
	check "$1: it builds" make_image --quiet
	check "$1: what is made anew" diff <(printf '%b' "$2") <(anew)
	gone() { entries | comm -23 "$WORK/before" -; }
	nothing "$1: everything else is as it was" gone
}
makes "nothing changed" ""
sed -i 's/PrintMotd no/PrintMotd yes/' "$distro/features/ssh.yaml"
makes "one file changed" ""
check "one file changed: the image is another one" eval "! cmp '$IMAGE' '$WORK/out/${IMAGE##*/}'"
sed -i 's/127.0.0.0/127.0.0.1/' "$distro/packages/netbase/package.yaml"
makes "what a package's definition adds to the image changed" ""
echo 'drop-files: [/none]' >>"$distro/packages/netbase/package.yaml"
makes "what a definition says to the conversion changed" "pack package netbase\nrpm netbase\n"
