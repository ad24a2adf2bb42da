/* SPDX-License-Identifier: MIT */
#include "image/build.h"

#include "base/io.h"
#include "image/steps.h"
#include "store/cache.h"
#include "tree/accounts.h"
#include "tree/setuid.h"
#include "tree/state_needs.h"

enum { TRIES_MAX = 256 };

static int assemble(struct build *b, struct err *e)
{
	unsigned stage = progress_begin(b->o->progress, "assemble", "", 0);
	int r = image_assemble(b, e);

	if (r == 0)
		r = image_check_setuid(b->a, &b->res.image, &b->as.tree, e);
	if (r == 0)
		r = image_check_state(&b->res.image, &b->as.tree, e);
	if (r == 0)
		r = image_check_accounts(b->a, &b->res.image, &b->as.tree, e);
	if (r == 0)
		r = image_check_unused(b, e);
	if (r == 0)
		r = image_initrds(b, e);
	progress_end(b->o->progress, stage);
	return r;
}

static int plan(struct build *b, struct err *e)
{
	unsigned stage = progress_begin(b->o->progress, "plan", "", 0);
	int r = image_plan(b, e);

	progress_end(b->o->progress, stage);
	return r < 0 ? r : image_budgets(b, e);
}

/* Nothing is written: who asked for a dry run looks at what would be. */
static int look(struct build *b, struct err *e)
{
	const struct image_look *look = b->o->look;
	struct str manifest;
	int r = resolved_confirm(&b->res, e);

	if (r < 0 || !look)
		return r;
	r = manifest_text(b, &manifest, e);
	return r < 0 ? r : look->at(look->arg, &b->as.tree, manifest, e);
}

/* Before the image, which is then made of what is kept. */
static int ids_keep(struct build *b, struct err *e)
{
	const struct conf_image *image = &b->res.image;
	struct str list = { 0 };
	vec_conf_id new;
	int r = image_new_ids(b->a, image, &b->as.tree, &new, e);

	if (r < 0 || new.n == 0)
		return r;
	if (b->o->update_ids)
		return conf_ids_add(b->a, b->o->distro, &new, e);
	vec_each(id, &new)
		list = str_printf(b->a, "%.*s%s%.*s %llu", STR_FMT(list), list.n ? ", " : "",
				  STR_FMT(id->name), (unsigned long long)id->id);
	if (image->boot.state != STATE_MEMORY)
		progress_note(
			b->o->progress,
			"'%s' does not keep the ids of accounts that files on machines may belong to (%.*s); "
			"'ashlar build %s --update-ids' adds them",
			image->ids.source, STR_FMT(list), b->o->name);
	return 0;
}

/* The whole way, once. */
static int make(struct build *b, bool dry_run, struct err *e)
{
	int r = agents_for(b->o->arch, &b->agents, e);

	if (r == 0)
		r = store_get(b->store, b->res.wants, b->res.n, &b->packages, e);
	if (r == 0)
		r = assemble(b, e);
	if (r == 0)
		r = plan(b, e);
	if (r < 0)
		return r;
	if (dry_run)
		return look(b, e);
	r = ids_keep(b, e);
	return r < 0 ? r : image_outputs(b, e);
}

/* A mirror may not have any more what it said last: then news, not that, are the reason. */
static bool outdated(struct resolved *res, struct err *e)
{
	struct err news;

	if (resolved_confirm(res, &news) != -ESTALE)
		return false;
	*e = news;
	return true;
}

/* What outlives the try, in @a. */
static struct image_summary summary(struct arena *a, const struct build *b)
{
	const struct planned_file *disk = &b->plan.files.p[0];
	struct image_summary s = {
		.plan = image_plan_dump(a, &b->plan),
		.root_bytes = b->plan.payload.root.size_bytes,
		.image_bytes = disk->laid.bytes.size_bytes,
		.stored_bytes = disk->laid.stored_bytes,
		.n_packages = b->res.n,
		.files_bytes = b->as.files_bytes,
		.version = str_dup(a, b->as.version),
		.path = image_out_path(a, b->o, disk->container->suffix),
	};

	memcpy(s.root_hash, b->plan.payload.root_hash, SHA256_BYTES);
	return s;
}

/* -ESTALE: what it was made of is no longer so, and another try is made of something else. */
static int try(struct arena *a, const struct image_options *o, const struct keys *keys,
	       bool dry_run, struct image_summary *ret, struct err *e)
{
	_cleanup_arena_ struct arena own = { 0 };
	struct build b = { .a = &own, .o = o, .keys = keys };
	struct store_options store_options;
	int r = image_resolve(&own, o, &b.res, e);

	if (r < 0)
		return r;
	store_options = image_store_options(o, &b.res, keys->package_signing);
	b.store = store_new(&store_options);
	b.derive = (struct derive){ .cache = o->cache,
				    .how = b.res.root_compression,
				    .progress = o->progress };
	r = make(&b, dry_run, e);
	if (r == 0)
		*ret = summary(a, &b);
	derive_done(&b.derive);
	store_free(b.store);
	if (r < 0 && r != -ESTALE && outdated(&b.res, e))
		r = -ESTALE;
	resolved_done(&b.res);
	return r;
}

/* Again when upstreams have news: everything before that was made of what they said last. And when
 * something in the cache turned out to be damaged: it is gone from there then, and is made again.
 * More tries than that can go wrong in one build are a disk that fails. */
static int make_current(struct arena *a, const struct image_options *o, const struct keys *keys,
			bool dry_run, struct image_summary *ret, struct err *e)
{
	for (unsigned tries = 1;; tries++) {
		int r = try(a, o, keys, dry_run, ret, e);

		if (r != -ESTALE || tries == TRIES_MAX)
			return r;
		progress_note(o->progress, "%s; made again", e->msg);
	}
}

int image_build(struct arena *a, const struct image_options *o, bool dry_run,
		struct image_summary *ret, struct err *e)
{
	_cleanup_close_ int held = -1;
	struct keys keys;
	int r = keys_read(a, o->keys, o->now_sec, !o->sign_later, &keys, e);

	if (r < 0)
		return r;
	if (!keys.package_signing)
		r = err_set(
			e, -ENOENT,
			"no package-signing.pem or .uri in '%s': packages are signed by the build",
			o->keys);
	if (r == 0)
		r = cache_hold(o->cache, false, o->progress, &held, e);
	if (r == 0 && !dry_run)
		r = dir_make(o->out, e);
	if (r == 0) {
		if (!dry_run)
			dir_clean_temps_of(o->out, image_is_output);
		r = make_current(a, o, &keys, dry_run, ret, e);
	}
	keys_done(&keys);
	return r < 0 ? err_wrap(e, r, "image '%s'", o->name) : 0;
}
