/* SPDX-License-Identifier: MIT */
#include "store/kept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken is as long as what was given, but for its head. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str recipe, bytes;
	struct err e;

	if (kept_parse((struct str){ (const char *)data, size }, &recipe, &bytes, &e) == 0 &&
	    recipe.n + bytes.n > size)
		__builtin_trap();
	return 0;
}
