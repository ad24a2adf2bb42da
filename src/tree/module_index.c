/* SPDX-License-Identifier: MIT */
#include "tree/module_index.h"

#include <endian.h>
#include <stdlib.h>

enum { INDEX_MAGIC = 0xb007f457, INDEX_VERSION = 0x00020001 };
static const uint32_t NODE_PREFIX = 0x80000000, NODE_VALUES = 0x40000000,
		      NODE_CHILDREN = 0x20000000;

/* Length of what the keys of first..last, which are sorted, have in common from @depth on. */
static size_t common(const struct module_index_entry *first, const struct module_index_entry *last,
		     size_t depth)
{
	size_t n = depth;

	while (n < first->key.n && n < last->key.n && first->key.p[n] == last->key.p[n])
		n++;
	return n - depth;
}

/* Nodes stand before their children, whose offsets are filled in as they come. */
static uint32_t node(struct buf *b, const struct module_index_entry *p, size_t n, size_t depth);

/* One slot for every character between the lowest and the highest. */
static void children(struct buf *b, const struct module_index_entry *p, size_t n, size_t depth,
		     size_t slots)
{
	uint8_t first = (uint8_t)p[0].key.p[depth];

	for (size_t i = 0, k; i < n; i = k) {
		size_t at = slots + ((uint8_t)p[i].key.p[depth] - first) * sizeof(uint32_t);
		uint32_t offset;

		for (k = i; k < n && p[k].key.p[depth] == p[i].key.p[depth];)
			k++;
		offset = htobe32(node(b, p + i, k - i, depth + 1));
		memcpy(b->v.p + at, &offset, sizeof(offset));
	}
}

static void put_values(struct buf *b, const struct module_index_entry *p, size_t n)
{
	buf_be32(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		buf_be32(b, p[i].priority);
		buf_put(b, p[i].value.p, p[i].value.n);
		buf_u8(b, 0);
	}
}

static uint32_t node(struct buf *b, const struct module_index_entry *p, size_t n, size_t depth)
{
	/* The root has no prefix, even where all keys begin alike. */
	size_t prefix = n > 0 && depth > 0 ? common(&p[0], &p[n - 1], depth) : 0,
	       end = depth + prefix;
	size_t n_values = 0, slots = 0;
	uint32_t offset = (uint32_t)b->v.n;

	while (n_values < n && p[n_values].key.n == end)
		n_values++;
	if (prefix > 0) {
		buf_put(b, p[0].key.p + depth, prefix);
		buf_u8(b, 0);
		offset |= NODE_PREFIX;
	}
	if (n_values < n) {
		uint8_t first = (uint8_t)p[n_values].key.p[end],
			last = (uint8_t)p[n - 1].key.p[end];

		buf_u8(b, first);
		buf_u8(b, last);
		slots = b->v.n;
		buf_zero(b, ((size_t)(last - first) + 1) * sizeof(uint32_t));
		offset |= NODE_CHILDREN;
	}
	if (n_values > 0) {
		put_values(b, p, n_values);
		offset |= NODE_VALUES;
	}
	if (n_values < n)
		children(b, p + n_values, n - n_values, end, slots);
	return offset;
}

static int entry_cmp(const void *x, const void *y)
{
	const struct module_index_entry *p = x, *q = y;
	int r = str_cmp(p->key, q->key);

	if (r == 0 && p->priority != q->priority)
		return p->priority < q->priority ? -1 : 1;
	return r != 0 ? r : (p->number > q->number ? -1 : 1);
}

struct str module_index_write(struct arena *a, struct module_index_entry *entries, size_t n)
{
	struct buf b = { .a = a };
	uint32_t root;

	for (size_t i = 0; i < n; i++)
		entries[i].number = (uint32_t)i;
	if (n > 0)
		qsort(entries, n, sizeof(*entries), entry_cmp);
	buf_be32(&b, (uint32_t)INDEX_MAGIC);
	buf_be32(&b, INDEX_VERSION);
	buf_be32(&b, 0);
	root = htobe32(node(&b, entries, n, 0));
	memcpy(b.v.p + 8, &root, sizeof(root));
	return (struct str){ (char *)b.v.p, b.v.n };
}
