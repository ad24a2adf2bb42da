/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "upstream/seen.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	struct seen s = { 0 };

	seen_parse((struct str){ (const char *)data, size }, STR("http://h/dists/x"), &s);
	return s.time_sec > 0;
}
