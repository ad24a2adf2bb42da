/* SPDX-License-Identifier: MIT */
#include "rpm/parts.h"

#include <rpm/rpmds.h>
#include <stdlib.h>

static const struct {
	rpmTagVal name, version, flags;
	size_t offset; /* of the vec_dep in struct rpm_meta */
} dep_tags[] = {
	{ RPMTAG_PROVIDENAME, RPMTAG_PROVIDEVERSION, RPMTAG_PROVIDEFLAGS,
	  offsetof(struct rpm_meta, provides) },
	{ RPMTAG_REQUIRENAME, RPMTAG_REQUIREVERSION, RPMTAG_REQUIREFLAGS,
	  offsetof(struct rpm_meta, requires) },
	{ RPMTAG_CONFLICTNAME, RPMTAG_CONFLICTVERSION, RPMTAG_CONFLICTFLAGS,
	  offsetof(struct rpm_meta, conflicts) },
	{ RPMTAG_OBSOLETENAME, RPMTAG_OBSOLETEVERSION, RPMTAG_OBSOLETEFLAGS,
	  offsetof(struct rpm_meta, obsoletes) },
	{ RPMTAG_RECOMMENDNAME, RPMTAG_RECOMMENDVERSION, RPMTAG_RECOMMENDFLAGS,
	  offsetof(struct rpm_meta, recommends) },
	{ RPMTAG_SUGGESTNAME, RPMTAG_SUGGESTVERSION, RPMTAG_SUGGESTFLAGS,
	  offsetof(struct rpm_meta, suggests) },
};

enum {
	DEP_TAGS = sizeof(dep_tags) / sizeof(dep_tags[0]),
	DEP_OPS = DEP_LESS | DEP_GREATER | DEP_EQUAL
};

static const char rpmlib_start[] = "rpmlib(";

static vec_dep *deps_of(struct rpm_meta *m, size_t i)
{
	return (vec_dep *)((char *)m + dep_tags[i].offset);
}

static int dep_cmp(const void *x, const void *y)
{
	const struct dep *a = x, *b = y;
	int c = str_cmp(a->name, b->name);

	if (c == 0)
		c = str_cmp(a->evr, b->evr);
	return c != 0 ? c : (a->op > b->op) - (a->op < b->op);
}

static void deps_sort(struct arena *a, vec_dep *deps)
{
	vec_dep sorted = { 0 };

	if (deps->n == 0)
		return;
	vec_reserve(a, &sorted, deps->n);
	memcpy(sorted.p, deps->p, deps->n * sizeof(*deps->p));
	qsort(sorted.p, deps->n, sizeof(*sorted.p), dep_cmp);
	for (size_t i = 0; i < deps->n; i++)
		if (sorted.n == 0 || dep_cmp(&sorted.p[sorted.n - 1], &sorted.p[i]) != 0)
			sorted.p[sorted.n++] = sorted.p[i];
	*deps = sorted;
}

static bool any_has(struct rpm_meta *m, char c)
{
	for (size_t i = 0; i < DEP_TAGS; i++)
		vec_each(d, deps_of(m, i))
			if (str_find(d->evr, c) >= 0)
				return true;
	return false;
}

static bool any_is_rich(struct rpm_meta *m)
{
	for (size_t i = 0; i < DEP_TAGS; i++)
		vec_each(d, deps_of(m, i))
			if (str_starts(d->name, "("))
				return true;
	return false;
}

/* rpm build/rpmfc.c, build/files.c, build/pack.c: each feature with the first version of rpm that
 * knows it. */
static void features_add(struct arena *a, struct rpm_meta *m, bool has_caps, bool has_large)
{
	const struct {
		const char *name, *version;
		bool used;
	} features[] = {
		{ "CompressedFileNames", "3.0.4-1", true },
		{ "FileDigests", "4.6.0-1", true },
		{ "PayloadFilesHavePrefix", "4.0-1", true },
		{ "PayloadIsZstd", "5.4.18-1", true },
		{ "FileCaps", "4.6.1-1", has_caps },
		{ "LargeFiles", "4.12.0-1", has_large },
		{ "TildeInVersions", "4.10.0-1", any_has(m, '~') },
		{ "CaretInVersions", "4.15.0-1", any_has(m, '^') },
		{ "RichDependencies", "4.12.0-1", any_is_rich(m) },
	};

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (features[i].used)
			vec_push(a, &m->requires) =
				(struct dep){ str_printf(a, "%s%s)", rpmlib_start,
							 features[i].name),
					      str_c(features[i].version), DEP_LESS | DEP_EQUAL };
}

static void deps_put_one(struct header *h, size_t i, const vec_dep *deps)
{
	struct str *names = arena_array(h->a, deps->n, sizeof(*names));
	struct str *versions = arena_array(h->a, deps->n, sizeof(*versions));
	uint32_t *flags = arena_array(h->a, deps->n, sizeof(*flags));

	for (size_t d = 0; d < deps->n; d++) {
		names[d] = deps->p[d].name;
		versions[d] = deps->p[d].evr;
		flags[d] = deps->p[d].op;
		if (str_starts(names[d], rpmlib_start))
			flags[d] |= RPMSENSE_RPMLIB;
	}
	header_put_strs(h, dep_tags[i].name, names, deps->n);
	header_put_strs(h, dep_tags[i].version, versions, deps->n);
	header_put_u32(h, dep_tags[i].flags, flags, deps->n);
}

void deps_put(struct header *h, const struct rpm_meta *meta, bool has_caps, bool has_large)
{
	struct rpm_meta m = *meta;

	/* Copies, so that what is added here stays out of the caller's. */
	for (size_t i = 0; i < DEP_TAGS; i++)
		deps_sort(h->a, deps_of(&m, i));
	vec_push(h->a, &m.provides) = (struct dep){ m.name, rpm_evr(h->a, &m), DEP_EQUAL };
	features_add(h->a, &m, has_caps, has_large);
	for (size_t i = 0; i < DEP_TAGS; i++) {
		deps_sort(h->a, deps_of(&m, i));
		deps_put_one(h, i, deps_of(&m, i));
	}
}

static void deps_get_one(struct header *h, size_t i, vec_dep *ret)
{
	vec_str names, versions;
	vec_u64 flags;

	header_get_strs(h, dep_tags[i].name, &names);
	header_get_strs(h, dep_tags[i].version, &versions);
	header_get_u64s(h, dep_tags[i].flags, &flags);
	*ret = (vec_dep){ 0 };
	if (names.n != versions.n || names.n != flags.n) {
		header_fail(h, dep_tags[i].name, "names, versions and flags differ in number");
		return;
	}
	for (size_t d = 0; d < names.n; d++)
		if (!str_starts(names.p[d], rpmlib_start))
			vec_push(h->a, ret) = (struct dep){ names.p[d], versions.p[d],
							    (unsigned)flags.p[d] & DEP_OPS };
}

void deps_get(struct header *h, struct rpm_meta *ret)
{
	for (size_t i = 0; i < DEP_TAGS; i++)
		deps_get_one(h, i, deps_of(ret, i));
}
