/* SPDX-License-Identifier: MIT */
#include "upstream/debian/copyright.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };

	copyright_license(&a, (struct str){ (const char *)data, size });
	return 0;
}
