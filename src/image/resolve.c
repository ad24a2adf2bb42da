/* SPDX-License-Identifier: MIT */
#include "image/resolve.h"

#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "image/definitions.h"
#include "image/refresh.h"
#include "store/cache.h"
#include "store/kept.h"

enum {
	UNIVERSES_KEPT = 4,  /* 31 MB each */
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

static int universe_make(const struct image_options *o, const vec_conf_upstream *upstreams,
			 const struct upstream_state *states, const struct definitions *d,
			 const struct recipe *recipe, struct universe **ret, struct err *e)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	vec_rpm_meta all = { 0 };
	struct universe *u;
	struct str bytes;
	int r;

	for (size_t i = 0; i < upstreams->n; i++) {
		vec_rpm_meta metas;

		r = upstream_packages(&scratch, &states[i], o->progress, &metas, e);
		if (r < 0)
			return err_wrap(e, r, "upstream '%.*s'", STR_FMT(upstreams->p[i].name));
		vec_each(m, &metas) {
			meta_apply(&scratch, m, &upstreams->p[i], definition_of(d, m->name));
			vec_push(&scratch, &all) = *m;
		}
	}
	r = universe_build(&all, o->arch, &u, e);
	if (r < 0)
		return r;
	r = universe_save(&scratch, u, &bytes, e);
	if (r == 0)
		r = kept_put(o->cache, recipe, bytes, UNIVERSES_KEPT, e);
	if (r < 0) {
		universe_free(u);
		return r;
	}
	*ret = u;
	return 0;
}

/* The universe is a function of the signed release files and of what definitions change. */
static struct recipe universe_recipe(struct arena *a, const struct image_options *o,
				     const vec_conf_upstream *upstreams,
				     const struct upstream_state *states,
				     const struct definitions *d)
{
	struct recipe r = recipe_new(a, RECIPE_UNIVERSE, str_c(o->arch->name));

	for (size_t i = 0; i < upstreams->n; i++)
		recipe_line(&r, "upstream",
			    str_printf(a, "%.*s %.*s", STR_FMT(upstreams->p[i].name),
				       STR_FMT(hex_encode(a, states[i].digest, SHA256_BYTES))));
	definitions_recipe(&r, d);
	return r;
}

/* Its bytes stay in @a. */
static int universe_get(struct arena *a, const struct image_options *o,
			const vec_conf_upstream *upstreams, const struct upstream_state *states,
			const struct definitions *d, const struct recipe *recipe,
			struct universe **ret, struct err *e)
{
	struct str bytes;
	int r = kept_get(a, o->cache, recipe, &bytes, e);

	if (r == 0)
		r = universe_load(bytes, o->arch, ret, e);
	if (r == 0)
		return 0;
	if (r != -ENOENT)
		progress_note(o->progress, "cache: universe: %s; made again", e->msg);
	return universe_make(o, upstreams, states, d, recipe, ret, e);
}

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

/* The solution is a function of the universe and the request. */
static struct recipe solution_recipe(struct arena *a, const struct conf_image *image,
				     const struct recipe *universe)
{
	struct recipe r = recipe_new(a, RECIPE_SOLUTION, (struct str){ 0 });

	recipe_lines(&r, recipe_text(universe));
	recipe_list(&r, "packages", &image->packages);
	recipe_list(&r, "exclude", &image->exclude);
	recipe_number(&r, "weak-dependencies", image->weak_dependencies);
	return r;
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

/* What the solution for certain states of upstreams is kept by. */
struct question {
	struct recipe universe, solution;
};

/* With the universe. */
static int choose(struct arena *a, const struct image_options *o, const struct definitions *d,
		  const struct question *q, struct resolved *res, vec_rpm_meta *ret_metas,
		  struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 }; /* a cached universe takes tens of MB */
	unsigned stage = progress_begin(o->progress, "index", "packages", 0);
	struct solution solution;
	struct universe *u;
	int r = universe_get(&work, o, &res->upstreams, res->states, d, &q->universe, &u, e);

	progress_add(o->progress, stage, r < 0 ? 0 : universe_size(u));
	progress_end(o->progress, stage);
	if (r < 0)
		return r;
	stage = progress_begin(o->progress, "solve", "packages", 0);
	r = request(&work, o, &res->image, u, &solution, e);
	if (r == 0) {
		solution_detach(a, u, &solution, &res->solution, ret_metas);
		r = kept_put(o->cache, &q->solution,
			     solution_encode(&work, &res->solution, ret_metas), SOLUTIONS_KEPT, e);
	}
	universe_free(u);
	progress_add(o->progress, stage, ret_metas->n);
	progress_end(o->progress, stage);
	return r;
}

/* What the cache says of res->states. */
static bool recall(struct arena *a, const struct image_options *o, const struct definitions *d,
		   struct resolved *res, struct question *ret, vec_rpm_meta *ret_metas)
{
	ret->universe = universe_recipe(a, o, &res->upstreams, res->states, d);
	ret->solution = solution_recipe(a, &res->image, &ret->universe);
	return solution_load(a, o, &ret->solution, &res->solution, ret_metas);
}

/* First by what the upstreams said last; else by what they say now. */
static int solution_get(struct arena *a, const struct image_options *o, const struct definitions *d,
			struct resolved *res, vec_rpm_meta *ret, struct err *e)
{
	const struct upstream_state *now;
	struct question q;
	int r;

	if (upstream_recall(a, res->upstreams.p, res->upstreams.n, o->arch, o->cache,
			    res->states) &&
	    recall(a, o, d, res, &q, ret))
		return 0;
	r = refresh_wait(res->refresh, &now, e);
	if (r < 0)
		return r;
	memcpy(res->states, now, res->upstreams.n * sizeof(*now));
	if (recall(a, o, d, res, &q, ret))
		return 0;
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
