/* SPDX-License-Identifier: MIT */
#include "upstream/debian/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size };
	struct release_index index;
	struct release r;
	struct err e;

	if (release_framed(text, &e) >= 0)
		return 0;
	if (release_parse(text, &r, &e) < 0 || release_check(&r, STR("trixie"), 1, true, &e) < 0)
		return 0;
	return release_index(&a, &r, STR("main"), STR("amd64"), &index, &e) > 0;
}
