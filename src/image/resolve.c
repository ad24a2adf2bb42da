/* SPDX-License-Identifier: MIT */
#include "image/resolve.h"

#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "image/definitions.h"
#include "image/refresh.h"
#include "image/universe.h"
#include "store/cache.h"

enum {
	SOLUTION_BYTES_MAX = 64 << 20,
	SOLUTIONS_KEPT = 64, /* under 1 MB each */
};

/* Chosen by measurement: docs/decisions/0017. */
enum { ROOT_ZSTD_LEVEL = 9, ROOT_LZ4HC_LEVEL = 9, CLUSTER_BYTES = 131072 };

static const struct erofs_compression root_compressions[] = {
	[EROFS_CODEC_ZSTD] = { EROFS_CODEC_ZSTD, ROOT_ZSTD_LEVEL, CLUSTER_BYTES },
	[EROFS_CODEC_LZ4HC] = { EROFS_CODEC_LZ4HC, ROOT_LZ4HC_LEVEL, CLUSTER_BYTES },
	[EROFS_CODEC_NONE] = { EROFS_CODEC_NONE, 0, CLUSTER_BYTES },
};

/* The universe is a function of the signed release files and of what definitions change. */
static struct str universe_key(struct arena *a, const struct image_options *o,
			       const vec_conf_upstream *upstreams,
			       const struct upstream_state *states, const struct definitions *d)
{
	struct buf key = { .a = a };

	buf_printf(&key, "universe %s\n", o->arch);
	for (size_t i = 0; i < upstreams->n; i++)
		buf_put(&key, states[i].digest, SHA256_BYTES);
	buf_put(&key, d->digest, SHA256_BYTES);
	return sha256_hex(a, key.v.p, key.v.n);
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
			path_join(a, o->out, str_z(a, str_printf(a, "%s-unsolvable", o->name))),
		.what = what,
	};

	return solve(a, u, &q, ret, e);
}

/* The solution is a function of the universe and the request. */
static const char *solution_path(struct arena *a, const struct image_options *o,
				 const struct conf_image *image, struct str universe)
{
	const char *dir = path_join(a, o->cache, "solutions");
	struct buf key = { .a = a };

	buf_printf(&key, "solution %.*s\n%.*s\n", STR_FMT(solve_version(a)), STR_FMT(universe));
	definition_list_put(&key, &image->packages);
	definition_list_put(&key, &image->exclude);
	buf_printf(&key, " %d", image->weak_dependencies);
	return path_join(a, dir, str_z(a, sha256_hex(a, key.v.p, key.v.n)));
}

static bool solution_load(struct arena *a, const struct image_options *o, const char *path,
			  struct solution *ret, vec_rpm_meta *ret_metas)
{
	struct str bytes;
	struct err e;
	int r = file_read(a, path, SOLUTION_BYTES_MAX, &bytes, &e);

	if (r == 0)
		r = solution_decode(a, bytes, ret, ret_metas, &e);
	if (r < 0 && r != -ENOENT) {
		progress_note(o->progress, "cache: %s: %s; made again", path, e.msg);
		unlink(path); /* one note is enough */
	}
	if (r == 0)
		file_used(path);
	return r == 0;
}

static int solution_keep(const struct image_options *o, const char *path,
			 const struct solution *solution, const vec_rpm_meta *metas, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = path_join(&a, o->cache, "solutions");
	struct str bytes = solution_encode(&a, solution, metas);
	int r = dir_make(dir, e);

	if (r < 0)
		return r;
	dir_clean_temps(dir);
	r = file_write_cache(path, 0644, bytes.p, bytes.n, e);
	dir_keep_newest(dir, SOLUTIONS_KEPT);
	return r;
}

/* The upstream that package @m came from. */
static const struct conf_upstream *upstream_of(const struct resolved *r, const struct rpm_meta *m)
{
	for (size_t k = 0; k < r->upstreams.n; k++)
		if (str_eq(r->upstreams.p[k].name, m->upstream))
			return &r->upstreams.p[k];
	return &r->upstreams.p[0];
}

static void want_fill(const struct definitions *d, const struct resolved *res, size_t i,
		      struct store_want *want)
{
	struct str text = definition_text(d, res->metas[i].name);
	struct sha256 h;

	want->meta = &res->metas[i];
	want->conf = &res->confs[i];
	want->upstream = upstream_of(res, want->meta);
	sha256_init(&h);
	vec_each(rule, &want->upstream->drop_requires)
		sha256_update(&h, rule->p, rule->n + 1);
	sha256_update(&h, text.p, text.n);
	sha256_final(&h, want->definition);
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
		want_fill(d, ret, i, &ret->wants[i]);
	ret->root_compression = root_compressions[ret->image.root_compression];
}

/* With the universe. */
static int choose(struct arena *a, const struct image_options *o, const struct definitions *d,
		  const char *path, struct resolved *res, vec_rpm_meta *ret_metas, struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 }; /* a cached universe takes tens of MB */
	unsigned stage = progress_begin(o->progress, "index", "packages", 0);
	struct solution solution;
	struct universe *u;
	int r = universe_get(&work, o, &res->upstreams, res->states, d, &u, e);

	progress_add(o->progress, stage, r < 0 ? 0 : universe_size(u));
	progress_end(o->progress, stage);
	if (r < 0)
		return r;
	stage = progress_begin(o->progress, "solve", "packages", 0);
	r = request(&work, o, &res->image, u, &solution, e);
	if (r == 0) {
		solution_detach(a, u, &solution, &res->solution, ret_metas);
		r = solution_keep(o, path, &res->solution, ret_metas, e);
	}
	universe_free(u);
	progress_add(o->progress, stage, ret_metas->n);
	progress_end(o->progress, stage);
	return r;
}

/* What the cache says of res->states. */
static bool recall(struct arena *a, const struct image_options *o, const struct definitions *d,
		   struct resolved *res, struct str *ret_key, const char **ret_path,
		   vec_rpm_meta *ret_metas)
{
	*ret_key = universe_key(a, o, &res->upstreams, res->states, d);
	*ret_path = solution_path(a, o, &res->image, *ret_key);
	return solution_load(a, o, *ret_path, &res->solution, ret_metas);
}

/* First by what the upstreams said last; else by what they say now. */
static int solution_get(struct arena *a, const struct image_options *o, const struct definitions *d,
			struct resolved *res, vec_rpm_meta *ret, struct err *e)
{
	const struct upstream_state *now;
	const char *path;
	struct str key;
	int r;

	if (upstream_recall(a, res->upstreams.p, res->upstreams.n, o->arch, o->cache,
			    res->states) &&
	    recall(a, o, d, res, &key, &path, ret))
		return 0;
	r = refresh_wait(res->refresh, &now, e);
	if (r < 0)
		return r;
	memcpy(res->states, now, res->upstreams.n * sizeof(*now));
	if (recall(a, o, d, res, &key, &path, ret))
		return 0;
	return choose(a, o, d, path, res, ret, e);
}

int image_resolve(struct arena *a, const struct image_options *o, struct resolved *ret,
		  struct err *e)
{
	struct resolved res = { 0 };
	vec_rpm_meta metas = { 0 };
	struct definitions d;
	int r;

	r = conf_image_read(a, o->distro, o->name, &res.image, e);
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
	for (;;) {
		r = image_resolve(a, o, ret, e);
		if (r < 0)
			return r;
		r = resolved_confirm(ret, e);
		resolved_done(ret);
		if (r != -ESTALE)
			return r;
	}
}
