/* SPDX-License-Identifier: MIT */
#include "disk/cpio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str archive = { (const char *)data, size };
	struct cpio_entry entry;
	struct err e;

	while (cpio_next(&archive, &entry, &e) > 0)
		;
	return 0;
}
