/* SPDX-License-Identifier: MIT */
#include "disk/erofs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct erofs_input input;
	struct err e;

	(void)!erofs_read(&a, data, size, &input, &e);
	return 0;
}
