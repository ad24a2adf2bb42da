/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "upstream/debian/relation.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size };
	vec_dep deps = { 0 };
	vec_str drop = { 0 };
	bool accepted = false;
	struct err e;

	vec_push(&a, &drop) = STR("d*");
	if (relation_requires(&a, text, STR("amd64"), &deps, &e) == 0) {
		accepted = true;
		vec_each(d, &deps)
			(void)dep_without(&a, d, &drop);
	}
	(void)!relation_provides(&a, text, &deps, &e);
	(void)!relation_conflicts(&a, text, STR("amd64"), &deps, &e);
	return accepted;
}
