/* SPDX-License-Identifier: MIT */
#include "disk/cpio.h"
#include "fuzz.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	struct str archive = { (const char *)data, size };
	struct cpio_entry entry;
	struct err e;
	int r;

	do
		r = cpio_next(&archive, &entry, &e);
	while (r > 0);
	return r == 0;
}
