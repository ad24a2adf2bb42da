/* SPDX-License-Identifier: MIT */
#include "disk/segment.h"

#include <assert.h>

void segments_add(struct arena *a, struct segments *s, const void *data, uint64_t size_bytes)
{
	struct segment *last = s->v.n > 0 ? &s->v.p[s->v.n - 1] : NULL;

	if (size_bytes == 0)
		return;
	assert(data != NULL);
	if (last && last->data && !last->blocks &&
	    last->data + last->size_bytes == (const uint8_t *)data)
		last->size_bytes += size_bytes;
	else
		vec_push(a, &s->v) = (struct segment){ .data = data, .size_bytes = size_bytes };
	s->size_bytes += size_bytes;
}

void segments_zero(struct arena *a, struct segments *s, uint64_t size_bytes)
{
	if (size_bytes == 0)
		return;
	if (s->v.n > 0 && s->v.p[s->v.n - 1].data == NULL)
		s->v.p[s->v.n - 1].size_bytes += size_bytes;
	else
		vec_push(a, &s->v) = (struct segment){ .size_bytes = size_bytes };
	s->size_bytes += size_bytes;
}

void segments_add_blocks(struct arena *a, struct segments *s, const struct segment_blocks *blocks,
			 const uint8_t *data, uint64_t size_bytes)
{
	struct segment *last = s->v.n > 0 ? &s->v.p[s->v.n - 1] : NULL;

	if (size_bytes == 0)
		return;
	if (last && last->blocks == blocks && last->data + last->size_bytes == data)
		last->size_bytes += size_bytes;
	else
		vec_push(a, &s->v) = (struct segment){ data, size_bytes, blocks };
	s->size_bytes += size_bytes;
}

void segments_align(struct arena *a, struct segments *s, uint64_t align)
{
	uint64_t over = s->size_bytes % align;

	if (over > 0)
		segments_zero(a, s, align - over);
}

void segments_append(struct arena *a, struct segments *s, const struct segments *more)
{
	vec_reserve(a, &s->v, more->v.n);
	for (size_t i = 0; i < more->v.n; i++) {
		if (more->v.p[i].blocks)
			segments_add_blocks(a, s, more->v.p[i].blocks, more->v.p[i].data,
					    more->v.p[i].size_bytes);
		else if (more->v.p[i].data)
			segments_add(a, s, more->v.p[i].data, more->v.p[i].size_bytes);
		else
			segments_zero(a, s, more->v.p[i].size_bytes);
	}
}

uint64_t segments_stored(const struct segments *s)
{
	uint64_t bytes = 0;

	vec_each(segment, &s->v)
		if (segment->data)
			bytes += segment->size_bytes;
	return bytes;
}

void segments_read(const struct segments *s, uint64_t offset, void *ret, size_t n)
{
	uint64_t start = 0;

	memset(ret, 0, n);
	for (size_t i = 0; i < s->v.n && start < offset + n; i++) {
		const struct segment *g = &s->v.p[i];
		uint64_t end = start + g->size_bytes;
		uint64_t from = start > offset ? start : offset;
		uint64_t to = end < offset + n ? end : offset + n;

		if (g->data && from < to)
			memcpy((uint8_t *)ret + (from - offset), g->data + (from - start),
			       to - from);
		start = end;
	}
}

uint8_t *segments_flatten(struct arena *a, const struct segments *s)
{
	uint8_t *all = arena_alloc(a, s->size_bytes);

	segments_read(s, 0, all, s->size_bytes);
	return all;
}
