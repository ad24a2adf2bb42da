/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "tree/module_info.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	struct str info, key, value;
	struct err e;
	size_t n = 0;

	if (module_info_find((struct str){ (const char *)data, size }, &info, &e) < 0)
		return false;
	while (module_info_next(&info, &key, &value))
		n += key.n + value.n;
	if (n > size)
		__builtin_trap();
	return true;
}
