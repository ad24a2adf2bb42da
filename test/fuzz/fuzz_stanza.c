/* SPDX-License-Identifier: MIT */
#include "upstream/stanza.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct stanza s;
	struct err e;

	while (stanza_next(&text, &s, &e) > 0)
		;
	return 0;
}
