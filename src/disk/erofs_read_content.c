/* SPDX-License-Identifier: MIT */
/* Where the bytes of files lie. Nothing is expanded or copied here. */
#include <sys/stat.h>

#include "disk/erofs_read.h"

enum {
	BLOCK = EROFS_BLOCK_BYTES,
	LCLUSTER_TYPE_ALL = 3,
	CLUSTER_BLOCKS_MAX = 256,      /* Z_EROFS_PCLUSTER_MAX_SIZE */
	CLUSTER_BYTES_MAX = 12 << 20,  /* Z_EROFS_PCLUSTER_MAX_DSIZE */
	PLAIN_BLOCKS_MAX = UINT16_MAX, /* that one struct erofs_cluster holds */
};

/* A head of an index and what it begins. */
struct extent {
	uint64_t start; /* in the content */
	uint64_t first; /* entry of the index */
	uint32_t block;
	uint16_t n_blocks;
	bool plain;
};

struct index_reader {
	struct reader *r;
	const struct found *f;
	struct rd rd;
	uint64_t n_entries, i;
	bool in_fragment;
	uint64_t fragment_offset;
	struct extent now;
	uint32_t first_block, next_block;
	VEC(struct erofs_cluster) clusters;
	uint64_t cut_bytes; /* in clusters */
};

/* Clusters that stand plain behind each other are one to us. */
static bool plain_extends(const struct index_reader *x)
{
	const struct erofs_cluster *last;

	if (x->clusters.n == 0 || !x->now.plain)
		return false;
	last = &x->clusters.p[x->clusters.n - 1];
	return last->plain && last->n_blocks < PLAIN_BLOCKS_MAX &&
	       last->n_bytes == last->n_blocks * (uint32_t)BLOCK;
}

/* The extent that began last ends at @end. */
static bool extent_close(struct index_reader *x, uint64_t end)
{
	const struct extent *now = &x->now;
	uint64_t n = end - now->start;

	if (n > (now->plain ? (uint64_t)BLOCK : (uint64_t)CLUSTER_BYTES_MAX))
		return false;
	if (x->clusters.n == 0)
		x->first_block = x->next_block = now->block;
	if (now->block != x->next_block)
		return false;
	x->next_block += now->n_blocks;
	x->cut_bytes = end;
	if (plain_extends(x)) {
		x->clusters.p[x->clusters.n - 1].n_bytes += (uint32_t)n;
		x->clusters.p[x->clusters.n - 1].n_blocks++;
	} else {
		vec_push(x->r->a, &x->clusters) =
			(struct erofs_cluster){ (uint32_t)n, now->n_blocks, now->plain };
	}
	return true;
}

static bool head_take(struct index_reader *x, const struct erofs_disk_lcluster *d, uint16_t type)
{
	uint64_t start = x->i * BLOCK + le16toh(d->offset);

	if (le16toh(d->offset) >= BLOCK || start >= x->f->size_bytes)
		return false;
	if (x->i == 0 ? start > 0 : !extent_close(x, start))
		return false;
	x->now = (struct extent){ .start = start,
				  .first = x->i,
				  .block = le32toh(d->block),
				  .n_blocks = 1,
				  .plain = type == EROFS_LCLUSTER_PLAIN };
	return true;
}

static bool other_take(struct index_reader *x, const struct erofs_disk_lcluster *d)
{
	uint16_t back = le16toh(d->distance[0]);

	if (x->i == 0)
		return false;
	if (x->i == x->now.first + 1 && back & EROFS_LCLUSTER_BLOCKS) {
		x->now.n_blocks = back & (uint16_t)~EROFS_LCLUSTER_BLOCKS;
		return !x->now.plain && x->now.n_blocks > 0 &&
		       x->now.n_blocks <= CLUSTER_BLOCKS_MAX;
	}
	return back == x->i - x->now.first;
}

static bool entry_take(struct index_reader *x)
{
	struct erofs_disk_lcluster d;
	const uint8_t *p = rd_bytes(&x->rd, sizeof(d));
	uint16_t type;

	if (!p)
		return false;
	memcpy(&d, p, sizeof(d));
	type = le16toh(d.type);
	switch (type) {
	case EROFS_LCLUSTER_PLAIN:
	case EROFS_LCLUSTER_HEAD:
		return head_take(x, &d, type);
	case EROFS_LCLUSTER_OTHER:
		return other_take(x, &d);
	default:
		return false;
	}
}

static int header_read(struct index_reader *x, bool *ret_whole, struct err *e)
{
	const uint8_t *p = rd_bytes(&x->rd, sizeof(struct erofs_disk_index));
	unsigned known = EROFS_INDEX_CLUSTERS | EROFS_INDEX_FRAGMENT;
	struct erofs_disk_index d;
	uint64_t whole;

	if (!p)
		return damage(x->f, e, "has an index beyond the end of the image");
	memcpy(&whole, p, sizeof(whole));
	memcpy(&d, p, sizeof(d));
	whole = le64toh(whole);
	*ret_whole = whole >> EROFS_INDEX_WHOLE_BIT;
	x->in_fragment = *ret_whole || le16toh(d.advice) & EROFS_INDEX_FRAGMENT;
	x->fragment_offset = *ret_whole ? whole & ~(UINT64_C(1) << EROFS_INDEX_WHOLE_BIT)
					: le32toh(d.fragment_offset);
	if (*ret_whole)
		return 0;
	if (le16toh(d.advice) & ~known || d.cluster_bits != 0 ||
	    (d.algorithms & 0xf) !=
		    (x->r->codec == EROFS_CODEC_ZSTD ? EROFS_ALGORITHM_ZSTD : EROFS_ALGORITHM_LZ4))
		return damage(x->f, e, "is compressed in a way that this reader does not know");
	return 0;
}

/* The index of a compressed file: up to the fragment, if any, which begins at .cut_bytes. */
static int index_read(struct index_reader *x, struct err *e)
{
	bool whole = false;
	int code;

	if (x->r->codec == EROFS_CODEC_NONE || x->f->size_bytes == 0)
		return damage(x->f, e, "is compressed in a way that this reader does not know");
	rd_seek(&x->rd, (x->f->at + EROFS_INDEX_ALIGN - 1) / EROFS_INDEX_ALIGN * EROFS_INDEX_ALIGN);
	code = header_read(x, &whole, e);
	if (code < 0 || whole)
		return code;
	(void)rd_bytes(&x->rd, EROFS_INDEX_GAP);
	x->n_entries = x->f->size_bytes / BLOCK + (x->f->size_bytes % BLOCK > 0);
	if (x->n_entries > x->r->n / sizeof(struct erofs_disk_lcluster))
		return damage(x->f, e, "has an index beyond the end of the image");
	code = erofs_claim(x->r, x->f->nid, x->n_entries * sizeof(struct erofs_disk_lcluster), e);
	if (code < 0)
		return code;
	for (; x->i < x->n_entries; x->i++) {
		if (!entry_take(x))
			return damage(x->f, e, "has a damaged index");
	}
	if (x->in_fragment)
		x->fragment_offset |= (uint64_t)x->now.block << 32;
	else if (!extent_close(x, x->f->size_bytes))
		return damage(x->f, e, "has a damaged index");
	return 0;
}

static bool blocks_find(const struct reader *r, uint64_t block, uint64_t n_bytes,
			struct segment *ret)
{
	uint64_t n = (n_bytes + BLOCK - 1) / BLOCK;

	if (n_bytes == 0)
		return true;
	if (block > r->n / BLOCK || n > r->n / BLOCK - block)
		return false;
	*ret = (struct segment){ .data = r->image + block * BLOCK, .size_bytes = n_bytes };
	return true;
}

/* The fragment that holds @n bytes from @offset of the packed inode on. */
static bool fragment_find(const struct reader *r, uint64_t offset, uint64_t n,
			  struct erofs_content *ret)
{
	size_t low = 0, high = r->fragment_at.n;
	uint64_t in;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (r->fragment_at.p[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	if (high == 0)
		return false;
	in = offset - r->fragment_at.p[low];
	if (in > r->fragments.p[low].cluster.n_bytes ||
	    n > r->fragments.p[low].cluster.n_bytes - in)
		return false;
	ret->fragment = (uint32_t)low;
	ret->fragment_offset = (uint32_t)in;
	return true;
}

static int compressed_read(struct reader *r, const struct found *f, struct erofs_content *ret,
			   struct err *e)
{
	struct index_reader x = { .r = r, .f = f, .rd = { .p = r->image, .n = r->n } };
	int code = index_read(&x, e);

	if (code < 0)
		return code;
	if (!blocks_find(r, x.first_block, (uint64_t)(x.next_block - x.first_block) * BLOCK,
			 &ret->blocks))
		return damage(f, e, "has data beyond the end of the image");
	ret->clusters = x.clusters.p;
	ret->n_clusters = (uint32_t)x.clusters.n;
	if (x.in_fragment && !fragment_find(r, x.fragment_offset, f->size_bytes - x.cut_bytes, ret))
		return damage(f, e, "ends in a fragment that does not exist, or in several");
	return 0;
}

static int flat_read(struct reader *r, const struct found *f, struct erofs_content *ret,
		     struct err *e)
{
	uint64_t n_tail = f->size_bytes % BLOCK, full = f->size_bytes - n_tail;
	struct rd tail = { .p = r->image, .n = r->n };
	bool inlined = f->layout == EROFS_LAYOUT_INLINE;

	if (inlined && (n_tail == 0 || f->at % BLOCK + n_tail > BLOCK))
		return damage(f, e, "has inlined data that is empty or crosses a block");
	if (!blocks_find(r, f->start_block, inlined ? full : f->size_bytes, &ret->blocks))
		return damage(f, e, "has data beyond the end of the image");
	rd_seek(&tail, inlined ? f->at : (uint64_t)f->start_block * BLOCK + full);
	ret->tail = rd_str(&tail, n_tail);
	if (tail.bad)
		return damage(f, e, "has data beyond the end of the image");
	ret->blocks.size_bytes = full;
	return 0;
}

static bool same(const struct erofs_content *x, const struct erofs_content *y)
{
	return x->size_bytes == y->size_bytes && x->blocks.size_bytes == y->blocks.size_bytes &&
	       x->n_clusters == y->n_clusters && x->fragment == y->fragment &&
	       x->fragment_offset == y->fragment_offset && str_eq(x->tail, y->tail) &&
	       (x->n_clusters == 0 ||
		memcmp(x->clusters, y->clusters, x->n_clusters * sizeof(*x->clusters)) == 0);
}

/* What was read before and lies in the same blocks, else a copy of @c. */
static const struct erofs_content *content_share(struct reader *r, const struct erofs_content *c)
{
	struct str key = { arena_copy(r->a, &c->blocks.data, sizeof(c->blocks.data)),
			   sizeof(c->blocks.data) };
	uint32_t *found = c->blocks.data ? map_get(&r->shared, key) : NULL;
	const struct erofs_content *copy;

	if (found && same(r->contents.p[*found], c))
		return r->contents.p[*found];
	copy = arena_copy(r->a, c, sizeof(*c));
	if (c->blocks.data && !found) {
		map_put(r->a, &r->shared, key, (uint32_t)r->contents.n);
		vec_push(r->a, &r->contents) = copy;
	}
	return copy;
}

int erofs_file_content(struct reader *r, const struct found *f, const struct erofs_content **ret,
		       struct err *e)
{
	struct erofs_content c = { .size_bytes = f->size_bytes, .fragment = EROFS_NO_FRAGMENT };
	int code;

	*ret = NULL;
	if (f->layout == EROFS_LAYOUT_COMPRESSED)
		code = compressed_read(r, f, &c, e);
	else if (f->size_bytes == 0 || (f->size_bytes < BLOCK && f->layout == EROFS_LAYOUT_INLINE))
		return 0;
	else
		code = flat_read(r, f, &c, e);
	if (code < 0)
		return code;
	*ret = content_share(r, &c);
	return 0;
}

int erofs_packed_read(struct reader *r, const struct found *f, struct err *e)
{
	struct erofs_content c = { .fragment = EROFS_NO_FRAGMENT };
	uint64_t at = 0;
	const uint8_t *p;
	int code;

	if (f->layout != EROFS_LAYOUT_COMPRESSED)
		return damage(f, e, "holds fragments and is not compressed");
	code = compressed_read(r, f, &c, e);
	if (code < 0)
		return code;
	if (c.fragment != EROFS_NO_FRAGMENT)
		return damage(f, e, "holds fragments and is one");
	p = c.blocks.data;
	for (uint32_t i = 0; i < c.n_clusters; i++) {
		uint64_t n = (uint64_t)c.clusters[i].n_blocks * BLOCK;

		vec_push(r->a, &r->fragments) = (struct erofs_fragment){
			.cluster = c.clusters[i],
			.blocks = { .data = p, .size_bytes = n },
		};
		vec_push(r->a, &r->fragment_at) = at;
		at += c.clusters[i].n_bytes;
		p += n;
	}
	return 0;
}
