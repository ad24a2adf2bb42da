# SPDX-License-Identifier: MIT
# ashlar diff: of images, manifests and definitions; every change is found, and nothing else.
. "$(dirname "$0")/../lib.sh"
image_needed
have "diff" python3 || exit 0

NAME=$(basename "${IMAGE%.raw}")
differs() { # STATUS ARGUMENT...: what it says is in $WORK/differences
	local want=$1 status=0
	shift
	"$ASHLAR" diff --keys "$CHECK/keys" --cache "$CACHE" --out "$WORK/out" "$@" >"$WORK/differences" 2>"$WORK/noise" || status=$?
	[ "$status" = "$want" ] || { echo "exit status $status"; cat "$WORK/differences" "$WORK/noise"; false; }
}
says() { grep -qE -- "$1" "$WORK/differences" || { echo "wanted: $1"; head -n 40 "$WORK/differences"; false; }; }
lines() { # PATTERN: those that are no remarks
	grep -vE "^(not compared: |[a-z])" "$WORK/differences" | grep -vE -- "$1" >"$WORK/others"
	[ ! -s "$WORK/others" ] || { echo "more than $1:"; head -n 20 "$WORK/others"; false; }
}

check "an image is itself" differs 0 "$IMAGE" "$IMAGE"
check "and nothing is said of it" test ! -s "$WORK/differences"
check "an image is what its definition makes, files included" differs 0 "$IMAGE" server
check "of which the bytes are not compared" says '^not compared: bytes of server: '
check "files are" lacks "not compared: files" "$WORK/differences"
check "an image is what its manifest tells" differs 0 "$MANIFEST" "$IMAGE"
check "which tells no files" says "^not compared: files of $MANIFEST: "

# A definition with one file more, one file other, and one set of packages less.
cp -r distro "$WORK/distro"
cat >>"$WORK/distro/features/system.yaml" <<'END'
  - path: /etc/diff-test
    mode: "0640"
    content: |
      one
END
# without tools, and without what is left out of them
sed -E 's/, tools//; /iproute2|\/(rdma|dcb|devlink|tipc|vdpa)$/d' distro/images/server.yaml >"$WORK/distro/images/small.yaml"
check "one file more" differs 1 "$IMAGE" server --distro "$WORK/distro"
check "is added" says '^  \+ /etc/diff-test$'
check "with its size" says '^  files +[0-9]+ -> +[0-9]+  \+4$'
check "and the root is another" says '^  root hash +[0-9a-f]{12} -> [0-9a-f]{12}$'
check "nothing else is" lines '^  (\+ /etc/diff-test|files|root hash) *'
check "the other way round" differs 1 server "$IMAGE" --distro "$WORK/distro"
check "it is removed" says '^  - /etc/diff-test$'

check "fewer packages" differs 1 server small --distro "$WORK/distro" --json
check "are told with their files and sizes, as one object" python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
gone = [p["name"] for p in d["packages"]]
assert gone and all(p["after"] is None for p in d["packages"])
assert any(f["change"] == "removed" and f["path"].startswith("/usr/bin/") for f in d["files"])
assert {s["name"] for s in d["package-sizes"] if s["after"] == 0} <= set(gone)
assert d["differs"] and d["root-hash"]["before"] != d["root-hash"]["after"]' "$WORK/differences"

# A package of another version, as the manifest tells it.
python3 -c '
import json, sys
m = json.load(open(sys.argv[1]))
m["packages"][3]["evr"] += ".1"
m["packages"][4]["rpm-sha256"] = "0" * 64
m["packages"][5]["name"] = "a\x1b[31m"
json.dump(m, open(sys.argv[2], "w"))' "$MANIFEST" "$WORK/other.manifest.json"
check "packages of another version" differs 1 "$MANIFEST" "$WORK/other.manifest.json"
check "are told with both" says "^  ~ $(manifest "m['packages'][3]['name']") .* -> .*\.1$"
check "and another package of the same version" says "^  ~ $(manifest "m['packages'][4]['name']") .*: another file, .* -> 000000000000$"
check "what is written to a terminal is escaped" says '^  \+ a\\x1b\[31m '

# Bytes.
cp --sparse=always "$IMAGE" "$WORK/$NAME.raw"
cp "$MANIFEST" "$WORK"
esp=$(manifest "m['partitions'][0]['start-bytes']")
flip "$WORK/$NAME.raw" $((esp + 100 * 4096 + 7))
check "a byte of the ESP" differs 1 "$IMAGE" "$WORK/$NAME.raw"
check "is found" says '^  ESP +1 of [0-9]+ blocks, the first byte is 409607$'
check "nothing else is told to differ" lines '^  ESP '
flip "$WORK/$NAME.raw" $((esp + 100 * 4096 + 7))
table=$((esp - 1))
flip "$WORK/$NAME.raw" $table
check "a byte between partition table and partition" differs 1 "$IMAGE" "$WORK/$NAME.raw"
check "is found, too" says "^  partition table +1 of [0-9]+ blocks, the first byte is $table\$"
flip "$WORK/$NAME.raw" $table
root=$(manifest "[p['start-bytes'] for p in m['partitions'] if p['type'].startswith('root-')][0]")
flip "$WORK/$NAME.raw" $((root + 1024))
check "a root that cannot be read" differs 1 "$IMAGE" "$WORK/$NAME.raw"
check "is not guessed at" says "^not compared: files of $WORK/$NAME.raw: root file system: "
check "its bytes are compared" says '^  root-[^ ]* +1 of [0-9]+ blocks, the first byte is 1024$'
rm "$WORK/$NAME.manifest.json"
check "without a manifest beside it" differs 1 "$IMAGE" "$WORK/$NAME.raw"
check "packages are not known" says "^not compared: packages of $WORK/$NAME.raw: no manifest lies beside it"

trouble() { want_failure 2 "$@"; }
trouble "diff: no file" "open '$WORK/none.raw': No such file or directory" "$ASHLAR" diff "$IMAGE" "$WORK/none.raw"
trouble "diff: no definition" "there is no 'sever' in 'distro/images'" "$ASHLAR" diff --keys "$CHECK/keys" "$IMAGE" sever
trouble "diff: neither" "'a/b': want an image (*.raw), a manifest (*.json), or the name of a definition" "$ASHLAR" diff "$IMAGE" a/b
echo '{"root-hash":1}' >"$WORK/bad.json"
trouble "diff: no manifest" "$WORK/bad.json: no 'manifest-version' of its type" "$ASHLAR" diff "$WORK/bad.json" "$IMAGE"
truncate -s 2MiB "$WORK/empty.raw"
trouble "diff: no image" "$WORK/empty.raw: partition table: " "$ASHLAR" diff "$WORK/empty.raw" "$IMAGE"
trouble "diff: one argument" "want 'ashlar diff A B'" "$ASHLAR" diff "$IMAGE"
