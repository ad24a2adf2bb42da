/* SPDX-License-Identifier: MIT */
#include "agent/common/partitions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_partition v;
	struct err e;

	(void)!partitions_parse(&a, data, size, 512, &v, &e);
	(void)!partitions_parse(&a, data, size, 4096, &v, &e);
	return 0;
}
