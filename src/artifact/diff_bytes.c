/* SPDX-License-Identifier: MIT */
#include "artifact/diff.h"

enum { BLOCK_BYTES = 4096 };

/* Where they differ first; the shorter one's length if one begins the other. */
static size_t first_difference(struct str x, struct str y)
{
	size_t i = 0;

	while (i < x.n && i < y.n && x.p[i] == y.p[i])
		i++;
	return i;
}

static void region_diff(struct arena *a, struct str name, struct str x, struct str y,
			struct image_diff *ret)
{
	size_t longer = x.n < y.n ? y.n : x.n;
	struct diff_bytes_change change = { .name = name };

	for (size_t at = 0; at < longer; at += BLOCK_BYTES) {
		struct str p = str_head(str_from(x, at), BLOCK_BYTES),
			   q = str_head(str_from(y, at), BLOCK_BYTES);

		change.blocks++;
		if (str_eq(p, q))
			continue;
		if (change.differing++ == 0)
			change.first = at + first_difference(p, q);
	}
	if (change.differing > 0)
		vec_push(a, &ret->bytes) = change;
}

static const struct diff_region *region_find(const vec_diff_region *regions, struct str name)
{
	vec_each(r, regions)
		if (str_eq(r->name, name))
			return r;
	return NULL;
}

void diff_bytes(struct arena *a, const struct diff_side *x, const struct diff_side *y,
		struct image_diff *ret)
{
	vec_each(r, &x->regions) {
		const struct diff_region *other = region_find(&y->regions, r->name);

		region_diff(a, r->name, r->bytes, other ? other->bytes : (struct str){ 0 }, ret);
	}
	vec_each(r, &y->regions)
		if (!region_find(&x->regions, r->name))
			region_diff(a, r->name, (struct str){ 0 }, r->bytes, ret);
}
