/* SPDX-License-Identifier: MIT */
#include "agent/init/modules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct modules m;
	struct err e;

	if (modules_parse(&a, (struct str){ (const char *)data, size }, &m, &e) == 0)
		modules_want_always(&m);
	return 0;
}
