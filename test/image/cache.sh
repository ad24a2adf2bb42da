# SPDX-License-Identifier: MIT
# ashlar cache explain: which packages a build would take as they are in the cache, and why not the others.
. "$(dirname "$0")/../lib.sh"
image_needed

explain() { "$ASHLAR" cache explain server --keys "$CHECK/keys" --cache "$CACHE" "$@"; }
count() { grep -c "$1" "$WORK/reasons"; }
n_packages=$(manifest "len(m['packages'])")

explain >"$WORK/reasons" 2>"$WORK/said" || cat "$WORK/said"
check "after a build every pack is there" test "$(count ' there$') $(wc -l <"$WORK/reasons")" = "$n_packages $n_packages"

# a package that has a definition, and one that has none
name=$(manifest "next(p['name'] for p in m['packages'] if __import__('os').path.exists('distro/packages/' + p['name']))")
other=$(manifest "next(p['name'] for p in m['packages'] if not __import__('os').path.exists('distro/packages/' + p['name']))")
cp -r distro "$WORK/distro"
echo "# a remark" >>"$WORK/distro/packages/$name/package.yaml"
explain --distro "$WORK/distro" >"$WORK/reasons" 2>&1
check "a remark changes nothing" test "$(count ' there$')" = "$n_packages"
mkdir "$WORK/distro/packages/$other"
echo 'drop-files: ["/none"]' >"$WORK/distro/packages/$other/package.yaml"
explain --distro "$WORK/distro" >"$WORK/reasons" 2>&1
check "a changed definition: of one package" test "$(count ' there$')" = $((n_packages - 1))
check "a changed definition is named" grep -Eq "^package $other +drop-files is new: [0-9a-f]{8}\.\.$" "$WORK/reasons"
explain --distro "$WORK/distro" --json >"$WORK/reasons" 2>/dev/null
check "--json" grep -q "\"what\": *\"package $other\", *\"there\": *false, *\"why\": *\"drop-files is new: " "$WORK/reasons"

# what concerns every package: what scripts may do, and the libraries that write bytes
cp -r distro "$WORK/covered"
sed -i '0,/script-covered:/s//&\n    - "none-such *"/' "$WORK/covered/upstreams.yaml"
explain --distro "$WORK/covered" >"$WORK/reasons" 2>&1
check "another script-covered: of every package" test "$(count ' script-covered changed: ')" = "$n_packages"
echo 'const char *ZSTD_versionString(void) { return "9.9.9"; }' >"$WORK/zstd.c"
cc -shared -fPIC -o "$WORK/zstd.so" "$WORK/zstd.c"
LD_PRELOAD=$WORK/zstd.so explain >"$WORK/reasons" 2>&1
check "another libzstd: of every package, its package file and its pack" \
	test "$(count 'library changed: zstd [0-9.]* -> zstd 9.9.9; library changed: zstd [0-9.]* -> zstd 9.9.9$')" = "$n_packages"

cp -r distro "$WORK/lz4"
echo "root-compression: lz4hc" >>"$WORK/lz4/images/server.yaml"
# a cache in which nobody has built with it, or with other keys
key=$(gpg --show-keys --with-colons "$REPOSITORY/package-signing.asc" 2>/dev/null | awk -F: '$1 == "fpr" { print tolower($10); exit }')
mkdir -p "$WORK/zstd/packs"
ln -s "$(realpath "$CACHE")"/{downloads,packages,solutions,universe,upstream} "$WORK/zstd"
grep -la "^package-signing-key $key" "$CACHE"/packs/*.pack | xargs grep -la '^codec zstd' | xargs cp -t "$WORK/zstd/packs"
explain --distro "$WORK/lz4" --cache "$WORK/zstd" >"$WORK/reasons" 2>&1
check "another codec: of every package" test "$(count 'codec changed: zstd -> lz4hc')" = "$n_packages"

want_error "explain: no such image" "image 'sever': " "$ASHLAR" cache explain sever --keys "$CHECK/keys" --cache "$CACHE"
want_error "explain: no image" "want 'ashlar cache explain IMAGE'" "$ASHLAR" cache explain
