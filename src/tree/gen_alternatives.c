/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/trace.h"
#include "tree/gen.h"
#include "tree/generators.h"

struct choice {
	const struct conf_alternative *alternative;
	struct str source;
};

/* By name; the best first. Of equal priorities the path decides, so that the order of packages does
 * not. */
static int choice_cmp(const void *x, const void *y)
{
	const struct conf_alternative *p = ((const struct choice *)x)->alternative;
	const struct conf_alternative *q = ((const struct choice *)y)->alternative;
	int r = str_cmp(p->name, q->name);

	if (r == 0)
		r = (p->priority < q->priority) - (p->priority > q->priority);
	return r != 0 ? r : str_cmp(p->path, q->path);
}

/* As update-alternatives(1) leaves them, so that a later choice by hand works: LINK ->
 * /etc/alternatives/NAME -> PATH. */
static int put_links(struct tree *t, const struct choice *c, struct err *e)
{
	const struct conf_alternative *alt = c->alternative;
	struct str name = str_printf(t->a, "/etc/alternatives/%.*s", STR_FMT(alt->name));
	int r = gen_link(t, name, alt->path, e);

	if (r == 0)
		r = gen_link(t, alt->link, name, e);
	return r < 0 ? err_wrap(e, r, "%.*s: alternative '%.*s'", STR_FMT(c->source),
				STR_FMT(alt->name))
		     : 0;
}

/* A path that is not in the tree (a package that is not chosen, a man page left out) is no
 * candidate. */
int gen_alternatives(struct tree *t, const struct conf_package *packages, size_t n, struct err *e)
{
	TRACE("alternatives");
	_cleanup_arena_ struct arena scratch = { 0 };
	VEC(struct choice) choices = { 0 };
	int r = 0;

	for (size_t i = 0; i < n; i++)
		vec_each(alt, &packages[i].alternatives)
			if (tree_find(t, alt->path) != TREE_NONE)
				vec_push(&scratch, &choices) =
					(struct choice){ alt, packages[i].source };
	if (choices.n > 1)
		qsort(choices.p, choices.n, sizeof(*choices.p), choice_cmp);
	for (size_t i = 0; i < choices.n && r == 0; i++)
		if (i == 0 ||
		    !str_eq(choices.p[i].alternative->name, choices.p[i - 1].alternative->name))
			r = put_links(t, &choices.p[i], e);
	return r;
}
