# SPDX-License-Identifier: MIT
# The same under AddressSanitizer, with leaks, and UBSan, built by clang with its warnings as errors. (gcc's are wrong
# about instrumented code.)
. "$(dirname "$0")/../lib.sh"
have "sanitized" clang || exit 0
folder=$CHECK/sanitized
if [ ! -e "$folder/build.ninja" ]; then
	# elf_test reads itself, and expects the symbol table that gcc has the linker write
	CC=clang meson setup "$folder" -Dwerror=true -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=0 \
		-Ddebug=false -Dc_args='-fno-sanitize-recover=undefined -gline-tables-only' -Dc_link_args=-Wl,--hash-style=gnu >"$WORK/.said" 2>&1 ||
		{ not_ok "sanitized: meson setup" "$WORK/.said"; exit 1; }
fi
check "clang has no warning" ninja -C "$folder" -k 0
meson_tests "$folder" "sanitized: "
