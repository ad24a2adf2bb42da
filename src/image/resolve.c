/* SPDX-License-Identifier: MIT */
#include "image/resolve.h"

#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "image/definitions.h"
#include "image/refresh.h"
#include "image/universe.h"
#include "store/cache.h"
#include "store/kept.h"

enum {
	SOLUTIONS_KEPT = 64, /* under 1 MB each */
	/* an upstream that has news again each time it is asked is one that is not in order */
	RESOLVE_TRIES_MAX = 8,
};

/* Chosen by measurement: docs/decisions/0017. */
enum { ROOT_ZSTD_LEVEL = 9, ROOT_LZ4HC_LEVEL = 9, CLUSTER_BYTES = 131072 };

static const struct erofs_compression root_compressions[] = {
	[EROFS_CODEC_ZSTD] = { EROFS_CODEC_ZSTD, ROOT_ZSTD_LEVEL, CLUSTER_BYTES },
	[EROFS_CODEC_LZ4HC] = { EROFS_CODEC_LZ4HC, ROOT_LZ4HC_LEVEL, CLUSTER_BYTES },
	[EROFS_CODEC_NONE] = { EROFS_CODEC_NONE, 0, CLUSTER_BYTES },
};

static int request(struct arena *a, const struct image_options *o, const struct conf_image *image,
		   struct universe *u, struct solution *ret, struct err *e)
{
	const char *what = str_z(a, str_printf(a, "image '%s'", o->name));
	struct solve_request q = {
		.packages = image->packages,
		.exclude = image->exclude,
		.weak_dependencies = image->weak_dependencies,
		.testcase_dir =
			path_join(a, o->out, str_z(a, str_printf(a, "%s" UNSOLVABLE, o->name))),
		.what = what,
	};

	return solve(a, u, &q, ret, e);
}

/* What the solution for certain states of upstreams follows from. */
struct question {
	vec_kept_index indexes;
	struct recipe recipe;
};

/* The solution is a function of the indexes, of what definitions change, and of the request. */
static int question_make(struct arena *a, const struct image_options *o,
			 const struct definitions *d, const struct resolved *res,
			 struct question *ret, struct err *e)
{
	struct question q = { .recipe = recipe_new(a, RECIPE_SOLUTION, str_c(o->arch->name)) };
	int r = kept_indexes(a, &res->upstreams, res->states, &q.indexes, e);

	if (r < 0)
		return r;
	vec_each(index, &q.indexes)
		recipe_line(&q.recipe, "index", recipe_key(a, recipe_text(&index->recipe)));
	definitions_recipe(&q.recipe, d);
	recipe_list(&q.recipe, "packages", &res->image.packages);
	recipe_list(&q.recipe, "exclude", &res->image.exclude);
	recipe_number(&q.recipe, "weak-dependencies", res->image.weak_dependencies);
	*ret = q;
	return 0;
}

static bool solution_load(struct arena *a, const struct image_options *o,
			  const struct recipe *recipe, struct solution *ret,
			  vec_rpm_meta *ret_metas)
{
	struct str bytes;
	struct err e;
	int r = kept_get(a, o->cache, recipe, &bytes, &e);

	if (r == 0)
		r = solution_decode(a, bytes, ret, ret_metas, &e);
	if (r < 0 && r != -ENOENT)
		progress_note(o->progress, "cache: solution: %s; made again", e.msg);
	return r == 0;
}

/* The upstream that package @m came from. */
static const struct conf_upstream *upstream_of(const struct resolved *r, const struct rpm_meta *m)
{
	for (size_t k = 0; k < r->upstreams.n; k++)
		if (str_eq(r->upstreams.p[k].name, m->upstream))
			return &r->upstreams.p[k];
	return &r->upstreams.p[0];
}

static void chosen_fill(struct arena *a, const struct definitions *d, const vec_rpm_meta *metas,
			struct resolved *ret)
{
	ret->n = metas->n;
	ret->metas = metas->p;
	ret->confs = arena_array(a, ret->n, sizeof(*ret->confs));
	ret->wants = arena_array(a, ret->n, sizeof(*ret->wants));
	for (size_t i = 0; i < ret->n; i++) {
		ret->confs[i] = *definition_of(d, ret->metas[i].name);
		if (ret->confs[i].name.n == 0)
			ret->confs[i].name = ret->metas[i].name;
	}
	for (size_t i = 0; i < ret->n; i++)
		ret->wants[i] = (struct store_want){ .maker = &maker_conversion,
						     .meta = &ret->metas[i],
						     .conf = &ret->confs[i],
						     .upstream = upstream_of(ret, &ret->metas[i]) };
	ret->root_compression = root_compressions[ret->image.root_compression];
}

/* With the universe. */
static int choose(struct arena *a, const struct image_options *o, const struct definitions *d,
		  const struct question *q, struct resolved *res, vec_rpm_meta *ret_metas,
		  struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 }; /* a cached universe takes tens of MB */
	unsigned stage = progress_begin(o->progress, "index", "packages", 0);
	struct solution solution;
	struct universe *u;
	int r = universe_get(&work, o, &q->indexes, d, &u, e);

	progress_add(o->progress, stage, r < 0 ? 0 : universe_size(u));
	progress_end(o->progress, stage);
	if (r < 0)
		return r;
	stage = progress_begin(o->progress, "solve", "packages", 0);
	r = request(&work, o, &res->image, u, &solution, e);
	if (r == 0) {
		solution_detach(a, u, &solution, &res->solution, ret_metas);
		r = kept_put(o->cache, &q->recipe,
			     solution_encode(&work, &res->solution, ret_metas), SOLUTIONS_KEPT, e);
	}
	universe_free(u);
	progress_add(o->progress, stage, ret_metas->n);
	progress_end(o->progress, stage);
	return r;
}

/* First by what the upstreams said last; else by what they say now. */
static int solution_get(struct arena *a, const struct image_options *o, const struct definitions *d,
			struct resolved *res, vec_rpm_meta *ret, struct err *e)
{
	const struct upstream_state *now;
	struct question q;
	struct err ignored;
	int r;

	if (upstream_recall(a, res->upstreams.p, res->upstreams.n, o->arch, o->cache,
			    res->states) &&
	    question_make(a, o, d, res, &q, &ignored) == 0 &&
	    solution_load(a, o, &q.recipe, &res->solution, ret))
		return 0;
	r = refresh_wait(res->refresh, &now, e);
	if (r < 0)
		return r;
	memcpy(res->states, now, res->upstreams.n * sizeof(*now));
	r = question_make(a, o, d, res, &q, e);
	if (r < 0 || solution_load(a, o, &q.recipe, &res->solution, ret))
		return r;
	return choose(a, o, d, &q, res, ret, e);
}

int image_resolve(struct arena *a, const struct image_options *o, struct resolved *ret,
		  struct err *e)
{
	struct resolved res = { 0 };
	vec_rpm_meta metas = { 0 };
	struct definitions d;
	int r;

	r = conf_image_read(a, o->distro, o->name, &res.image, e);
	res.image.ids.extend = o->update_ids;
	if (r == 0)
		r = conf_release_read(a, o->distro, &res.release, e);
	if (r == 0)
		r = conf_upstreams_read(a, o->distro, &res.upstreams, e);
	if (r == 0)
		r = definitions_read(a, o->distro, &d, e);
	if (r < 0)
		return r;
	res.states = arena_array(a, res.upstreams.n, sizeof(*res.states));
	res.refresh = refresh_begin(o, &res.upstreams);
	r = solution_get(a, o, &d, &res, &metas, e);
	if (r < 0) {
		resolved_done(&res);
		return r;
	}
	chosen_fill(a, &d, &metas, &res);
	*ret = res;
	return 0;
}

int resolved_confirm(struct resolved *res, struct err *e)
{
	const struct upstream_state *now;
	int r = refresh_wait(res->refresh, &now, e);

	for (size_t i = 0; r == 0 && i < res->upstreams.n; i++)
		if (memcmp(now[i].digest, res->states[i].digest, SHA256_BYTES) != 0)
			r = err_set(e, -ESTALE, "upstream '%.*s' has news",
				    STR_FMT(res->upstreams.p[i].name));
	return r;
}

struct store_options image_store_options(const struct image_options *o, const struct resolved *res,
					 const struct openpgp_key *key)
{
	return (struct store_options){ .cache = o->cache,
				       .jobs = o->jobs,
				       .progress = o->progress,
				       .key = key,
				       .how = res->root_compression };
}

void resolved_done(struct resolved *res)
{
	refresh_end(res->refresh);
	res->refresh = NULL;
}

int image_resolve_now(struct arena *a, const struct image_options *o, struct resolved *ret,
		      struct err *e)
{
	_cleanup_close_ int held = -1;
	int r = cache_hold(o->cache, false, o->progress, &held, e);

	if (r < 0)
		return r;
	for (unsigned tries = 1;; tries++) {
		r = image_resolve(a, o, ret, e);
		if (r < 0)
			return r;
		r = resolved_confirm(ret, e);
		resolved_done(ret);
		if (r != -ESTALE || tries == RESOLVE_TRIES_MAX)
			return r;
	}
}
