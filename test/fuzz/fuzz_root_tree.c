/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "tree/root_tree.h"

enum { ALL_BYTES_MAX = 8 << 20 };

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_tree_difference differences;
	struct tree t;
	struct err e;

	if (root_tree_read(&a, (struct str){ (const char *)data, size }, ALL_BYTES_MAX, &t, &e) < 0)
		return false;
	tree_diff(&a, &t, &t, &differences);
	if (differences.n > 0)
		__builtin_trap(); /* from itself */
	return true;
}
