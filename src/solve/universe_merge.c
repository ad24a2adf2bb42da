/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "solve/universe.h"

enum { RUN_TEXTS = 4 }; /* name, version, release and arch: what stands first in the order */

typedef struct universe_place place;

static const char *text_at(const struct universe *u, place x, size_t text)
{
	return universe_part_text(&u->parts.p[x.part], x.record, text);
}

static int texts_cmp(const struct universe *u, place x, place y, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = strcmp(text_at(u, x, i), text_at(u, y, i));
	return r;
}

/* Which comes first among what is the same: the first part's, there the first. */
static int origin_cmp(const struct universe *u, place x, place y)
{
	uint32_t m, n;

	if (x.part != y.part)
		return x.part < y.part ? -1 : 1;
	m = universe_part_record(&u->parts.p[x.part], x.record).number;
	n = universe_part_record(&u->parts.p[y.part], y.record).number;
	return (m > n) - (m < n);
}

/* The order of encode.c: that within each part. */
static int place_cmp(const struct universe *u, place x, place y)
{
	int r = texts_cmp(u, x, y, UNIVERSE_TEXTS);
	struct universe_record p, q;

	if (r != 0)
		return r;
	p = universe_part_record(&u->parts.p[x.part], x.record);
	q = universe_part_record(&u->parts.p[y.part], y.record);
	if (p.epoch != q.epoch)
		return p.epoch < q.epoch ? -1 : 1;
	r = memcmp(p.sha256, q.sha256, sizeof(p.sha256));
	return r ? r : origin_cmp(u, x, y);
}

/* Two neighbouring runs of @from, each in order, as one in @to. */
static void merge_two(const struct universe *u, const place *from, size_t middle, size_t end,
		      place *to)
{
	size_t i = 0, k = middle, n = 0;

	/* parts of one index follow each other */
	if (i < middle && k < end && place_cmp(u, from[middle - 1], from[k]) < 0) {
		memcpy(to, from, end * sizeof(*to));
		return;
	}
	while (i < middle && k < end)
		to[n++] = place_cmp(u, from[i], from[k]) <= 0 ? from[i++] : from[k++];
	memcpy(to + n, from + i, (middle - i) * sizeof(*to));
	memcpy(to + n + middle - i, from + k, (end - k) * sizeof(*to));
}

/* Merges neighbours until one run is left. @ends: where each of the @n runs ends. */
static place *merge_all(const struct universe *u, place *x, place *y, size_t *ends, size_t n)
{
	while (n > 1) {
		size_t begin = 0, merged = 0;
		place *swap = x;

		for (size_t i = 0; i < n; i += 2) {
			size_t end = ends[i + 1 < n ? i + 1 : i];

			merge_two(u, x + begin, ends[i] - begin, end - begin, y + begin);
			ends[merged++] = begin = end;
		}
		x = y;
		y = swap;
		n = merged;
	}
	return x;
}

/* Whether two are the same package of the same upstream, in upstream's spelling; else their order.
 */
static int same_cmp(const struct universe *u, place x, place y)
{
	static const size_t texts[] = { UNIVERSE_UPSTREAM, UNIVERSE_ORIGIN_NAME,
					UNIVERSE_ORIGIN_VERSION, UNIVERSE_ORIGIN_ARCH };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
		r = strcmp(text_at(u, x, texts[i]), text_at(u, y, texts[i]));
	return r;
}

static int twin_cmp(const void *ap, const void *bp, void *arg)
{
	const struct universe *u = arg;
	place x = **(place *const *)ap, y = **(place *const *)bp;
	int r = same_cmp(u, x, y);

	return r ? r : origin_cmp(u, x, y);
}

/* @run: what has the same name, version and architecture. What is to go gets no part. */
static void twins_mark(const struct universe *u, place *run, size_t n)
{
	_cleanup_arena_ struct arena a = { 0 };
	place **sorted = arena_array(&a, n, sizeof(*sorted));
	place kept;

	for (size_t i = 0; i < n; i++)
		sorted[i] = &run[i];
	qsort_r(sorted, n, sizeof(*sorted), twin_cmp, (void *)(uintptr_t)u);
	kept = *sorted[0];
	for (size_t i = 1; i < n; i++)
		if (same_cmp(u, kept, *sorted[i]) == 0)
			sorted[i]->part = UINT32_MAX;
		else
			kept = *sorted[i];
}

static uint32_t twins_drop(const struct universe *u, place *places, size_t n)
{
	uint32_t kept = 0;

	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && texts_cmp(u, places[i], places[end], RUN_TEXTS) == 0;
		     end++)
			;
		if (end - i > 1)
			twins_mark(u, places + i, end - i);
		for (size_t k = i; k < end; k++)
			if (places[k].part != UINT32_MAX)
				places[kept++] = places[k];
	}
	return kept;
}

void universe_merge(struct universe *u)
{
	_cleanup_arena_ struct arena work = { 0 };
	size_t *ends = arena_array(&work, u->parts.n, sizeof(*ends)), n = 0;
	place *x, *y;

	vec_each(part, &u->parts)
		n += part->head.n_packages;
	x = arena_array(&u->a, n, sizeof(*x));
	y = arena_array(&u->a, n, sizeof(*y));
	n = 0;
	for (uint32_t i = 0; i < u->parts.n; i++) {
		for (uint32_t k = 0; k < u->parts.p[i].head.n_packages; k++)
			x[n++] = (place){ i, k };
		ends[i] = n;
	}
	u->places = merge_all(u, x, y, ends, u->parts.n);
	u->n = twins_drop(u, u->places, n);
}
