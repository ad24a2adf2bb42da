/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "upstream/debian/version.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_version v;
	struct err e;

	return version_parse(&a, (struct str){ (const char *)data, size }, &v, &e) >= 0;
}
