/* SPDX-License-Identifier: MIT */
#include "store/derive.h"

#include "base/trace.h"

static int make(struct derive *d, struct str what, struct str recipe, struct tree *t,
		derive_step step, void *arg, struct pack **ret, struct err *e)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	struct rpm_package p = { .meta.name = what };
	vec_id journal = { 0 };
	struct segments bytes;
	int r;

	t->journal = &journal;
	r = step(arg, t, e);
	t->journal = NULL;
	if (r == 0)
		r = tree_changes(&scratch, t, &journal, &p.files, e);
	if (r == 0)
		r = pack_encode(&scratch, recipe, &p, NULL, &d->how, &bytes, e);
	return r < 0 ? r : pack_cache_put(t->a, d->cache, recipe, &bytes, ret, e);
}

int derive(struct derive *d, const struct recipe *of, struct tree *t, derive_step step, void *arg,
	   struct err *e)
{
	struct str what = recipe_what(recipe_text(of));
	struct str recipe = pack_recipe(t->a, of, &d->how);
	TRACE_OF("derive", what);
	struct pack *pack;
	int r = pack_cache_get(t->a, d->cache, recipe, &pack, e);

	if (r < 0 && r != -ENOENT)
		progress_note(d->progress, "cache: %.*s: %s; made again", STR_FMT(what), e->msg);
	if (r < 0)
		r = make(d, what, recipe, t, step, arg, &pack, e);
	if (r < 0)
		return r;
	vec_push(t->a, &d->packs) = pack;
	/* also over what was made just now: its content then lies in the pack, too */
	return tree_replay(t, &pack->package.files, e);
}

void derive_done(struct derive *d)
{
	vec_each(pack, &d->packs)
		pack_close(*pack);
	d->packs.n = 0;
}
