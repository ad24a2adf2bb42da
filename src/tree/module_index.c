/* SPDX-License-Identifier: MIT */
#include "tree/module_index.h"

#include <stdlib.h>

enum { INDEX_MAGIC = 0xb007f457, INDEX_VERSION = 0x00020001 };
static const uint32_t NODE_PREFIX = 0x80000000, NODE_VALUES = 0x40000000, NODE_CHILDREN = 0x20000000;

/* Length of what the keys of first..last, which are sorted, have in common from @depth on. */
static size_t common(const struct module_index_entry *first, const struct module_index_entry *last, size_t depth)
{
	size_t n = depth;

	while (n < first->key.n && n < last->key.n && first->key.p[n] == last->key.p[n])
		n++;
	return n - depth;
}

static uint32_t node(struct buf *b, const struct module_index_entry *p, size_t n, size_t depth);

/* Children stand before their parent; one slot for every character between the lowest and the highest. */
static uint32_t *children(struct buf *b, const struct module_index_entry *p, size_t n, size_t depth, uint8_t *ret_first,
			  size_t *ret_n)
{
	uint8_t first = (uint8_t)p[0].key.p[depth], last = (uint8_t)p[n - 1].key.p[depth];
	uint32_t *offsets = arena_array(b->a, (size_t)(last - first) + 1, sizeof(*offsets));

	for (size_t i = 0, k; i < n; i = k) {
		for (k = i; k < n && p[k].key.p[depth] == p[i].key.p[depth];)
			k++;
		offsets[(uint8_t)p[i].key.p[depth] - first] = node(b, p + i, k - i, depth + 1);
	}
	*ret_first = first;
	*ret_n = (size_t)(last - first) + 1;
	return offsets;
}

static uint32_t node(struct buf *b, const struct module_index_entry *p, size_t n, size_t depth)
{
	size_t prefix = common(&p[0], &p[n - 1], depth), values = 0, n_children = 0, end = depth + prefix;
	uint32_t *offsets = NULL, offset;
	uint8_t first = 0;

	while (values < n && p[values].key.n == end)
		values++;
	if (values < n)
		offsets = children(b, p + values, n - values, end, &first, &n_children);
	offset = (uint32_t)b->v.n;
	if (prefix > 0) {
		buf_put(b, p[0].key.p + depth, prefix);
		buf_u8(b, 0);
		offset |= NODE_PREFIX;
	}
	if (n_children > 0) {
		buf_u8(b, first);
		buf_u8(b, (uint8_t)(first + n_children - 1));
		for (size_t i = 0; i < n_children; i++)
			buf_be32(b, offsets[i]);
		offset |= NODE_CHILDREN;
	}
	if (values > 0) {
		buf_be32(b, (uint32_t)values);
		for (size_t i = 0; i < values; i++) {
			buf_be32(b, (uint32_t)i); /* priority: the order of modules.order */
			buf_put(b, p[i].value.p, p[i].value.n);
			buf_u8(b, 0);
		}
		offset |= NODE_VALUES;
	}
	return offset;
}

static int entry_cmp(const void *x, const void *y)
{
	const struct module_index_entry *p = x, *q = y;

	return str_cmp(p->key, q->key);
}

struct str module_index_write(struct arena *a, struct module_index_entry *entries, size_t n)
{
	struct buf b = { .a = a };
	uint32_t root = 0;

	buf_be32(&b, (uint32_t)INDEX_MAGIC);
	buf_be32(&b, INDEX_VERSION);
	buf_be32(&b, 0);
	if (n > 0) {
		qsort(entries, n, sizeof(*entries), entry_cmp); /* glibc's merges: stable */
		root = node(&b, entries, n, 0);
	} else {
		root = (uint32_t)b.v.n; /* a node without anything */
	}
	for (int i = 0; i < 4; i++)
		b.v.p[8 + i] = (uint8_t)(root >> (24 - 8 * i));
	return (struct str){ (char *)b.v.p, b.v.n };
}
