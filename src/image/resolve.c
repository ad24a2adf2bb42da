/* SPDX-License-Identifier: MIT */
#include "image/resolve.h"

#include "base/hash.h"
#include "base/io.h"
#include "upstream/upstream.h"

enum {
	DEFINITION_BYTES_MAX = 1 << 20,
	UNIVERSE_BYTES_MAX = 1 << 30,
	UNIVERSES_KEPT = 4 /* 31 MB each */
};

/* All definitions under distro/packages: few enough (one for each package that needs one) to read
 * them all. */
struct definitions {
	struct map by_name;
	VEC(struct conf_package) confs;
	VEC(struct str) texts;
	uint8_t digest[SHA256_BYTES]; /* of upstreams.yaml and of what they say to meta_apply() */
};

static void list_put(struct buf *b, const vec_str *list)
{
	buf_printf(b, " %zu", list->n);
	vec_each(s, list)
		buf_printf(b, " %zu:%.*s", s->n, STR_FMT(*s));
}

static int definitions_read(struct arena *a, const char *distro, struct definitions *ret,
			    struct err *e)
{
	const char *dir = path_join(a, distro, "packages");
	struct definitions d = { 0 };
	struct buf all = { .a = a };
	struct str text;
	vec_str names;
	int r = file_read(a, path_join(a, distro, "upstreams.yaml"), DEFINITION_BYTES_MAX, &text,
			  e);

	if (r < 0)
		return r;
	buf_put(&all, text.p, text.n);
	r = dir_list(a, dir, &names, e);
	if (r < 0)
		return r;
	vec_each(name, &names) {
		const char *path = path_join(a, path_join(a, dir, str_z(a, *name)), "package.yaml");
		struct conf_package conf;

		r = file_read(a, path, DEFINITION_BYTES_MAX, &text, e);
		if (r < 0)
			return r;
		r = conf_package_read(a, distro, *name, &conf, e);
		if (r < 0)
			return r;
		buf_printf(&all, "\n%.*s", STR_FMT(*name));
		list_put(&all, &conf.drop_requires);
		list_put(&all, &conf.add_requires);
		list_put(&all, &conf.add_provides);
		map_put(a, &d.by_name, *name, (uint32_t)d.confs.n);
		vec_push(a, &d.confs) = conf;
		vec_push(a, &d.texts) = text;
	}
	sha256(all.v.p, all.v.n, d.digest);
	*ret = d;
	return 0;
}

static const struct conf_package *definition(const struct definitions *d, struct str name)
{
	static const struct conf_package none;
	const uint32_t *i = map_get(&d->by_name, name);

	return i ? &d->confs.p[*i] : &none;
}

static int refresh_all(struct arena *a, const struct image_options *o,
		       const vec_conf_upstream *upstreams, struct upstream_state **ret,
		       struct err *e)
{
	struct upstream_state *states = arena_array(a, upstreams->n, sizeof(*states));

	for (size_t i = 0; i < upstreams->n; i++) {
		int r = upstream_refresh(a, &upstreams->p[i], o->arch, o->cache, o->progress,
					 &states[i], e);

		if (r < 0)
			return err_wrap(e, r, "upstream '%.*s'", STR_FMT(upstreams->p[i].name));
	}
	*ret = states;
	return 0;
}

static int universe_make(const struct image_options *o, const vec_conf_upstream *upstreams,
			 const struct upstream_state *states, const struct definitions *d,
			 const char *dir, const char *path, struct universe **ret, struct err *e)
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
			meta_apply(&scratch, m, &upstreams->p[i], definition(d, m->name));
			vec_push(&scratch, &all) = *m;
		}
	}
	r = universe_build(&all, o->arch, &u, e);
	if (r < 0)
		return r;
	r = universe_save(&scratch, u, &bytes, e);
	if (r == 0)
		r = file_write_cache(path, 0644, bytes.p, bytes.n, e);
	if (r < 0) {
		universe_free(u);
		return r;
	}
	dir_keep_newest(dir, UNIVERSES_KEPT);
	*ret = u;
	return 0;
}

/* The universe is a function of the signed release files and of what definitions change: its name
 * in the cache says so. Its bytes stay in @a. */
static int universe_get(struct arena *a, const struct image_options *o,
			const vec_conf_upstream *upstreams, const struct upstream_state *states,
			const struct definitions *d, struct universe **ret, struct err *e)
{
	const char *dir = path_join(a, o->cache, "universe"), *path;
	struct buf key = { .a = a };
	struct str bytes;
	int r = dir_make(dir, e);

	if (r < 0)
		return r;
	dir_clean_temps(dir);
	buf_printf(&key, "universe %s\n", o->arch);
	for (size_t i = 0; i < upstreams->n; i++)
		buf_put(&key, states[i].digest, SHA256_BYTES);
	buf_put(&key, d->digest, SHA256_BYTES);
	path = path_join(a, dir, str_z(a, sha256_hex(a, key.v.p, key.v.n)));
	r = file_read(a, path, UNIVERSE_BYTES_MAX, &bytes, e);
	if (r == 0) {
		r = universe_load(bytes, o->arch, ret, e);
		if (r == 0)
			return 0;
		progress_note(o->progress, "cache: %s: %s; made again", path, e->msg);
	}
	return universe_make(o, upstreams, states, d, dir, path, ret, e);
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

static void chosen_fill(struct arena *a, const struct universe *u, const struct definitions *d,
			struct resolved *ret)
{
	ret->n = ret->solution.packages.n;
	ret->metas = arena_array(a, ret->n, sizeof(*ret->metas));
	ret->confs = arena_array(a, ret->n, sizeof(*ret->confs));
	ret->conf_digests = arena_array(a, ret->n, sizeof(*ret->conf_digests));
	for (size_t i = 0; i < ret->n; i++) {
		struct rpm_meta *m = &ret->metas[i];
		struct sha256 h;
		const uint32_t *at;

		universe_package(a, u, ret->solution.packages.p[i], m);
		ret->confs[i] = *definition(d, m->name);
		if (ret->confs[i].name.n == 0)
			ret->confs[i].name = m->name;
		at = map_get(&d->by_name, m->name);
		sha256_init(&h);
		vec_each(rule, &resolved_upstream(ret, i)->drop_requires)
			sha256_update(&h, rule->p, rule->n + 1);
		if (at)
			sha256_update(&h, d->texts.p[*at].p, d->texts.p[*at].n);
		sha256_final(&h, ret->conf_digests[i]);
	}
}

const struct conf_upstream *resolved_upstream(const struct resolved *r, size_t i)
{
	for (size_t k = 0; k < r->upstreams.n; k++)
		if (str_eq(r->upstreams.p[k].name, r->metas[i].upstream))
			return &r->upstreams.p[k];
	return &r->upstreams.p[0];
}

static int choose(struct arena *a, const struct image_options *o,
		  const struct upstream_state *states, const struct definitions *d,
		  struct resolved *res, struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 }; /* a cached universe takes tens of MB */
	unsigned stage = progress_begin(o->progress, "index", "packages", 0);
	struct universe *u;
	int r = universe_get(&work, o, &res->upstreams, states, d, &u, e);

	progress_add(o->progress, stage, r < 0 ? 0 : universe_size(u));
	progress_end(o->progress, stage);
	if (r < 0)
		return r;
	stage = progress_begin(o->progress, "solve", "packages", 0);
	r = request(a, o, &res->image, u, &res->solution, e);
	if (r == 0)
		chosen_fill(a, u, d, res);
	universe_free(u);
	progress_add(o->progress, stage, res->n);
	progress_end(o->progress, stage);
	return r;
}

int image_resolve(struct arena *a, const struct image_options *o, struct resolved *ret,
		  struct err *e)
{
	struct resolved res = { 0 };
	struct upstream_state *states = NULL;
	struct definitions d;
	unsigned stage;
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
	stage = progress_begin(o->progress, "refresh", "", 0);
	r = refresh_all(a, o, &res.upstreams, &states, e);
	progress_end(o->progress, stage);
	if (r < 0)
		return r;
	r = choose(a, o, states, &d, &res, e);
	if (r < 0)
		return r;
	*ret = res;
	return 0;
}
