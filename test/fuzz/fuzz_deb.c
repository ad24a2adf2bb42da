/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "upstream/debian/deb.h"

enum { FUZZ_UNPACKED_MAX = 64 << 20 };

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct deb deb;
	struct err e;

	return deb_parse(&a, (struct str){ (const char *)data, size }, FUZZ_UNPACKED_MAX, &deb,
			 &e) >= 0;
}
