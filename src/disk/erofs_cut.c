/* SPDX-License-Identifier: MIT */
/* Cuts content into clusters. A cluster is whole blocks on the disk, and what its last block leaves
 * empty is lost, so the search is for pieces of content whose compressed form just fills its
 * blocks. Each try costs a compression: the size of the next is interpolated from the one before.
 */
#include <stdlib.h>

#include "disk/erofs_codec.h"

enum {
	BLOCK = EROFS_BLOCK_BYTES,
	TRIES_MAX = 3,              /* for one cluster */
	SMALL_BYTES_MAX = 64 << 10, /* files up to here go into fragments whole */
	TAIL_WASTE_MAX = 512,       /* left empty behind the end of a file, rather than making
				       readers of the last bytes expand a fragment */
	PLAIN_BYTES = 64 << 10,     /* how far a piece that did not shrink reaches */
	CLUSTER_BYTES_MAX = 1 << 20,
	RATIO_GUESS = 3, /* of what nothing is known about yet */
	SAMPLE_BYTES = 32 << 10,
	RANDOM_BYTES_MIN = 1 << 10, /* in less there is nothing to see */
};

/* A piece of content and what it shrinks to. */
struct piece {
	size_t content_bytes, n;
	uint8_t *bytes;
};

struct cutter {
	struct arena *a;
	struct str content; /* what is left of it */
	const struct erofs_compression *how;
	struct erofs_encoder encoder;
	size_t per_block; /* what 4 KiB of content became in the last try */
	struct piece tried, best;
	bool done; /* what is left is for a fragment */
	uint8_t *out;
	size_t n_out;
	VEC(struct erofs_cluster) clusters;
};

static size_t blocks_of(size_t n)
{
	return (n + BLOCK - 1) / BLOCK;
}

/* Whether a sample has all bytes equally often: compressed or encrypted before. For n bytes drawn
 * at random the sum of the counts' squares is about n * n / 256 + n. */
static bool sample_random(struct str s)
{
	uint32_t counts[256] = { 0 };
	uint64_t sum = 0, n = s.n;

	for (size_t i = 0; i < s.n; i++)
		counts[(uint8_t)s.p[i]]++;
	for (size_t i = 0; i < 256; i++)
		sum += (uint64_t)counts[i] * counts[i];
	return sum <= n * n / 256 + n * n / 256 / 32 + n;
}

static bool looks_random(struct str content)
{
	return sample_random(str_head(content, SAMPLE_BYTES)) &&
	       sample_random(str_head(str_from(content, content.n / 2), SAMPLE_BYTES)) &&
	       sample_random(
		       str_from(content, content.n > SAMPLE_BYTES ? content.n - SAMPLE_BYTES : 0));
}

/* Most content that a cluster could hold from here on. */
static size_t reach(const struct cutter *c)
{
	return c->content.n < EROFS_CLUSTER_CONTENT_MAX ? c->content.n : EROFS_CLUSTER_CONTENT_MAX;
}

/* Compresses the first @n bytes. */
static int try(struct cutter *c, size_t n, struct err *e)
{
	int r = erofs_encode(&c->encoder, str_head(c->content, n), c->tried.bytes,
			     erofs_encode_bound(&c->encoder, EROFS_CLUSTER_CONTENT_MAX),
			     &c->tried.n, e);

	if (r < 0)
		return r;
	c->tried.content_bytes = n;
	c->per_block = c->tried.n / blocks_of(n) + 1;
	return 0;
}

static bool fits(const struct cutter *c, const struct piece *p)
{
	return p->n > 0 && p->n <= c->how->cluster_bytes;
}

/* Keeps the better of the last try and the best: more content per block on the disk. */
static void keep(struct cutter *c)
{
	struct piece best = c->best;

	if (!fits(c, &c->tried))
		return;
	if (best.n > 0 &&
	    blocks_of(best.n) * c->tried.content_bytes < blocks_of(c->tried.n) * best.content_bytes)
		return;
	c->best = c->tried;
	c->tried = best;
}

/* How much content to try next, so that it fills its blocks: @t plus or minus some blocks. */
static size_t try_next(const struct cutter *c, const struct piece *t)
{
	size_t n = blocks_of(t->content_bytes), max = c->how->cluster_bytes, target;

	if (t->n > max) {
		size_t less = (t->n - max) / c->per_block + 1;

		return (n > less ? n - less : 1) * BLOCK;
	}
	target = t->n < max - max / 4 ? max : blocks_of(t->n) * BLOCK;
	n = (n + (target - t->n) / c->per_block) * BLOCK;
	return n < reach(c) ? n : reach(c);
}

/* Finds .best, or none if nothing that was tried fits or is worth it. */
static int piece_find(struct cutter *c, struct err *e)
{
	size_t max = c->how->cluster_bytes, n;

	n = (max - max / 32) / c->per_block * BLOCK;
	if (n < 2UL * BLOCK)
		n = 2UL * BLOCK; /* one never becomes less than one */
	if (n > reach(c))
		n = reach(c);
	c->best.n = 0;
	for (int i = 0; i < TRIES_MAX || c->best.n == 0; i++) {
		size_t tried = n;
		int r = try(c, n, e);

		if (r < 0)
			return r;
		if (blocks_of(c->tried.n) >= blocks_of(n))
			break;
		n = try_next(c, &c->tried);
		keep(c);
		if (n == tried || n == c->best.content_bytes)
			break;
	}
	return 0;
}

static void take(struct cutter *c, size_t content_bytes, size_t n_blocks, bool plain)
{
	struct erofs_cluster cluster = { (uint32_t)content_bytes, (uint16_t)n_blocks, plain };

	vec_push(c->a, &c->clusters) = cluster;
	c->content = str_from(c->content, content_bytes);
	c->n_out += n_blocks * BLOCK;
}

static void take_plain(struct cutter *c, size_t n)
{
	memcpy(c->out + c->n_out, c->content.p, n);
	take(c, n, blocks_of(n), true);
}

static void take_best(struct cutter *c)
{
	size_t n_blocks = blocks_of(c->best.n);

	if (n_blocks >= blocks_of(c->best.content_bytes)) {
		take_plain(c, c->best.content_bytes);
		return;
	}
	memcpy(c->out + c->n_out + (n_blocks * BLOCK - c->best.n), c->best.bytes, c->best.n);
	take(c, c->best.content_bytes, n_blocks, false);
}

/* The end of the file is in reach and fits, but leaves much of its last block empty: a cluster of
 * one block less, if any, and the rest for a fragment. */
static int tail_cut(struct cutter *c, struct err *e)
{
	size_t target = c->best.n / BLOCK * BLOCK, over = c->best.n - target;
	size_t n = c->best.content_bytes, less = over / c->per_block + 1;

	for (int i = 0; i < TRIES_MAX - 1 && target > 0 && blocks_of(n) > less; i++) {
		size_t shorter = (blocks_of(n) - less) * BLOCK;
		int r = n - shorter < EROFS_FRAGMENT_BYTES ? try(c, shorter, e) : 0;

		if (r < 0)
			return r;
		if (n - shorter >= EROFS_FRAGMENT_BYTES)
			break;
		if (c->tried.n <= target) {
			c->best.n = 0;
			keep(c);
			break;
		}
		less += (c->tried.n - target) / c->per_block + 1;
	}
	c->done = true;
	if (c->best.content_bytes < n || target > 0 || n >= EROFS_FRAGMENT_BYTES)
		take_best(c);
	return 0;
}

static int cut_next(struct cutter *c, struct err *e)
{
	size_t plain = c->content.n < PLAIN_BYTES ? c->content.n : PLAIN_BYTES;
	int r = piece_find(c, e);

	if (r < 0)
		return r;
	if (c->best.n == 0)
		take_plain(c, plain / BLOCK * BLOCK);
	else if (c->best.content_bytes == c->content.n &&
		 blocks_of(c->best.n) * BLOCK - c->best.n > TAIL_WASTE_MAX)
		return tail_cut(c, e);
	else
		take_best(c);
	return 0;
}

static void cutter_done(struct cutter *c)
{
	erofs_encoder_done(&c->encoder);
	free(c->tried.bytes);
	free(c->best.bytes);
}

static int cutter_init(struct cutter *c, struct err *e)
{
	uint32_t max = c->how->cluster_bytes;
	size_t cap;
	int r;

	if (max == 0 || max % BLOCK != 0 || max > CLUSTER_BYTES_MAX)
		return err_set(e, -EINVAL,
			       "clusters of %u bytes: want a multiple of 4096, at most 1048576",
			       max);
	r = erofs_encoder_init(&c->encoder, c->how, e);
	if (r < 0)
		return r;
	cap = erofs_encode_bound(&c->encoder, EROFS_CLUSTER_CONTENT_MAX);
	c->tried.bytes = malloc(cap);
	c->best.bytes = malloc(cap);
	if (!c->tried.bytes || !c->best.bytes)
		return err_set(e, -ENOMEM, "out of memory");
	c->per_block = BLOCK / RATIO_GUESS;
	return 0;
}

static int cut_compressed(struct cutter *c, struct err *e)
{
	size_t size_bytes = c->content.n;
	const char *left = c->content.p; /* what is in front of it has left memory */
	int r = cutter_init(c, e);

	if (r < 0)
		return r;
	/* Nothing is longer cut than whole. */
	c->out = arena_alloc(c->a, blocks_of(size_bytes) * BLOCK);
	while (c->content.n > BLOCK && !c->done) {
		r = cut_next(c, e);
		if (r < 0)
			return r;
		if (c->content.p - left < ARENA_SPILL_BYTES_MIN)
			continue;
		memory_leave(left, (size_t)(c->content.p - left));
		left = c->content.p;
	}
	return 0;
}

static void cut_flat(struct str content, struct erofs_content *ret, struct str *ret_bytes)
{
	size_t full = content.n / BLOCK * BLOCK;

	ret->tail = str_from(content, full);
	*ret_bytes = str_head(content, full);
}

int erofs_cut(struct arena *a, struct str content, const struct erofs_compression *how,
	      struct erofs_content *ret, struct str *ret_bytes, uint32_t *ret_rest, struct err *e)
{
	__attribute__((cleanup(cutter_done))) struct cutter c = { .a = a, .how = how };
	struct erofs_content cut = { .size_bytes = content.n, .fragment = EROFS_NO_FRAGMENT };
	int r;

	*ret_bytes = (struct str){ 0 };
	*ret_rest = 0;
	c.content = content;
	if (how->codec == EROFS_CODEC_NONE ||
	    (content.n > RANDOM_BYTES_MIN && looks_random(content))) {
		cut_flat(content, &cut, ret_bytes);
	} else if (content.n <= SMALL_BYTES_MAX) {
		*ret_rest = (uint32_t)content.n;
	} else {
		r = cut_compressed(&c, e);
		if (r < 0)
			return r;
		cut.clusters = c.clusters.p;
		cut.n_clusters = (uint32_t)c.clusters.n;
		*ret_bytes = (struct str){ (const char *)c.out, c.n_out };
		*ret_rest = (uint32_t)c.content.n;
		if (c.n_out + c.content.n >= content.n) {
			cut.clusters = NULL;
			cut.n_clusters = 0;
			*ret_rest = 0;
			cut_flat(content, &cut, ret_bytes);
		}
	}
	*ret = cut;
	return 0;
}

int erofs_cut_fragment(struct arena *a, struct str content, const struct erofs_compression *how,
		       struct erofs_cluster *ret, struct str *ret_bytes, struct err *e)
{
	__attribute__((cleanup(cutter_done))) struct cutter c = { .a = a, .how = how };
	struct piece spare;
	char *padded;
	int r;

	if (content.n == 0 || content.n > EROFS_FRAGMENT_BYTES)
		return err_set(e, -EINVAL, "a fragment of %zu bytes: want 1 to %d", content.n,
			       EROFS_FRAGMENT_BYTES);
	r = cutter_init(&c, e);
	if (r < 0)
		return r;
	/* The kernel takes a cluster's length from where the next one begins. */
	c.content.n = blocks_of(content.n) * BLOCK;
	padded = arena_alloc(a, c.content.n);
	memcpy(padded, content.p, content.n);
	c.content.p = padded;
	c.out = arena_alloc(a, c.content.n);
	*ret_bytes = (struct str){ (const char *)c.out, 0 };
	if (how->codec != EROFS_CODEC_NONE) {
		r = try(&c, c.content.n, e);
		if (r < 0)
			return r;
		/* Larger than other clusters, if need be: who cuts this cannot try another size. */
		spare = c.best;
		c.best = c.tried;
		c.tried = spare;
	}
	if (c.best.n > 0)
		take_best(&c);
	else
		take_plain(&c, c.content.n);
	*ret = c.clusters.p[0];
	ret_bytes->n = c.n_out;
	return 0;
}
