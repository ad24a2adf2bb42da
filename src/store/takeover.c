/* SPDX-License-Identifier: MIT */
#include "store/takeover.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/trace.h"

struct takeover {
	struct arena *a;
	const struct rpm_package *packages;
	size_t n;
	vec_taken *taken;
	VEC(struct rpm_divert) diverts; /* of all packages */
};

static int file_cmp(const void *x, const void *y)
{
	return str_cmp(((const struct rpm_file *)x)->path, ((const struct rpm_file *)y)->path);
}

static struct rpm_file *file_find(const vec_rpm_file *files, struct str path)
{
	struct rpm_file key = { .path = path }, *f = NULL;

	if (files->n > 0)
		f = bsearch(&key, files->p, files->n, sizeof(key), file_cmp);
	return f && !S_ISDIR(f->mode) ? f : NULL;
}

static bool diverted(const struct takeover *t, size_t i, struct str path)
{
	vec_each(d, &t->diverts)
		if (str_eq(d->from, path) && !str_eq(d->package, t->packages[i].meta.name))
			return true;
	return false;
}

/* ---- diversions ---- */

static int divert_add(struct takeover *t, const struct rpm_divert *d, struct str package,
		      struct err *e)
{
	vec_each(known, &t->diverts) {
		if (!str_eq(known->from, d->from))
			continue;
		if (str_eq(known->package, d->package) && str_eq(known->to, d->to))
			return 0;
		return err_set(
			e, -EEXIST,
			"package '%.*s' diverts '%.*s' to '%.*s', but '%.*s' is diverted to '%.*s' by package '%.*s'",
			STR_FMT(package), STR_FMT(d->from), STR_FMT(d->to), STR_FMT(d->from),
			STR_FMT(known->to), STR_FMT(known->package));
	}
	vec_push(t->a, &t->diverts) = *d;
	return 0;
}

static int diverts_find(struct takeover *t, struct err *e)
{
	for (size_t i = 0; i < t->n; i++)
		vec_each(d, &t->packages[i].diverts) {
			int r = divert_add(t, d, t->packages[i].meta.name, e);

			if (r < 0)
				return r;
		}
	vec_each(d, &t->diverts)
		for (size_t i = 0; i < t->n; i++)
			if (!str_eq(t->packages[i].meta.name, d->package) &&
			    file_find(&t->packages[i].files, d->from))
				vec_push(t->a, &t->taken[i]) = (struct taken){ d->from, d->to };
	return 0;
}

/* ---- Replaces ---- */

static bool replaces(const struct rpm_package *p, const struct rpm_package *other)
{
	vec_each(r, &p->replaces)
		if (str_eq(r->name, other->meta.name)) {
			_cleanup_arena_ struct arena a = { 0 };

			if (dep_covers(r, rpm_evr(&a, &other->meta)))
				return true;
		}
	return false;
}

/* What both have, where they have it, is the taker's; even if that one loses it to a third. */
static void files_take(struct takeover *t, size_t from, size_t taker)
{
	vec_each(f, &t->packages[from].files)
		if (!S_ISDIR(f->mode) && file_find(&t->packages[taker].files, f->path) &&
		    !diverted(t, from, f->path) && !diverted(t, taker, f->path))
			vec_push(t->a, &t->taken[from]) = (struct taken){ .from = f->path };
}

/* Packages that replace each other say nothing about who has the file: to dpkg it would be whoever
 * comes last. */
static void replaces_find(struct takeover *t)
{
	struct map by_name = { 0 };

	for (size_t i = 0; i < t->n; i++)
		map_put(t->a, &by_name, t->packages[i].meta.name, (uint32_t)i);
	for (size_t i = 0; i < t->n; i++)
		vec_each(r, &t->packages[i].replaces) {
			const uint32_t *other = map_get(&by_name, r->name);

			if (other && *other != i &&
			    replaces(&t->packages[i], &t->packages[*other]) &&
			    !replaces(&t->packages[*other], &t->packages[i]))
				files_take(t, *other, i);
		}
}

static int taken_cmp(const void *x, const void *y)
{
	return str_cmp(((const struct taken *)x)->from, ((const struct taken *)y)->from);
}

/* By path, each once: several packages may replace one. */
static void taken_sort(vec_taken *taken)
{
	size_t n = 0;

	if (taken->n > 1)
		qsort(taken->p, taken->n, sizeof(*taken->p), taken_cmp);
	for (size_t i = 0; i < taken->n; i++)
		if (n == 0 || taken_cmp(&taken->p[n - 1], &taken->p[i]) != 0)
			taken->p[n++] = taken->p[i];
	taken->n = n;
}

int takeover_find(struct arena *a, const struct rpm_package *packages, size_t n, vec_taken **ret,
		  struct err *e)
{
	TRACE("find takeovers");
	struct takeover t = { .a = a, .packages = packages, .n = n };
	int r;

	t.taken = arena_array(a, n + 1, sizeof(*t.taken));
	r = diverts_find(&t, e);
	if (r < 0)
		return r;
	replaces_find(&t);
	for (size_t i = 0; i < n; i++)
		taken_sort(&t.taken[i]);
	*ret = t.taken;
	return 0;
}

int takeover_apply(const vec_taken *taken, vec_rpm_file *files, struct err *e)
{
	size_t kept = 0;

	if (taken->n == 0)
		return 0;
	vec_each(f, files) {
		const struct taken key = { .from = f->path };
		const struct taken *t = bsearch(&key, taken->p, taken->n, sizeof(key), taken_cmp);

		if (t && t->to.n == 0)
			continue;
		files->p[kept] = *f;
		if (t)
			files->p[kept].path = t->to;
		kept++;
	}
	files->n = kept;
	if (kept > 1)
		qsort(files->p, kept, sizeof(*files->p), file_cmp);
	for (size_t i = 1; i < kept; i++)
		if (str_eq(files->p[i - 1].path, files->p[i].path))
			return err_set(e, -EEXIST, "'%.*s' is where another file is diverted to",
				       STR_FMT(files->p[i].path));
	return 0;
}
