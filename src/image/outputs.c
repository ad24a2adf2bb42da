/* SPDX-License-Identifier: MIT */
#include "base/io.h"
#include "base/trace.h"
#include "image/repository.h"
#include "image/steps.h"

static struct str lock_text(struct build *b)
{
	struct lock lock = { .source_date_epoch = b->as.source_date_epoch };

	for (size_t i = 0; i < b->res.n; i++) {
		const struct rpm_meta *m = &b->res.metas[i];
		struct lock_package p = {
			.name = m->name,
			.evr = rpm_evr(b->a, m),
			.arch = m->arch,
			.upstream = m->upstream,
			.location = m->location,
			.size_bytes = m->size_bytes,
		};

		memcpy(p.sha256, m->sha256, SHA256_BYTES);
		vec_push(b->a, &lock.packages) = p;
	}
	return lock_dump(b->a, &lock);
}

struct str image_out_path(struct arena *a, const struct image_options *o, const char *suffix)
{
	return str_printf(a, "%s/%s-%s%s", o->out, o->name, o->arch->name, suffix);
}

#define REPOSITORY ".repository"
#define TO_SIGN    ".to-sign"

/* One thing under OUT, beside its final name until all of them are complete. */
struct output {
	const char *path;
	char *temp; /* NULL: nothing to put in place */
	int fd;
	bool folder, stale; /* stale: an earlier build's, which goes */
};

typedef VEC(struct output) vec_output;

/* What OUT may hold for this verb, and so what a killed build may have left there. */
bool image_is_output(struct str name)
{
	static const char *const suffixes[] = { ".raw",  REPOSITORY,       ".lock",
						TO_SIGN, ".manifest.json", UNSOLVABLE };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (str_ends(name, suffixes[i]))
			return true;
	return false;
}

static int output_begin(struct build *b, const char *suffix, struct output *ret, struct err *e)
{
	struct output out = { .path = str_z(b->a, image_out_path(b->a, b->o, suffix)), .fd = -1 };
	int r;

	out.folder = strcmp(suffix, REPOSITORY) == 0 || strcmp(suffix, TO_SIGN) == 0;
	r = out.folder ? dir_temp(b->a, out.path, &out.fd, &out.temp, e)
		       : file_temp(b->a, out.path, 0644, &out.fd, &out.temp, e);
	if (r == 0)
		*ret = out;
	return r;
}

static int output_text(struct build *b, const char *suffix, struct str text, struct output *ret,
		       struct err *e)
{
	int r = output_begin(b, suffix, ret, e);

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
	if (r == 0 && out->temp && str_ends(str_c(out->path), REPOSITORY))
		repository_seal(out->path);
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

static int file_write_out(struct build *b, const struct planned_file *file, struct output *out,
			  struct err *e)
{
	unsigned stage;
	int r = output_begin(b, file->container->suffix, out, e);

	if (r < 0)
		return r;
	stage = progress_begin(b->o->progress, "write", "B", file->laid.stored_bytes);
	r = laid_write(&file->laid, out->fd, out->path, b->o->progress, stage, e);
	progress_end(b->o->progress, stage);
	return r;
}

static int packages_write(struct build *b, struct output *out, struct err *e)
{
	struct progress *progress = b->o->progress;
	const char *dir = str_z(b->a, image_out_path(b->a, b->o, REPOSITORY));
	unsigned stage;
	int r;

	if (repository_holds(dir, b->packages, b->res.n, b->keys->package_signing))
		return 0;
	r = output_begin(b, REPOSITORY, out, e);
	if (r < 0)
		return r;
	stage = progress_begin(progress, "repository", "packages", b->res.n);
	r = repository_write(out->temp, out->path, b->packages, b->res.n, b->keys->package_signing,
			     b->as.source_date_epoch, b->o->jobs, e);
	progress_add(progress, stage, r < 0 ? 0 : b->res.n);
	progress_end(progress, stage);
	return r;
}

/* What is still to be signed; what an earlier image was to be signed with means nothing now. */
static int requests_write(struct build *b, struct output *out, struct err *e)
{
	const vec_to_sign *pending = &b->plan.boot.pending;
	int r;

	if (pending->n == 0) {
		out->path = str_z(b->a, image_out_path(b->a, b->o, TO_SIGN));
		out->stale = true;
		return 0;
	}
	r = output_begin(b, TO_SIGN, out, e);
	return r < 0 ? r : signatures_ask(b->a, out->temp, pending, e);
}

static struct output *output_new(struct arena *a, vec_output *outputs)
{
	struct output *out = &vec_push(a, outputs);

	*out = (struct output){ .fd = -1 };
	return out;
}

/* In the order in which they are put in place: what a full disk could still stop comes first, and
 * the manifest last. */
static int outputs_fill(struct build *b, vec_output *outputs, struct err *e)
{
	struct arena *a = b->a;
	struct str manifest;
	int r = 0;

	vec_each(file, &b->plan.files)
		if (r == 0)
			r = file_write_out(b, file, output_new(a, outputs), e);
	if (r == 0)
		r = packages_write(b, output_new(a, outputs), e);
	if (r == 0)
		r = output_text(b, ".lock", lock_text(b), output_new(a, outputs), e);
	if (r == 0)
		r = requests_write(b, output_new(a, outputs), e);
	if (r == 0)
		r = manifest_text(b, &manifest, e);
	return r < 0 ? r : output_text(b, ".manifest.json", manifest, output_new(a, outputs), e);
}

int image_outputs(struct build *b, struct err *e)
{
	vec_output outputs = { 0 };
	int r = outputs_fill(b, &outputs, e);

	if (r == 0)
		r = resolved_confirm(&b->res, e);
	vec_each(out, &outputs)
		if (r == 0)
			r = output_commit(out, e);
	vec_each(out, &outputs)
		output_done(out);
	return r;
}
