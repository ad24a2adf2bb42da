/* SPDX-License-Identifier: MIT */
#include "agent/init/modules.h"
#include "fuzz.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct modules m;
	struct err e;

	if (modules_parse(&a, (struct str){ (const char *)data, size }, &m, &e) < 0)
		return false;
	modules_want_always(&m);
	return true;
}
