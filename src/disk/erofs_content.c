/* SPDX-License-Identifier: MIT */
/* Cut content made whole again. What describes it comes from a file, so nothing of it is trusted.
 */
#include "disk/erofs_codec.h"

/* Neither more than the kernel expands at once (Z_EROFS_PCLUSTER_MAX_DSIZE) nor files that cannot
 * be held in memory. */
enum { CLUSTER_CONTENT_MAX = 12 << 20 };
#define CONTENT_MAX (UINT64_C(4) << 30)

struct output {
	uint8_t *p;
	uint64_t n, cap;
};

static int cluster_read(enum erofs_codec codec, const struct erofs_cluster *c, struct str *blocks,
			uint8_t *out, struct err *e)
{
	size_t n = (size_t)c->n_blocks * EROFS_BLOCK_BYTES;

	if (n > blocks->n || c->n_bytes == 0 || c->n_bytes > (c->plain ? n : CLUSTER_CONTENT_MAX))
		return err_set(e, -EBADMSG, "a cluster of %u blocks cannot hold %u bytes",
			       c->n_blocks, c->n_bytes);
	if (c->plain) {
		memcpy(out, blocks->p, c->n_bytes);
	} else {
		int r = erofs_decode(codec, str_head(*blocks, n), out, c->n_bytes, e);

		if (r < 0)
			return r;
	}
	*blocks = str_from(*blocks, n);
	return 0;
}

static int clusters_read(enum erofs_codec codec, const struct erofs_content *c, struct output *o,
			 struct err *e)
{
	struct str blocks = { (const char *)c->blocks.data, c->blocks.size_bytes };

	for (uint32_t i = 0; i < c->n_clusters; i++) {
		const struct erofs_cluster *cluster = &c->clusters[i];
		int r;

		if (cluster->n_bytes > o->cap - o->n)
			return err_set(e, -EBADMSG, "clusters hold more than the file");
		r = cluster_read(codec, cluster, &blocks, o->p + o->n, e);
		if (r < 0)
			return r;
		o->n += cluster->n_bytes;
	}
	return 0;
}

static int flat_read(const struct erofs_content *c, struct output *o, struct err *e)
{
	uint64_t full = c->size_bytes - c->tail.n;

	if (c->tail.n > c->size_bytes || full > c->blocks.size_bytes)
		return err_set(e, -EBADMSG, "blocks hold less than the file");
	if (full > 0)
		memcpy(o->p, c->blocks.data, full);
	if (c->tail.n > 0)
		memcpy(o->p + full, c->tail.p, c->tail.n);
	o->n = c->size_bytes;
	return 0;
}

static int fragment_read(struct arena *a, enum erofs_codec codec, const struct erofs_content *c,
			 const struct erofs_fragment *f, struct output *o, struct err *e)
{
	struct str blocks = { (const char *)f->blocks.data, f->blocks.size_bytes };
	uint64_t n = o->cap - o->n;
	uint8_t *content;
	int r;

	if (f->cluster.n_bytes > CLUSTER_CONTENT_MAX || c->fragment_offset > f->cluster.n_bytes ||
	    n > f->cluster.n_bytes - c->fragment_offset)
		return err_set(e, -EBADMSG, "the end of the file is beyond its fragment");
	content = arena_alloc(a, f->cluster.n_bytes);
	r = cluster_read(codec, &f->cluster, &blocks, content, e);
	if (r < 0)
		return r;
	memcpy(o->p + o->n, content + c->fragment_offset, n);
	o->n += n;
	return 0;
}

int erofs_content_read(struct arena *a, enum erofs_codec codec, const struct erofs_content *c,
		       const struct erofs_fragment *fragments, size_t n_fragments, struct str *ret,
		       struct err *e)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	struct output o = { .cap = c->size_bytes };
	bool flat = !c->clusters && c->fragment == EROFS_NO_FRAGMENT;
	int r;

	if (c->size_bytes > CONTENT_MAX)
		return err_set(e, -EFBIG, "has %llu bytes, more than 4 GiB",
			       (unsigned long long)c->size_bytes);
	o.p = arena_alloc(a, o.cap);
	r = flat ? flat_read(c, &o, e) : clusters_read(codec, c, &o, e);
	if (r >= 0 && c->fragment != EROFS_NO_FRAGMENT) {
		if (c->fragment >= n_fragments)
			return err_set(e, -EBADMSG, "its fragment %u of %zu does not exist",
				       c->fragment, n_fragments);
		r = fragment_read(&scratch, codec, c, &fragments[c->fragment], &o, e);
	}
	if (r < 0)
		return r;
	if (o.n != c->size_bytes)
		return err_set(e, -EBADMSG, "its clusters end before the file");
	*ret = (struct str){ (const char *)o.p, o.n };
	return 0;
}
