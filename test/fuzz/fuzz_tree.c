/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "fuzz.h"
#include "tree/tree.h"

/* What can be read can be written and read again, to the same text. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t, again;
	struct str text;
	struct err e;

	if (tree_parse(&a, (struct str){ (const char *)data, size }, "fuzz", &t, &e) < 0)
		return false;
	text = tree_dump(&a, &t);
	if (tree_parse(&a, text, "again", &again, &e) < 0 || !str_eq(tree_dump(&a, &again), text))
		abort();
	return true;
}
