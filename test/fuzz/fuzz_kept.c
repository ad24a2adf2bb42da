/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "store/kept.h"

/* What is taken is as long as what was given, but for its head. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	struct str recipe, bytes;
	struct err e;

	if (kept_parse((struct str){ (const char *)data, size }, &recipe, &bytes, &e) < 0)
		return false;
	if (recipe.n + bytes.n > size)
		__builtin_trap();
	return true;
}
