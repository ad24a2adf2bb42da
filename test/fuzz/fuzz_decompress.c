/* SPDX-License-Identifier: MIT */
#include "disk/codec.h"
#include "fuzz.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str out;
	struct err e;

	return decompress(&a, (struct str){ (const char *)data, size }, 1 << 20, &out, &e) >= 0;
}
