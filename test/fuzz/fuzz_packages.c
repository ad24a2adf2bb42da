/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "upstream/debian/translate.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size };
	struct rpm_meta m;
	struct stanza s;
	struct err e;
	int r;

	do
		r = stanza_next(&text, &s, &e);
	while (r > 0 && meta_translate(&a, &s, STR("amd64"), &m, &e) == 0);
	return r == 0;
}
