/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "solve/solve.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str bytes = { (const char *)data, size };
	vec_universe_part parts = { 0 };
	struct universe *u = NULL;
	struct err e;

	if (universe_parts_decode(&a, bytes, 1, &parts, &e) < 0 ||
	    universe_open(&parts, NULL, &arch_x86_64, &u, &e) < 0)
		return false;
	universe_free(u);
	return true;
}
