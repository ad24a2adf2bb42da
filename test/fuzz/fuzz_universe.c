/* SPDX-License-Identifier: MIT */
#include "solve/solve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The checksum is made right, else nothing behind it would ever be tried. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct universe *u = NULL;
	uint8_t *bytes = arena_copy(&a, data, size);
	struct err e;

	if (size >= SHA256_BYTES)
		sha256(bytes, size - SHA256_BYTES, bytes + size - SHA256_BYTES);
	if (universe_load((struct str){ (char *)bytes, size }, &arch_x86_64, &u, &e) == 0)
		universe_free(u);
	return 0;
}
