/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "fuzz.h"
#include "tree/generators.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct conf_image image = { 0 };
	struct tree t;
	struct err e;

	tree_init(&a, &t);
	return tree_put(&t, STR("/usr/lib/sysusers.d/x.conf"), S_IFREG | 0644,
			(struct str){ (const char *)data, size }, 0, NULL, &e) == 0 &&
	       gen_users(&t, NULL, 0, &image, &e) >= 0;
}
