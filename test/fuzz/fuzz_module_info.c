/* SPDX-License-Identifier: MIT */
#include "tree/module_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str info, key, value;
	struct err e;
	size_t n = 0;

	if (module_info_find((struct str){ (const char *)data, size }, &info, &e) < 0)
		return 0;
	while (module_info_next(&info, &key, &value))
		n += key.n + value.n;
	return n > size;
}
