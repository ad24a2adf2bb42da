/* SPDX-License-Identifier: MIT */
#include "artifact/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What can be read is written again the same way, from then on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct manifest m;
	struct str once;
	struct err e;

	if (manifest_parse(&a, (struct str){ (const char *)data, size }, &m, &e) < 0)
		return 0;
	once = manifest_dump(&a, &m);
	if (manifest_parse(&a, once, &m, &e) < 0 || !str_eq(manifest_dump(&a, &m), once))
		__builtin_trap();
	return 0;
}
