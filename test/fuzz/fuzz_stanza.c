/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "upstream/stanza.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct stanza s;
	struct err e;
	int r;

	do
		r = stanza_next(&text, &s, &e);
	while (r > 0);
	return r == 0;
}
