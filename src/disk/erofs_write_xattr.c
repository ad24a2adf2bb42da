/* SPDX-License-Identifier: MIT */
/* Extended attributes. What several inodes have (a label, a capability) stands once, in a table of
 * its own, and costs each of them 4 bytes; all else stands beside its inode. */
#include <stdlib.h>

#include "disk/erofs_write.h"

enum { XATTR_COUNT_MAX = UINT16_MAX, SHARED_MAX = UINT8_MAX };

/* A distinct xattr and how many inodes have it. */
struct distinct {
	const struct xattr *x;
	uint32_t n_inodes, place;
};

struct census {
	struct map known; /* name, NUL, value -> .all */
	VEC(struct distinct) all;
};

const struct erofs_xattr_prefix *erofs_xattr_prefix(struct str name)
{
	for (const struct erofs_xattr_prefix *p = erofs_xattr_prefixes; p->id; p++) {
		if (str_starts(name, p->text.p) && p->whole == (name.n == p->text.n))
			return p;
	}
	return NULL;
}

static int by_xattr_name(const void *x, const void *y)
{
	return str_cmp(((const struct xattr *)x)->name, ((const struct xattr *)y)->name);
}

static uint32_t xattr_bytes(const struct xattr *x)
{
	size_t n = sizeof(struct erofs_disk_xattr) + x->name.n -
		   erofs_xattr_prefix(x->name)->text.n + x->value.n;

	return (uint32_t)(n + 3) & ~3u;
}

void erofs_xattr_put(struct buf *b, const struct xattr *x)
{
	const struct erofs_xattr_prefix *prefix = erofs_xattr_prefix(x->name);
	struct str name = str_from(x->name, prefix->text.n);
	struct erofs_disk_xattr d = {
		.name_bytes = (uint8_t)name.n,
		.prefix = prefix->id,
		.value_bytes = htole16((uint16_t)x->value.n),
	};

	buf_put(b, &d, sizeof(d));
	buf_put(b, name.p, name.n);
	buf_put(b, x->value.p, x->value.n);
	buf_align(b, 4);
}

static const char *xattr_flaw(const struct xattr *x)
{
	const struct erofs_xattr_prefix *prefix = erofs_xattr_prefix(x->name);

	if (!prefix)
		return "has a prefix that EROFS does not know, or nothing behind it";
	if (x->name.n - prefix->text.n > EROFS_NAME_BYTES_MAX)
		return "has a name of more than 255 bytes";
	if (memchr(x->name.p, '\0', x->name.n))
		return "has a NUL in its name";
	return x->value.n > EROFS_XATTR_VALUE_BYTES_MAX ? "has a value of more than 65535 bytes"
							: NULL;
}

int erofs_xattrs_check(struct writer *w, uint32_t id, struct err *e)
{
	const struct erofs_inode *inode = &w->in->inodes[id];
	struct node *node = &w->nodes[id];

	if (inode->n_xattrs == 0)
		return 0;
	node->xattrs = arena_copy(w->a, inode->xattrs, inode->n_xattrs * sizeof(*inode->xattrs));
	qsort(node->xattrs, inode->n_xattrs, sizeof(*node->xattrs), by_xattr_name);
	for (size_t i = 0; i < inode->n_xattrs; i++) {
		const struct xattr *x = &node->xattrs[i];
		const char *flaw = xattr_flaw(x);

		if (!flaw && i > 0 && str_eq(x->name, x[-1].name))
			flaw = "stands twice";
		if (flaw)
			return erofs_node_err(w, id, e,
					      str_printf(w->a, "xattr '%.*s' %s", STR_FMT(x->name),
							 flaw)
						      .p);
	}
	return 0;
}

/* Puts into .shared, for now, which of the distinct ones each is. */
static void census_take(struct writer *w, struct node *node, struct census *c)
{
	size_t n = inode_of(w, node)->n_xattrs;

	node->shared = arena_array(w->a, n, sizeof(*node->shared));
	for (size_t i = 0; i < n; i++) {
		const struct xattr *x = &node->xattrs[i];
		struct buf key = { .a = w->a };
		uint32_t *known;

		buf_put(&key, x->name.p, x->name.n);
		buf_u8(&key, '\0');
		buf_put(&key, x->value.p, x->value.n);
		known = map_get(&c->known, (struct str){ (char *)key.v.p, key.v.n });
		node->shared[i] = known ? *known : (uint32_t)c->all.n;
		if (!known) {
			map_put(w->a, &c->known, (struct str){ (char *)key.v.p, key.v.n },
				node->shared[i]);
			vec_push(w->a, &c->all) = (struct distinct){ .x = x };
		}
		c->all.p[node->shared[i]].n_inodes++;
	}
}

/* What most have comes first; the same attributes give the same table. */
static int by_use(const void *p, const void *q)
{
	const struct distinct *x = *(const struct distinct *const *)p,
			      *y = *(const struct distinct *const *)q;
	int r = str_cmp(x->x->name, y->x->name);

	if (x->n_inodes != y->n_inodes)
		return x->n_inodes < y->n_inodes ? 1 : -1;
	return r ? r : str_cmp(x->x->value, y->x->value);
}

static bool pays(const struct distinct *d)
{
	uint64_t once = xattr_bytes(d->x), each = sizeof(uint32_t);

	return d->n_inodes * once > once + d->n_inodes * each;
}

static void table_make(struct writer *w, struct census *c)
{
	struct distinct **sorted = arena_array(w->a, c->all.n, sizeof(*sorted));

	for (size_t i = 0; i < c->all.n; i++)
		sorted[i] = &c->all.p[i];
	qsort(sorted, c->all.n, sizeof(*sorted), by_use);
	w->xattrs = (struct buf){ .a = w->a };
	for (size_t i = 0; i < c->all.n; i++) {
		sorted[i]->place = NOT_SHARED;
		if (!pays(sorted[i]))
			continue;
		sorted[i]->place = (uint32_t)(w->xattrs.v.n / 4);
		erofs_xattr_put(&w->xattrs, sorted[i]->x);
	}
}

static int node_measure(struct writer *w, uint32_t id, const struct census *c, struct err *e)
{
	struct node *node = &w->nodes[id];
	uint64_t n = sizeof(struct erofs_disk_xattrs);
	size_t n_shared = 0;

	for (size_t i = 0; i < w->in->inodes[id].n_xattrs; i++) {
		uint32_t place = c->all.p[node->shared[i]].place;

		if (n_shared == SHARED_MAX)
			place = NOT_SHARED;
		node->shared[i] = place;
		n_shared += place != NOT_SHARED;
		n += place != NOT_SHARED ? sizeof(uint32_t) : xattr_bytes(&node->xattrs[i]);
	}
	if (n > sizeof(struct erofs_disk_xattrs) + UINT64_C(4) * (XATTR_COUNT_MAX - 1))
		return erofs_node_err(w, id, e,
				      str_printf(w->a,
						 "has %llu bytes of xattrs, EROFS holds 262148",
						 (unsigned long long)n)
					      .p);
	node->head_bytes += (uint32_t)n;
	return 0;
}

int erofs_xattrs_measure(struct writer *w, struct err *e)
{
	struct census c = { 0 };

	for (size_t i = 0; i < w->n_order; i++)
		if (w->nodes[w->order[i]].xattrs)
			census_take(w, &w->nodes[w->order[i]], &c);
	table_make(w, &c);
	for (size_t i = 0; i < w->n_order; i++) {
		uint32_t id = w->order[i];
		int r = 0;

		w->nodes[id].head_bytes = sizeof(struct erofs_disk_inode);
		if (w->nodes[id].xattrs)
			r = node_measure(w, id, &c, e);
		if (r < 0)
			return r;
	}
	return 0;
}
