/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "image/steps.h"

enum { LARGEST_SHOWN = 5 };

/* The largest packages by what they bring into the image: where to look when a budget is
 * exceeded. */
struct weight {
	struct str name;
	uint64_t bytes;
};

static int weight_cmp(const void *x, const void *y)
{
	const struct weight *p = x, *q = y;

	return p->bytes != q->bytes ? (p->bytes < q->bytes ? 1 : -1) : str_cmp(p->name, q->name);
}

static struct str largest(struct arena *a, const struct assembled *as, size_t n)
{
	struct weight *weights = arena_array(a, n + 1, sizeof(*weights));
	struct buf b = { .a = a };
	vec_id ids;

	for (size_t i = 0; i < n; i++)
		weights[i].name = as->tree.owners.p[i];
	weights[n].name = STR("(generated)");
	tree_walk(a, &as->tree, &ids);
	vec_each(id, &ids) {
		const struct tree_node *node = &as->tree.nodes.p[*id];

		if (node->link_to == TREE_NONE)
			weights[node->owner < n ? node->owner : n].bytes +=
				tree_size(&as->tree, *id);
	}
	qsort(weights, n + 1, sizeof(*weights), weight_cmp);
	for (size_t i = 0; i <= n && i < LARGEST_SHOWN; i++)
		buf_printf(&b, "%s%.*s %.1f MB", i ? ", " : "", STR_FMT(weights[i].name),
			   (double)weights[i].bytes / 1e6);
	return (struct str){ (char *)b.v.p, b.v.n };
}

struct allowance {
	const char *key, *unit;
	double unit_bytes; /* 1: a count */
	uint64_t used, max;
};

static int budget(struct build *b, const struct allowance *l, struct err *e)
{
	int digits = l->unit_bytes > 1;

	if (l->max == 0 || l->used <= l->max)
		return 0;
	return err_set(e, -EDQUOT, "%.*s: %s: %.*f%s, more than the %.*f%s allowed; largest: %.*s",
		       STR_FMT(b->res.image.source), l->key, digits,
		       (double)l->used / l->unit_bytes, l->unit, digits,
		       (double)l->max / l->unit_bytes, l->unit,
		       STR_FMT(largest(b->a, &b->as, b->res.n)));
}

int image_budgets(struct build *b, struct err *e)
{
	const struct conf_image *c = &b->res.image;
	const struct allowance limits[] = {
		{ "max-packages", " packages", 1, b->res.n, c->max_packages },
		{ "max-files-bytes", " MB", 1e6, b->as.files_bytes, c->max_files_bytes },
		{ "max-image-bytes", " MB", 1e6, b->plan.files.p[0].laid.stored_bytes,
		  c->max_image_bytes },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(limits) / sizeof(*limits); i++)
		r = budget(b, &limits[i], e);
	return r;
}
