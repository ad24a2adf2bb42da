/* SPDX-License-Identifier: MIT */
#include "solve/solve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BEFORE_BYTES = 8 + 3 * 4 + 8 }; /* of a file with an empty recipe, before its first part */

/* The first part's checksum is made right, else nothing behind it would ever be tried. */
static void checksum_set(uint8_t *bytes, size_t size)
{
	uint64_t n;

	if (size < BEFORE_BYTES)
		return;
	memcpy(&n, bytes + BEFORE_BYTES - sizeof(n), sizeof(n));
	bytes += BEFORE_BYTES;
	if (n >= SHA256_BYTES && n <= size - BEFORE_BYTES)
		sha256(bytes, n - SHA256_BYTES, bytes + n - SHA256_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_universe_part parts = { 0 };
	struct universe *u = NULL;
	uint8_t *bytes = arena_copy(&a, data, size);
	struct str file = { (char *)bytes, size };
	struct err e;

	checksum_set(bytes, size);
	if (universe_file_decode(&a, file, universe_file_recipe(file), 1, &parts, &e) == 0 &&
	    universe_open(&parts, NULL, "x86_64", &u, &e) == 0)
		universe_free(u);
	return 0;
}
