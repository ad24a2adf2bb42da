/* SPDX-License-Identifier: MIT */
#include "disk/gpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct gpt gpt;
	struct err e;

	return gpt_read(&a, data, size, &gpt, &e) > 0;
}
