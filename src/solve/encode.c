/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <solv/knownid.h>

#include "solve/universe.h"

#define TEXT(field) offsetof(struct rpm_meta, field)

const size_t universe_texts[UNIVERSE_TEXTS] = {
	TEXT(name),
	TEXT(version),
	TEXT(release),
	TEXT(arch),
	TEXT(summary),
	TEXT(description),
	TEXT(url),
	TEXT(license),
	TEXT(group),
	TEXT(vendor),
	TEXT(upstream),
	TEXT(source_name),
	TEXT(source_version),
	TEXT(origin_name),
	TEXT(origin_version),
	TEXT(origin_arch),
	TEXT(mirror),
	TEXT(location),
};

const struct universe_list universe_lists[UNIVERSE_LISTS] = {
	{ TEXT(requires), SOLVABLE_REQUIRES },     { TEXT(provides), SOLVABLE_PROVIDES },
	{ TEXT(conflicts), SOLVABLE_CONFLICTS },   { TEXT(obsoletes), SOLVABLE_OBSOLETES },
	{ TEXT(recommends), SOLVABLE_RECOMMENDS }, { TEXT(suggests), SOLVABLE_SUGGESTS },
};

struct encoder {
	struct arena *a;
	struct map text_map, dep_map;
	struct buf records, deps, listed, texts;
	uint32_t n_deps, n_listed;
};

/* Where the text stands in the section of texts; each is there once. It ends at a NUL, so what is
 * behind one is cut. */
static uint32_t text_put(struct encoder *x, struct str s)
{
	ptrdiff_t nul = str_find(s, '\0');
	uint32_t *known, at;

	if (nul >= 0)
		s = str_head(s, (size_t)nul);
	known = map_get(&x->text_map, s);
	if (known)
		return *known;
	at = (uint32_t)x->texts.v.n;
	buf_put(&x->texts, s.p, s.n);
	buf_u8(&x->texts, 0);
	map_put(x->a, &x->text_map, s, at);
	return at;
}

static uint32_t dep_put(struct encoder *x, const struct dep *dep)
{
	struct universe_dep d = { text_put(x, dep->name), text_put(x, dep->evr), dep->op };
	uint32_t *known = map_get(&x->dep_map, (struct str){ (char *)&d, sizeof(d) });

	if (known)
		return *known;
	buf_put(&x->deps, &d, sizeof(d));
	map_put(x->a, &x->dep_map, (struct str){ arena_copy(x->a, &d, sizeof(d)), sizeof(d) },
		x->n_deps);
	return x->n_deps++;
}

static void package_put(struct encoder *x, const struct rpm_meta *m, uint32_t number)
{
	struct universe_record r = {
		.number = number,
		.evr = text_put(x, rpm_evr(x->a, m)),
		.essential = m->essential,
		.epoch = m->epoch,
		.size_bytes = m->size_bytes,
		.installed_bytes = m->installed_bytes,
	};

	memcpy(r.sha256, m->sha256, sizeof(r.sha256));
	for (size_t i = 0; i < UNIVERSE_TEXTS; i++)
		r.texts[i] =
			text_put(x, *(const struct str *)((const char *)m + universe_texts[i]));
	for (size_t i = 0; i < UNIVERSE_LISTS; i++) {
		const vec_dep *list = (const vec_dep *)((const char *)m + universe_lists[i].offset);

		r.lists[i].first = x->n_listed;
		r.lists[i].n = (uint32_t)list->n;
		x->n_listed += (uint32_t)list->n;
		vec_each(dep, list)
			buf_le32(&x->listed, dep_put(x, dep));
	}
	buf_put(&x->records, &r, sizeof(r));
}

/* A total order of packages that does not know their numbers, so that a solution does not depend on
 * these. */
static int meta_cmp(const void *ap, const void *bp, void *arg)
{
	const struct rpm_meta *metas = arg, *x = &metas[*(const uint32_t *)ap],
			      *y = &metas[*(const uint32_t *)bp];
	int r = 0;

	for (size_t i = 0; r == 0 && i < UNIVERSE_TEXTS; i++)
		r = str_cmp(*(const struct str *)((const char *)x + universe_texts[i]),
			    *(const struct str *)((const char *)y + universe_texts[i]));
	if (r == 0 && x->epoch != y->epoch)
		r = x->epoch < y->epoch ? -1 : 1;
	if (r == 0)
		r = memcmp(x->sha256, y->sha256, sizeof(x->sha256));
	return r ? r : (x > y) - (x < y);
}

struct str universe_encode(struct arena *a, const vec_rpm_meta *packages)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	struct encoder x = { .a = &scratch };
	struct universe_head head = { .magic = "ASHLUNIV", .version = UNIVERSE_VERSION };
	uint32_t *order = arena_array(&scratch, packages->n, sizeof(*order));
	struct buf b = { .a = a };

	x.records.a = x.deps.a = x.listed.a = x.texts.a = &scratch;
	for (uint32_t i = 0; i < packages->n; i++)
		order[i] = i;
	if (packages->n > 1)
		qsort_r(order, packages->n, sizeof(*order), meta_cmp, packages->p);
	text_put(&x, STR(""));
	for (size_t i = 0; i < packages->n; i++)
		package_put(&x, &packages->p[order[i]], order[i]);
	head.n_packages = (uint32_t)packages->n;
	head.n_deps = x.n_deps;
	head.n_listed = x.n_listed;
	head.n_text_bytes = (uint32_t)x.texts.v.n;
	vec_reserve(a, &b.v,
		    sizeof(head) + x.records.v.n + x.deps.v.n + x.listed.v.n + x.texts.v.n);
	buf_put(&b, &head, sizeof(head));
	buf_put(&b, x.records.v.p, x.records.v.n);
	buf_put(&b, x.deps.v.p, x.deps.v.n);
	buf_put(&b, x.listed.v.p, x.listed.v.n);
	buf_put(&b, x.texts.v.p, x.texts.v.n);
	return (struct str){ (char *)b.v.p, b.v.n };
}
