# SPDX-License-Identifier: MIT
# One parser, TARGET, fuzzed for FOR seconds by libFuzzer under ASan and UBSan, from its corpus and from what was found
# before. What it must not do is kept beside what was found, as build/check/fuzz/found/TARGET-KIND-DIGEST.
. "$(dirname "$0")/../lib.sh"
have "fuzzing" clang || exit 0
folder=$CHECK/fuzz found=$CHECK/fuzz/found
if [ ! -e "$folder/build.ninja" ]; then
	CC=clang meson setup "$folder" -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false >"$WORK/.said" 2>&1 ||
		{ not_ok "fuzzing: meson setup" "$WORK/.said"; exit 1; }
fi
check "fuzz_$TARGET is built" flock "$CHECK/ninja.lock" ninja -C "$folder" "test/fuzz_$TARGET"
mkdir -p "$found/$TARGET"
"$folder/test/fuzz_$TARGET" -max_total_time="${FOR:-60}" -timeout=25 -rss_limit_mb=3000 -max_len=262144 -artifact_prefix="$found/$TARGET-" \
	"$found/$TARGET" "test/fuzz/corpus/$TARGET" >"$WORK/said" 2>&1
status=$?
if [ $status = 0 ]; then ok "$TARGET: nothing found"; else not_ok "$TARGET: nothing found (status $status)" "$WORK/said"; fi
echo "# amount $(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$WORK/said")"
