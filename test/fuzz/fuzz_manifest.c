/* SPDX-License-Identifier: MIT */
#include "artifact/manifest.h"
#include "fuzz.h"

/* What can be read is written again the same way, from then on. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct manifest m;
	struct str once;
	struct err e;

	if (manifest_parse(&a, (struct str){ (const char *)data, size }, &m, &e) < 0)
		return false;
	once = manifest_dump(&a, &m);
	if (manifest_parse(&a, once, &m, &e) < 0 || !str_eq(manifest_dump(&a, &m), once))
		__builtin_trap();
	return true;
}
