/* SPDX-License-Identifier: MIT */
#include "image/universe.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/trace.h"

enum {
	FILE_BYTES_MAX = 1 << 30,
	GENERATIONS_KEPT = 4, /* of each index: 30 MB of a large one */
};

/* An index and what is kept of it. */
struct kept {
	const struct upstream_state *state;
	struct upstream_index index;
	struct str recipe;
	const char *path;
	bool found;
	vec_universe_part parts;
};

typedef VEC(struct kept) vec_kept;

static struct str kept_recipe(struct arena *a, const struct upstream_index *index)
{
	return str_printf(a, "packages\n%.*s%.*s", STR_FMT(universe_version(a)),
			  STR_FMT(index->recipe));
}

static int kept_list(struct arena *a, const char *dir, const vec_conf_upstream *upstreams,
		     const struct upstream_state *states, vec_kept *ret, struct err *e)
{
	for (size_t i = 0; i < upstreams->n; i++) {
		vec_upstream_index indexes = { 0 };
		int r = upstream_indexes(a, &states[i], &indexes, e);

		if (r < 0)
			return err_wrap(e, r, "upstream '%.*s'", STR_FMT(upstreams->p[i].name));
		vec_each(index, &indexes) {
			struct str recipe = kept_recipe(a, index),
				   name = sha256_hex(a, recipe.p, recipe.n);

			vec_push(a, ret) =
				(struct kept){ .state = &states[i],
					       .index = *index,
					       .recipe = recipe,
					       .path = path_join(a, dir, str_z(a, name)) };
		}
	}
	return 0;
}

static void kept_load(struct arena *a, const struct image_options *o, struct kept *k)
{
	struct str bytes;
	struct err e;
	int r = file_read(a, k->path, FILE_BYTES_MAX, &bytes, &e);

	if (r == 0)
		r = universe_file_decode(a, bytes, k->recipe, o->jobs, &k->parts, &e);
	if (r < 0 && r != -ENOENT)
		progress_note(o->progress, "cache: %s: %s; made again", k->path, e.msg);
	if (r == 0)
		file_used(k->path);
	k->found = r == 0;
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

static int kept_make(struct arena *a, const struct image_options *o, struct kept *k, struct err *e)
{
	struct making m = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct str bytes = { 0 };
	int r = upstream_index_read(k->state, &k->index, o->jobs, part_take, &m, e);

	if (r == 0)
		bytes = universe_file_encode(a, k->recipe, &m.parts);
	arena_done(&m.a);
	pthread_mutex_destroy(&m.lock);
	if (r == 0)
		r = file_write_cache(k->path, 0644, bytes.p, bytes.n, e);
	if (r == 0)
		r = universe_file_decode(a, bytes, k->recipe, o->jobs, &k->parts, e);
	return r;
}

static void there(void *arg, size_t i, const char *path)
{
	(void)arg;
	(void)i;
	(void)path;
}

/* Those that are missing come together, then each is read. */
static int missing_make(struct arena *a, const struct image_options *o, vec_kept *all,
			struct err *e)
{
	VEC(struct transfer) files = { 0 };
	int r;

	vec_each(k, all)
		if (!k->found)
			vec_push(a, &files) = k->index.file;
	if (files.n == 0)
		return 0;
	r = transfer_all(files.p, files.n, o->cache, o->progress, there, NULL, e);
	vec_each(k, all) {
		if (r < 0)
			return r;
		if (!k->found)
			r = kept_make(a, o, k, e);
		if (r < 0)
			r = err_wrap(e, r, "upstream '%.*s'", STR_FMT(k->state->conf->name));
	}
	return r;
}

static void change(const void *arg, struct arena *a, struct rpm_meta *m)
{
	meta_apply(a, m, NULL, definition_of(arg, m->name));
}

static int open_all(struct arena *a, const struct image_options *o, const struct definitions *d,
		    const vec_kept *all, struct universe **ret, struct err *e)
{
	vec_str names = definitions_with_effects(a, d);
	struct universe_change changes = { &names, change, d };
	vec_universe_part parts = { 0 };

	vec_each(k, all) {
		vec_each(part, &k->parts)
			vec_push(a, &parts) = *part;
	}
	return universe_open(&parts, &changes, o->arch, ret, e);
}

int universe_get(struct arena *a, const struct image_options *o, const vec_conf_upstream *upstreams,
		 const struct upstream_state *states, const struct definitions *d,
		 struct universe **ret, struct err *e)
{
	const char *dir = path_join(a, o->cache, "universe");
	vec_kept all = { 0 };
	int r = dir_make(dir, e);

	if (r < 0)
		return r;
	dir_clean_temps(dir);
	r = kept_list(a, dir, upstreams, states, &all, e);
	if (r < 0)
		return r;
	vec_each(k, &all)
		kept_load(a, o, k);
	r = missing_make(a, o, &all, e);
	if (r == 0)
		r = open_all(a, o, d, &all, ret, e);
	dir_keep_newest(dir, all.n * GENERATIONS_KEPT);
	return r;
}
