/* SPDX-License-Identifier: MIT */
#include "tree/hwdb_strings.h"

struct hwdb_strings_node {
	uint32_t offset, n;
};

/* A child of a node, by the character that leads to it. */
struct hwdb_strings_slot {
	uint32_t node; /* 0: free */
	uint32_t parent;
	uint8_t c;
};

enum { SLOTS_FIRST = 1 << 12 };

static struct hwdb_strings_slot *slot(const struct hwdb_strings *s, uint32_t parent, uint8_t c)
{
	/* Fibonacci hashing: the product's high bits depend on all of the key. */
	uint64_t key = (uint64_t)parent << 8 | c, i = (key * 0x9e3779b97f4a7c15) >> 32;

	for (;; i++) {
		struct hwdb_strings_slot *at = &s->slots[i & (s->n_slots - 1)];

		if (at->node == 0 || (at->parent == parent && at->c == c))
			return at;
	}
}

static void grow(struct hwdb_strings *s)
{
	struct hwdb_strings_slot *old = s->slots;
	size_t n = s->n_slots;

	s->n_slots = n ? n * 2 : SLOTS_FIRST;
	s->slots = arena_array(s->a, s->n_slots, sizeof(*s->slots));
	for (size_t i = 0; i < n; i++)
		if (old[i].node)
			*slot(s, old[i].parent, old[i].c) = old[i];
}

void hwdb_strings_init(struct arena *a, struct hwdb_strings *s)
{
	*s = (struct hwdb_strings){ .a = a, .text = { .a = a } };
	buf_u8(&s->text, 0);
	vec_push(a, &s->nodes) = (struct hwdb_strings_node){ 0 };
	grow(s);
}

static bool ends_with(const struct hwdb_strings *s, const struct hwdb_strings_node *n,
		      struct str string)
{
	return n->n >= string.n &&
	       memcmp(s->text.v.p + n->offset + n->n - string.n, string.p, string.n) == 0;
}

/* Goes down by the last characters as far as there are nodes. Finds the string, or where to put it.
 */
static bool find(const struct hwdb_strings *s, struct str string, uint32_t *ret_offset,
		 uint32_t *ret_parent, uint8_t *ret_c)
{
	uint32_t node = 0;

	for (size_t depth = 0;; depth++) {
		const struct hwdb_strings_node *n = &s->nodes.p[node];

		if (depth == string.n || ends_with(s, n, string)) {
			*ret_offset = n->offset + n->n - (uint32_t)string.n;
			return true;
		}
		*ret_parent = node;
		*ret_c = (uint8_t)string.p[string.n - 1 - depth];
		node = slot(s, node, *ret_c)->node;
		if (node == 0)
			return false;
	}
}

uint32_t hwdb_strings_add(struct hwdb_strings *s, struct str string)
{
	uint32_t offset, parent;
	uint8_t c;

	if (string.n == 0)
		return 0;
	if (!find(s, string, &offset, &parent, &c)) {
		offset = (uint32_t)s->text.v.n;
		buf_put(&s->text, string.p, string.n);
		buf_u8(&s->text, 0);
		vec_push(s->a, &s->nodes) =
			(struct hwdb_strings_node){ offset, (uint32_t)string.n };
		if (s->nodes.n * 4 > s->n_slots * 3)
			grow(s);
		*slot(s, parent, c) =
			(struct hwdb_strings_slot){ (uint32_t)s->nodes.n - 1, parent, c };
	}
	return offset;
}
