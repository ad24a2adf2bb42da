/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "upstream/debian/changelog.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_changelog log = { 0 };

	changelog_parse(&a, (struct str){ (const char *)data, size }, &log);
	return log.n > 0;
}
