/* SPDX-License-Identifier: MIT */
#include "image/universe.h"

#include <pthread.h>

#include "store/kept.h"

enum { GENERATIONS_KEPT = 4 }; /* of each index: 30 MB of a large one */

int kept_indexes(struct arena *a, const vec_conf_upstream *upstreams,
		 const struct upstream_state *states, vec_kept_index *ret, struct err *e)
{
	for (size_t i = 0; i < upstreams->n; i++) {
		vec_upstream_index indexes = { 0 };
		int r = upstream_indexes(a, &states[i], &indexes, e);

		if (r < 0)
			return err_wrap(e, r, "upstream '%.*s'", STR_FMT(upstreams->p[i].name));
		vec_each(index, &indexes) {
			struct kept_index kept = { &states[i], *index,
						   recipe_new(a, RECIPE_INDEX, index->file.name) };

			recipe_lines(&kept.recipe, index->recipe);
			vec_push(a, ret) = kept;
		}
	}
	return 0;
}

static bool load(struct arena *a, const struct image_options *o, const struct kept_index *k,
		 vec_universe_part *ret)
{
	struct str bytes;
	struct err e;
	int r = kept_get(a, o->cache, &k->recipe, &bytes, &e);

	if (r == 0)
		r = universe_parts_decode(a, bytes, o->jobs, ret, &e);
	if (r < 0 && r != -ENOENT)
		progress_note(o->progress, "cache: index: %s; made again", e.msg);
	return r == 0;
}

/* An index on its way into parts, which come from several threads. */
struct making {
	pthread_mutex_t lock;
	struct arena a;
	vec_str parts;
};

static int part_take(void *arg, size_t part, const vec_rpm_meta *metas, struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 };
	struct making *m = arg;
	struct str bytes = universe_encode(&work, metas);

	(void)e;
	pthread_mutex_lock(&m->lock);
	while (m->parts.n <= part)
		vec_push(&m->a, &m->parts) = (struct str){ 0 };
	m->parts.p[part] = str_dup(&m->a, bytes);
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static int make(struct arena *a, const struct image_options *o, const struct kept_index *k,
		size_t n_kept, vec_universe_part *ret, struct err *e)
{
	struct making m = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct str bytes = { 0 };
	int r = upstream_index_read(k->state, &k->index, o->jobs, part_take, &m, e);

	if (r == 0)
		bytes = universe_parts_encode(a, &m.parts);
	arena_done(&m.a);
	pthread_mutex_destroy(&m.lock);
	if (r == 0)
		r = kept_put(o->cache, &k->recipe, bytes, n_kept, e);
	if (r == 0)
		r = universe_parts_decode(a, bytes, o->jobs, ret, e);
	return r < 0 ? err_wrap(e, r, "upstream '%.*s'", STR_FMT(k->state->conf->name)) : 0;
}

/* Those that are missing come together, then each is read. @parts: of each index. */
static int missing_make(struct arena *a, const struct image_options *o,
			const vec_kept_index *indexes, const bool *there, vec_universe_part *parts,
			struct err *e)
{
	VEC(struct upstream_index *) missing = { 0 };
	int r = 0;

	for (size_t i = 0; i < indexes->n; i++)
		if (!there[i])
			vec_push(a, &missing) = &indexes->p[i].index;
	if (missing.n > 0)
		r = upstream_indexes_fetch(missing.p, missing.n, o->cache, o->progress, e);
	for (size_t i = 0; i < indexes->n && r == 0; i++)
		if (!there[i])
			r = make(a, o, &indexes->p[i], indexes->n * GENERATIONS_KEPT, &parts[i], e);
	return r;
}

static void change(const void *arg, struct arena *a, struct rpm_meta *m)
{
	meta_apply(a, m, NULL, definition_of(arg, m->name));
}

int universe_get(struct arena *a, const struct image_options *o, const vec_kept_index *indexes,
		 const struct definitions *d, struct universe **ret, struct err *e)
{
	vec_universe_part *parts = arena_array(a, indexes->n, sizeof(*parts)), all = { 0 };
	vec_str names = definitions_with_effects(a, d);
	struct universe_change changes = { &names, change, d };
	bool *there = arena_array(a, indexes->n, sizeof(*there));
	int r;

	for (size_t i = 0; i < indexes->n; i++)
		there[i] = load(a, o, &indexes->p[i], &parts[i]);
	r = missing_make(a, o, indexes, there, parts, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < indexes->n; i++)
		vec_each(part, &parts[i])
			vec_push(a, &all) = *part;
	return universe_open(&all, &changes, o->arch, ret, e);
}
