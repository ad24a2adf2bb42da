/* SPDX-License-Identifier: MIT */
#include "image/build.h"

#include <stdlib.h>

#include "base/io.h"
#include "base/trace.h"
#include "image/agents.h"
#include "image/manifest.h"
#include "image/repository.h"
#include "keys/keys.h"
#include "store/cache.h"
#include "tree/accounts.h"
#include "tree/setuid.h"

enum { LARGEST_SHOWN = 5, TRIES_MAX = 256 };

/* The largest packages by what they bring into the image: where to look when a budget is
 * exceeded. */
struct weight {
	struct str name;
	uint64_t bytes;
};

static int weight_cmp(const void *x, const void *y)
{
	const struct weight *p = x, *q = y;

	return p->bytes != q->bytes ? (p->bytes < q->bytes ? 1 : -1) : str_cmp(p->name, q->name);
}

static struct str largest(struct arena *a, const struct assembled *as, size_t n)
{
	struct weight *weights = arena_array(a, n + 1, sizeof(*weights));
	struct buf b = { .a = a };
	vec_id ids;

	for (size_t i = 0; i < n; i++)
		weights[i].name = as->tree.owners.p[i];
	weights[n].name = STR("(generated)");
	tree_walk(a, &as->tree, &ids);
	vec_each(id, &ids) {
		const struct tree_node *node = &as->tree.nodes.p[*id];

		if (node->link_to == TREE_NONE)
			weights[node->owner < n ? node->owner : n].bytes +=
				tree_size(&as->tree, *id);
	}
	qsort(weights, n + 1, sizeof(*weights), weight_cmp);
	for (size_t i = 0; i <= n && i < LARGEST_SHOWN; i++)
		buf_printf(&b, "%s%.*s %.1f MB", i ? ", " : "", STR_FMT(weights[i].name),
			   (double)weights[i].bytes / 1e6);
	return (struct str){ (char *)b.v.p, b.v.n };
}

static int budget(struct arena *a, const struct resolved *res, const struct assembled *as,
		  const char *key, double unit, const char *unit_name, uint64_t used, uint64_t max,
		  struct err *e)
{
	int digits = unit > 1;

	if (max == 0 || used <= max)
		return 0;
	return err_set(e, -EDQUOT, "%.*s: %s: %.*f%s, more than the %.*f%s allowed; largest: %.*s",
		       STR_FMT(res->image.source), key, digits, (double)used / unit, unit_name,
		       digits, (double)max / unit, unit_name, STR_FMT(largest(a, as, res->n)));
}

static int budgets(struct arena *a, const struct resolved *res, const struct assembled *as,
		   const struct image_plan *plan, struct err *e)
{
	const struct conf_image *c = &res->image;
	int r = budget(a, res, as, "max-packages", 1, " packages", res->n, c->max_packages, e);

	if (r == 0)
		r = budget(a, res, as, "max-files-bytes", 1e6, " MB", as->files_bytes,
			   c->max_files_bytes, e);
	if (r == 0)
		r = budget(a, res, as, "max-image-bytes", 1e6, " MB",
			   plan->files.p[0].laid.stored_bytes, c->max_image_bytes, e);
	return r;
}

static struct str lock_text(struct arena *a, const struct resolved *res, const struct assembled *as)
{
	struct lock lock = { .source_date_epoch = as->source_date_epoch };

	for (size_t i = 0; i < res->n; i++) {
		const struct rpm_meta *m = &res->metas[i];
		struct lock_package p = {
			.name = m->name,
			.evr = rpm_evr(a, m),
			.arch = m->arch,
			.upstream = m->upstream,
			.location = m->location,
			.size_bytes = m->size_bytes,
		};

		memcpy(p.sha256, m->sha256, SHA256_BYTES);
		vec_push(a, &lock.packages) = p;
	}
	return lock_dump(a, &lock);
}

static struct str out_path(struct arena *a, const struct image_options *o, const char *suffix)
{
	return str_printf(a, "%s/%s-%s%s", o->out, o->name, o->arch->name, suffix);
}

#define TO_SIGN ".to-sign"

/* One thing under OUT, beside its final name until all of them are complete. */
struct output {
	const char *path;
	char *temp; /* NULL: nothing to put in place */
	int fd;
	bool folder, stale; /* stale: an earlier build's, which goes */
};

typedef VEC(struct output) vec_output;

/* What OUT may hold for this verb, and so what a killed build may have left there. */
static bool is_output(struct str name)
{
	static const char *const suffixes[] = { ".raw",  ".repository",    ".lock",
						TO_SIGN, ".manifest.json", UNSOLVABLE };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (str_ends(name, suffixes[i]))
			return true;
	return false;
}

static int output_begin(struct arena *a, const struct image_options *o, const char *suffix,
			struct output *ret, struct err *e)
{
	struct output out = { .path = str_z(a, out_path(a, o, suffix)), .fd = -1 };
	int r;

	out.folder = strcmp(suffix, ".repository") == 0 || strcmp(suffix, TO_SIGN) == 0;
	r = out.folder ? dir_temp(a, out.path, &out.fd, &out.temp, e)
		       : file_temp(a, out.path, 0644, &out.fd, &out.temp, e);
	if (r == 0)
		*ret = out;
	return r;
}

static int output_text(struct arena *a, const struct image_options *o, const char *suffix,
		       struct str text, struct output *ret, struct err *e)
{
	int r = output_begin(a, o, suffix, ret, e);

	return r < 0 ? r : fd_write(ret->fd, text.p, text.n, ret->path, e);
}

static int output_commit(struct output *out, struct err *e)
{
	TRACE_OF("put in place", str_c(out->path));
	int r = 0;

	if (out->stale)
		r = dir_remove(out->path, e);
	else if (out->temp)
		r = out->folder ? dir_commit(out->temp, out->path, e)
				: file_commit(out->fd, out->temp, out->path, e);
	if (r == 0)
		out->temp = NULL;
	return r;
}

static void output_done(struct output *out)
{
	struct err ignored;

	if (out->temp && out->folder)
		(void)!dir_remove(out->temp, &ignored);
	else if (out->temp)
		file_discard(out->temp);
	close_p(&out->fd);
}

static int file_write_out(struct arena *a, const struct image_options *o,
			  const struct planned_file *file, struct output *out, struct err *e)
{
	unsigned stage;
	int r = output_begin(a, o, file->container->suffix, out, e);

	if (r < 0)
		return r;
	stage = progress_begin(o->progress, "write", "B", file->laid.stored_bytes);
	r = laid_write(&file->laid, out->fd, out->path, o->progress, stage, e);
	progress_end(o->progress, stage);
	return r;
}

static int packages_write(struct arena *a, const struct image_options *o,
			  const struct stored_package *packages, size_t n, const struct keys *keys,
			  uint64_t source_date_epoch, struct output *out, struct err *e)
{
	unsigned stage;
	int r;

	if (repository_holds(str_z(a, out_path(a, o, ".repository")), packages, n))
		return 0;
	r = output_begin(a, o, ".repository", out, e);
	if (r < 0)
		return r;
	stage = progress_begin(o->progress, "repository", "packages", n);
	r = repository_write(out->temp, out->path, packages, n, keys->package_signing,
			     source_date_epoch, e);
	progress_add(o->progress, stage, r < 0 ? 0 : n);
	progress_end(o->progress, stage);
	return r;
}

/* What is still to be signed; what an earlier image was to be signed with means nothing now. */
static int requests_write(struct arena *a, const struct image_options *o,
			  const vec_to_sign *pending, struct output *out, struct err *e)
{
	int r;

	if (pending->n == 0) {
		out->path = str_z(a, out_path(a, o, TO_SIGN));
		out->stale = true;
		return 0;
	}
	r = output_begin(a, o, TO_SIGN, out, e);
	return r < 0 ? r : signatures_ask(a, out->temp, pending, e);
}

static struct output *output_new(struct arena *a, vec_output *outputs)
{
	struct output *out = &vec_push(a, outputs);

	*out = (struct output){ .fd = -1 };
	return out;
}

/* In the order in which they are put in place: what a full disk could still stop comes first, and
 * the manifest last. */
static int outputs_fill(struct arena *a, const struct image_options *o, struct resolved *res,
			const struct stored_package *packages, const struct keys *keys,
			const struct assembled *as, const struct image_plan *plan,
			vec_output *outputs, struct err *e)
{
	struct str manifest;
	int r = 0;

	vec_each(file, &plan->files)
		if (r == 0)
			r = file_write_out(a, o, file, output_new(a, outputs), e);
	if (r == 0)
		r = packages_write(a, o, packages, res->n, keys, as->source_date_epoch,
				   output_new(a, outputs), e);
	if (r == 0)
		r = output_text(a, o, ".lock", lock_text(a, res, as), output_new(a, outputs), e);
	if (r == 0)
		r = requests_write(a, o, &plan->boot.pending, output_new(a, outputs), e);
	if (r == 0)
		r = manifest_text(a, o, res, packages, as, plan, keys, &manifest, e);
	return r < 0 ? r : output_text(a, o, ".manifest.json", manifest, output_new(a, outputs), e);
}

/* Everything is complete beside its name first; only then is it put in place. */
static int write_all(struct arena *a, const struct image_options *o, struct resolved *res,
		     const struct stored_package *packages, const struct keys *keys,
		     const struct assembled *as, const struct image_plan *plan, struct err *e)
{
	vec_output outputs = { 0 };
	int r = outputs_fill(a, o, res, packages, keys, as, plan, &outputs, e);

	if (r == 0)
		r = resolved_confirm(res, e);
	vec_each(out, &outputs)
		if (r == 0)
			r = output_commit(out, e);
	vec_each(out, &outputs)
		output_done(out);
	return r;
}

static int look(struct arena *a, const struct image_options *o, const struct resolved *res,
		const struct stored_package *packages, const struct keys *keys,
		const struct assembled *as, const struct image_plan *plan, struct err *e)
{
	struct str manifest;
	int r = manifest_text(a, o, res, packages, as, plan, keys, &manifest, e);

	return r < 0 ? r : o->look->at(o->look->arg, &as->tree, manifest, e);
}

/* Before the image, which is then made of what is kept. */
static int ids_keep(struct arena *a, const struct image_options *o, const struct resolved *res,
		    const struct tree *t, bool dry_run, struct err *e)
{
	struct str list = { 0 };
	vec_conf_id new;
	int r = image_new_ids(a, &res->image, t, &new, e);

	if (r < 0 || new.n == 0 || dry_run)
		return r;
	if (o->update_ids)
		return conf_ids_add(a, o->distro, &new, e);
	vec_each(id, &new)
		list = str_printf(a, "%.*s%s%.*s %llu", STR_FMT(list), list.n ? ", " : "",
				  STR_FMT(id->name), (unsigned long long)id->id);
	if (res->image.boot.state != STATE_MEMORY)
		progress_note(
			o->progress,
			"'%s' does not keep the ids of accounts that files on machines may belong to (%.*s); "
			"'ashlar build %s --update-ids' adds them",
			res->image.ids.source, STR_FMT(list), o->name);
	return 0;
}

static int make(struct arena *a, const struct image_options *o, bool dry_run, struct resolved *res,
		struct store *store, struct derive *derive, const struct keys *keys,
		struct image_summary *ret, struct err *e)
{
	struct stored_package *packages;
	struct assembled as;
	const struct signing signing = { .keys = keys, .later = o->sign_later };
	struct image_plan plan;
	struct agents agents;
	struct str initrd;
	unsigned stage;
	int r = agents_for(o->arch, &agents, e);

	if (r == 0)
		r = store_get(store, res->wants, res->n, &packages, e);
	if (r < 0)
		return r;
	stage = progress_begin(o->progress, "assemble", "", 0);
	r = image_assemble(a, o, res, packages, keys->development, derive, &as, e);
	if (r == 0)
		r = image_check_setuid(a, &res->image, &as.tree, e);
	if (r == 0)
		r = image_check_accounts(a, &res->image, &as.tree, e);
	if (r == 0)
		r = image_initrd(a, &res->image, &as, agents.init, derive, &initrd, e);
	progress_end(o->progress, stage);
	if (r < 0)
		return r;
	stage = progress_begin(o->progress, "plan", "", 0);
	r = image_plan(a, o, res, &as, initrd, &signing, &plan, e);
	progress_end(o->progress, stage);
	if (r == 0)
		r = budgets(a, res, &as, &plan, e);
	if (r == 0 && dry_run)
		r = resolved_confirm(res, e);
	if (r == 0 && dry_run && o->look)
		r = look(a, o, res, packages, keys, &as, &plan, e);
	if (r == 0)
		r = ids_keep(a, o, res, &as.tree, dry_run, e);
	if (r == 0 && !dry_run)
		r = write_all(a, o, res, packages, keys, &as, &plan, e);
	if (r < 0)
		return r;
	*ret = (struct image_summary){
		.plan = image_plan_dump(a, &plan),
		.root_bytes = plan.payload.root.size_bytes,
		.image_bytes = plan.files.p[0].laid.bytes.size_bytes,
		.stored_bytes = plan.files.p[0].laid.stored_bytes,
		.n_packages = res->n,
		.files_bytes = as.files_bytes,
		.version = as.version,
		.path = out_path(a, o, plan.files.p[0].container->suffix),
	};
	memcpy(ret->root_hash, plan.payload.root_hash, SHA256_BYTES);
	return 0;
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

/* Again when upstreams have news: everything before that was made of what they said last. And when
 * something in the cache turned out to be damaged: it is gone from there then, and is made again.
 * More tries than that can go wrong in one build are a disk that fails. */
static int make_current(struct arena *a, const struct image_options *o, bool dry_run,
			const struct keys *keys, struct image_summary *ret, struct err *e)
{
	for (unsigned tries = 1;; tries++) {
		struct store_options store_options;
		struct derive derive;
		struct store *store;
		struct resolved res;
		int r = image_resolve(a, o, &res, e);

		if (r < 0)
			return r;
		store_options = image_store_options(o, &res, keys->package_signing);
		store = store_new(&store_options);
		derive = (struct derive){ .cache = o->cache,
					  .how = res.root_compression,
					  .progress = o->progress };
		r = make(a, o, dry_run, &res, store, &derive, keys, ret, e);
		derive_done(&derive);
		store_free(store);
		if (r < 0 && r != -ESTALE && outdated(&res, e))
			r = -ESTALE;
		resolved_done(&res);
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
			dir_clean_temps_of(o->out, is_output);
		r = make_current(a, o, dry_run, &keys, ret, e);
	}
	keys_done(&keys);
	return r < 0 ? err_wrap(e, r, "image '%s'", o->name) : 0;
}
