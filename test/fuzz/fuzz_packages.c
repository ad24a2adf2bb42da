/* SPDX-License-Identifier: MIT */
#include "upstream/debian/translate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size };
	struct rpm_meta m;
	struct stanza s;
	struct err e;

	while (stanza_next(&text, &s, &e) > 0)
		if (meta_translate(&a, &s, STR("amd64"), &m, &e) < 0)
			break;
	return 0;
}
