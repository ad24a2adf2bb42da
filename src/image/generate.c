/* SPDX-License-Identifier: MIT */
/* What an image has beside its packages' files. Expensive steps are derived (store/derive.h); the
 * others run each time. */
#include <sys/stat.h>

#include "image/steps.h"
#include "rpm/rpmdb.h"
#include "tree/generators.h"

#define RPMDB "/usr/lib/sysimage/rpm/rpmdb.sqlite"

struct generating {
	struct build *b;
	bool *const *not_installed;
	struct arena a; /* scratch */
};

/* With what a generator reads. */
static int derived(struct generating *g, enum recipe_kind kind, struct gen_inputs *in,
		   derive_step step, struct err *e)
{
	struct recipe r = recipe_new(&g->a, kind, (struct str){ 0 });

	recipe_lines(&r, gen_inputs_text(in));
	return derive(&g->b->derive, &r, &g->b->as.tree, step, g, e);
}

static int certificates_step(void *arg, struct tree *t, struct err *e)
{
	(void)arg;
	return gen_certificates(t, e);
}

static int certificates(struct generating *g, struct err *e)
{
	struct gen_inputs in;

	gen_certificates_inputs(&g->a, &g->b->as.tree, &in);
	return derived(g, RECIPE_CERTIFICATES, &in, certificates_step, e);
}

static int modules_step(void *arg, struct tree *t, struct err *e)
{
	const struct generating *g = arg;

	return gen_modules(t, &g->b->res.image, g->b->o->jobs, e);
}

static int modules(struct generating *g, struct err *e)
{
	struct gen_inputs in;

	gen_modules_inputs(&g->a, &g->b->as.tree, &g->b->res.image, &in);
	return derived(g, RECIPE_MODULES, &in, modules_step, e);
}

static int hwdb_step(void *arg, struct tree *t, struct err *e)
{
	(void)arg;
	return gen_hwdb(t, e);
}

static int hwdb(struct generating *g, struct err *e)
{
	struct gen_inputs in;

	gen_hwdb_inputs(&g->a, &g->b->as.tree, &in);
	return derived(g, RECIPE_HWDB, &in, hwdb_step, e);
}

static int linker_cache_step(void *arg, struct tree *t, struct err *e)
{
	const struct generating *g = arg;

	return gen_linker_cache(t, g->b->o->arch, e);
}

static int linker_cache(struct generating *g, struct err *e)
{
	struct gen_inputs in;
	int r = gen_linker_cache_inputs(&g->a, &g->b->as.tree, g->b->o->arch, &in, e);

	return r < 0 ? r : derived(g, RECIPE_LINKER_CACHE, &in, linker_cache_step, e);
}

static int status_step(void *arg, struct tree *t, struct err *e)
{
	const struct generating *g = arg;

	return tree_put(t, STR("/usr/bin/ashlar-status"), S_IFREG | 0755, g->b->agents.status,
			TREE_OWNER_GENERATOR, NULL, e);
}

static int status(struct generating *g, struct err *e)
{
	struct recipe recipe = recipe_new(&g->a, RECIPE_STATUS, (struct str){ 0 });

	recipe_bytes(&recipe, "program", g->b->agents.status);
	return derive(&g->b->derive, &recipe, &g->b->as.tree, status_step, g, e);
}

int image_generate(struct build *b, struct err *e)
{
	struct generating g = { .b = b };
	const struct resolved *res = &b->res;
	struct tree *t = &b->as.tree;
	int r;

	r = gen_definition_files(t, res->confs, res->n, &res->image, e);
	if (r == 0)
		r = gen_users(t, res->confs, res->n, &res->image, e);
	if (r == 0)
		r = gen_alternatives(t, res->confs, res->n, e);
	if (r == 0)
		r = gen_pam(t, e);
	if (r == 0)
		r = certificates(&g, e);
	if (r == 0)
		r = modules(&g, e);
	if (r == 0)
		r = hwdb(&g, e);
	if (r == 0)
		r = gen_system(t, &res->release, &res->image, str_z(t->a, b->as.version),
			       b->keys->development, e);
	if (r == 0)
		r = gen_units(t, res->confs, res->n, &res->image, e);
	if (r == 0)
		r = linker_cache(&g, e);
	if (r == 0)
		r = status(&g, e);
	arena_done(&g.a);
	return r;
}

/* What of the cache is damaged goes all at once: each try is a build. */
static int fronts_read(struct arena *a, const struct generating *g, struct rpmdb_package *db,
		       struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < g->b->res.n; i++) {
		struct err why;
		int read;

		db[i] = (struct rpmdb_package){ .file_not_installed = g->not_installed[i],
						.n_files = g->b->packages[i].package.files.n };
		read = stored_front_read(a, &g->b->packages[i], &db[i].front, &why);
		if (read < 0 && r == 0) {
			r = read;
			*e = why;
		}
		if (read < 0 && read != -ESTALE)
			break;
	}
	return r;
}

/* The only step that needs packages themselves. */
static int rpmdb_step(void *arg, struct tree *t, struct err *e)
{
	const struct generating *g = arg;
	_cleanup_arena_ struct arena scratch = { 0 };
	struct rpmdb_package *db = arena_array(&scratch, g->b->res.n, sizeof(*db));
	struct str bytes;
	int r = fronts_read(&scratch, g, db, e);

	if (r == 0)
		r = rpmdb_write(t->a, db, g->b->res.n, g->b->as.source_date_epoch, &bytes, e);
	return r < 0 ? r
		     : tree_put(t, STR(RPMDB), S_IFREG | 0644, bytes, TREE_OWNER_GENERATOR, NULL,
				e);
}

/* A line for each package: the digest of its file, and of which of its files are not installed. */
static struct recipe rpmdb_recipe(struct generating *g)
{
	struct arena *a = &g->a;
	struct recipe recipe = recipe_new(a, RECIPE_RPMDB, (struct str){ 0 });

	recipe_number(&recipe, "time", g->b->as.source_date_epoch);
	for (size_t i = 0; i < g->b->res.n; i++) {
		const struct stored_package *p = &g->b->packages[i];
		struct str left_out =
			sha256_hex(a, g->not_installed[i], p->package.files.n * sizeof(bool));

		recipe_line(&recipe, "package",
			    str_printf(a, "%.*s %.*s %.*s", STR_FMT(p->package.meta.name),
				       STR_FMT(hex_encode(a, p->sha256, SHA256_BYTES)),
				       STR_FMT(left_out)));
	}
	return recipe;
}

/* It is made and cut anew whenever any package changes, most of what is in it cannot be compressed,
 * and level 9 would take four times as long for 7% of it. (Levels 3 and 4 leave more than 2.) */
enum { RPMDB_ZSTD_LEVEL = 2 };

static int rpmdb_derive(struct generating *g, struct err *e)
{
	const struct erofs_compression how = g->b->derive.how;
	struct recipe recipe = rpmdb_recipe(g);
	int r;

	if (how.codec == EROFS_CODEC_ZSTD && how.level > RPMDB_ZSTD_LEVEL)
		g->b->derive.how.level = RPMDB_ZSTD_LEVEL;
	r = derive(&g->b->derive, &recipe, &g->b->as.tree, rpmdb_step, g, e);
	g->b->derive.how = how;
	return r;
}

int image_rpmdb(struct build *b, bool *const *not_installed, struct err *e)
{
	struct generating g = { .b = b, .not_installed = not_installed };
	int r;

	for (size_t i = 0; i < b->res.n; i++) {
		const vec_rpm_file *files = &b->packages[i].package.files;

		for (size_t k = 0; k < files->n; k++)
			if (tree_find_exact(&b->as.tree, files->p[k].path) == TREE_NONE)
				not_installed[i][k] = true;
	}
	r = rpmdb_derive(&g, e);
	arena_done(&g.a);
	return r < 0 ? err_wrap(e, r, RPMDB) : 0;
}
