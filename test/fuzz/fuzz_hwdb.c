/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "fuzz.h"
#include "tree/generators.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size };
	struct tree t;
	struct err e;

	tree_init(&a, &t);
	return tree_put(&t, STR("/usr/lib/udev/hwdb.d/x.hwdb"), S_IFREG | 0644, text, 0, NULL,
			&e) == 0 &&
	       gen_hwdb(&t, &e) >= 0;
}
