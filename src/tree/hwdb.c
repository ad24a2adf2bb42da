/* SPDX-License-Identifier: MIT */
#include "tree/hwdb.h"

#include "tree/hwdb_strings.h"

enum { HEADER_BYTES = 80, NODE_BYTES = 24, CHILD_BYTES = 16, VALUE_BYTES = 32 };
/* Far above what any distribution has; below, offsets fit 32 bits. */
enum { NODES_MAX = 1 << 24, VALUES_MAX = 1 << 24 };
/* The version of systemd whose behaviour this is. Readers only print it. */
enum { TOOL_VERSION = 257 };

/* Node and value 0 mean none; node 1 is the root. */
struct node {
	uint32_t prefix; /* of the strings: what all below have in common */
	uint32_t first_child, next_sibling, first_value;
	uint8_t c; /* how the parent's matches go on to this one */
	uint8_t n_children;
	uint32_t n_values;
};

struct value {
	uint32_t key, value, file, line, next;
	uint16_t priority;
};

struct hwdb {
	struct arena *a;
	struct hwdb_strings strings;
	VEC(struct node) nodes;
	VEC(struct value) values;
};

struct hwdb *hwdb_new(struct arena *a)
{
	struct hwdb *h = arena_new(a, struct hwdb);

	h->a = a;
	hwdb_strings_init(a, &h->strings);
	vec_push(a, &h->nodes) = (struct node){ 0 };
	vec_push(a, &h->nodes) = (struct node){ 0 };
	vec_push(a, &h->values) = (struct value){ 0 };
	return h;
}

static const char *string(const struct hwdb *h, uint32_t offset)
{
	return (const char *)h->strings.text.v.p + offset;
}

/* Children are sorted by character. Input mostly is, too. */
static uint32_t child_add(struct hwdb *h, uint32_t parent, struct node n)
{
	uint32_t id = (uint32_t)h->nodes.n, *at;

	vec_push(h->a, &h->nodes) = n;
	for (at = &h->nodes.p[parent].first_child; *at && h->nodes.p[*at].c < n.c;)
		at = &h->nodes.p[*at].next_sibling;
	h->nodes.p[id].next_sibling = *at;
	*at = id;
	h->nodes.p[parent].n_children++;
	return id;
}

static uint32_t child_find(const struct hwdb *h, uint32_t parent, char c)
{
	uint32_t id = h->nodes.p[parent].first_child;

	while (id && h->nodes.p[id].c != (uint8_t)c)
		id = h->nodes.p[id].next_sibling;
	return id;
}

/* Cuts a node's prefix after @n characters: what it had moves to a child. */
static void split(struct hwdb *h, uint32_t id, size_t n)
{
	struct node child = h->nodes.p[id];
	struct str head = str_dup(h->a, (struct str){ string(h, child.prefix), n });
	uint32_t sibling = child.next_sibling;
	uint8_t c = child.c;

	child.c = (uint8_t)string(h, child.prefix)[n];
	child.prefix += (uint32_t)n + 1;
	child.next_sibling = 0;
	h->nodes.p[id] = (struct node){ .prefix = hwdb_strings_add(&h->strings, head),
					.c = c,
					.next_sibling = sibling };
	child_add(h, id, child);
}

/* The node of a match string, made if it is not there. */
static uint32_t node_for(struct hwdb *h, struct str match)
{
	uint32_t id = 1;

	for (size_t i = 0;; i++) {
		const char *prefix = string(h, h->nodes.p[id].prefix);
		size_t n = 0;
		uint32_t child;

		while (prefix[n] && i + n < match.n && prefix[n] == match.p[i + n])
			n++;
		if (prefix[n])
			split(h, id, n);
		i += n;
		if (i == match.n)
			return id;
		child = child_find(h, id, match.p[i]);
		if (child == 0)
			return child_add(h, id,
					 (struct node){
						 .c = (uint8_t)match.p[i],
						 .prefix = hwdb_strings_add(&h->strings,
									    str_from(match,
										     i + 1)) });
		id = child;
	}
}

int hwdb_add(struct hwdb *h, const struct hwdb_property *p, struct err *e)
{
	uint32_t id, *at;
	struct value v;

	/* Two nodes at most are made for a property. */
	if (h->nodes.n > NODES_MAX - 2 || h->values.n >= VALUES_MAX)
		return err_set(e, -E2BIG, "more than %d properties of hardware", VALUES_MAX);
	id = node_for(h, p->match);
	v = (struct value){ .key = hwdb_strings_add(&h->strings, p->key),
			    .line = p->line,
			    .priority = p->priority };
	v.value = hwdb_strings_add(&h->strings, p->value);
	v.file = hwdb_strings_add(&h->strings, p->file);
	for (at = &h->nodes.p[id].first_value; *at; at = &h->values.p[*at].next) {
		struct value *old = &h->values.p[*at];
		int order = old->key == v.key ? 0 : strcmp(string(h, old->key), string(h, v.key));

		if (order > 0)
			break;
		if (order < 0)
			continue;
		v.next = old->next;
		*old = v;
		return 0;
	}
	v.next = *at;
	*at = (uint32_t)h->values.n;
	h->nodes.p[id].n_values++;
	vec_push(h->a, &h->values) = v;
	return 0;
}

static void value_write(struct buf *b, const struct value *v, uint64_t strings_at)
{
	buf_le64(b, strings_at + v->key);
	buf_le64(b, strings_at + v->value);
	buf_le64(b, strings_at + v->file);
	buf_le32(b, v->line);
	buf_le16(b, v->priority);
	buf_le16(b, 0);
}

/* Children stand before their parent. Returns where the node is. */
static uint64_t node_write(const struct hwdb *h, struct buf *b, uint32_t id, uint64_t strings_at)
{
	const struct node *n = &h->nodes.p[id];
	uint64_t offsets[UINT8_MAX + 1] = { 0 }, offset;
	unsigned i = 0;

	for (uint32_t child = n->first_child; child; child = h->nodes.p[child].next_sibling)
		offsets[i++] = node_write(h, b, child, strings_at);
	offset = b->v.n;
	buf_le64(b, strings_at + n->prefix);
	buf_le64(b, n->n_children);
	buf_le64(b, n->n_values);
	i = 0;
	for (uint32_t child = n->first_child; child; child = h->nodes.p[child].next_sibling) {
		buf_le64(b, h->nodes.p[child].c);
		buf_le64(b, offsets[i++]);
	}
	for (uint32_t v = n->first_value; v; v = h->values.p[v].next)
		value_write(b, &h->values.p[v], strings_at);
	return offset;
}

struct str hwdb_write(struct hwdb *h, struct arena *a)
{
	size_t n_nodes = h->nodes.n - 1, n_values = h->values.n - 1;
	size_t nodes_bytes =
		n_nodes * NODE_BYTES + (n_nodes - 1) * CHILD_BYTES + n_values * VALUE_BYTES;
	struct buf b = { .a = a }, header = { .a = h->a };
	uint64_t root;

	vec_reserve(a, &b.v, HEADER_BYTES + nodes_bytes + h->strings.text.v.n);
	buf_zero(&b, HEADER_BYTES);
	root = node_write(h, &b, 1, HEADER_BYTES + nodes_bytes);
	buf_put(&b, h->strings.text.v.p, h->strings.text.v.n);
	buf_put(&header, "KSLPHHRH", 8);
	buf_le64(&header, TOOL_VERSION);
	buf_le64(&header, b.v.n);
	buf_le64(&header, HEADER_BYTES);
	buf_le64(&header, NODE_BYTES);
	buf_le64(&header, CHILD_BYTES);
	buf_le64(&header, VALUE_BYTES);
	buf_le64(&header, root);
	buf_le64(&header, nodes_bytes);
	buf_le64(&header, h->strings.text.v.n);
	memcpy(b.v.p, header.v.p, HEADER_BYTES);
	return (struct str){ (char *)b.v.p, b.v.n };
}
