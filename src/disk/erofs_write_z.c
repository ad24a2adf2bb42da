/* SPDX-License-Identifier: MIT */
/* Indexes of compressed content (Linux fs/erofs/zmap.c, the full layout): for every 4 KiB of
 * content, where the cluster begins that holds it. */
#include <sys/stat.h>

#include "disk/erofs_codec.h"
#include "disk/erofs_write.h"

enum {
	BLOCK = EROFS_BLOCK_BYTES,
	CLUSTER_BLOCKS_MAX = 256,                  /* of 1 MiB: Z_EROFS_PCLUSTER_MAX_SIZE */
	LCLUSTERS_MAX = EROFS_LCLUSTER_BLOCKS - 1, /* more have no distance to their head */
	ZSTD_WINDOW_LOG_MIN = 10,
};

static uint64_t lclusters(uint64_t n_bytes)
{
	return (n_bytes + BLOCK - 1) / BLOCK;
}

/* A compressed cluster for one block of content would save nothing, and at the end of a file the
 * kernel looks for its length behind the index. */
static bool cluster_good(const struct erofs_cluster *c, bool last)
{
	uint64_t n = lclusters(c->n_bytes);

	if (c->n_bytes == 0 || (!last && c->n_bytes % BLOCK != 0))
		return false;
	if (c->plain)
		return n == c->n_blocks;
	return n > 1 && n <= LCLUSTERS_MAX && c->n_blocks > 0 && c->n_blocks <= CLUSTER_BLOCKS_MAX;
}

/* Adds up the clusters; false when one is impossible. */
static bool clusters_measure(struct writer *w, const struct erofs_content *c, uint64_t *ret_bytes,
			     uint64_t *ret_blocks)
{
	bool whole = c->fragment == EROFS_NO_FRAGMENT;
	uint64_t n_bytes = 0, n_blocks = 0;

	for (uint32_t i = 0; i < c->n_clusters; i++) {
		const struct erofs_cluster *cluster = &c->clusters[i];

		if (!cluster_good(cluster, whole && i + 1 == c->n_clusters))
			return false;
		n_bytes += cluster->n_bytes;
		n_blocks += cluster->n_blocks;
		if (!cluster->plain && cluster->n_blocks > w->cluster_blocks_max)
			w->cluster_blocks_max = cluster->n_blocks;
	}
	*ret_bytes = n_bytes;
	*ret_blocks = n_blocks;
	return true;
}

static const char *flat_flaw(const struct erofs_content *c)
{
	if (c->tail.n >= BLOCK || c->blocks.size_bytes % BLOCK != 0 ||
	    c->blocks.size_bytes + c->tail.n != c->size_bytes)
		return "has flat content whose blocks and tail are not its size";
	return NULL;
}

static bool fragment_good(const struct writer *w, const struct erofs_content *c, uint64_t rest)
{
	uint32_t n;

	if (c->fragment == EROFS_NO_FRAGMENT)
		return rest == 0;
	if (c->fragment >= w->in->n_fragments)
		return false;
	n = w->in->fragments[c->fragment].cluster.n_bytes;
	return rest > 0 && c->fragment_offset <= n && rest <= n - c->fragment_offset &&
	       lclusters(rest) <= LCLUSTERS_MAX;
}

const char *erofs_content_flaw(struct writer *w, const struct erofs_content *c, struct node *ret)
{
	uint64_t n_bytes, n_blocks, n_index = sizeof(struct erofs_disk_index);

	ret->size_bytes = c->size_bytes;
	if (!c->clusters && c->fragment == EROFS_NO_FRAGMENT)
		return flat_flaw(c);
	if (w->in->codec == EROFS_CODEC_NONE)
		return "has compressed content, and the image has no codec";
	if (!clusters_measure(w, c, &n_bytes, &n_blocks) || n_bytes > c->size_bytes ||
	    n_blocks * BLOCK != c->blocks.size_bytes)
		return "has content whose clusters are not what is in its blocks";
	if (!fragment_good(w, c, c->size_bytes - n_bytes))
		return "has content that neither ends with its clusters nor lies in a fragment";
	if (n_bytes > 0)
		n_index += EROFS_INDEX_GAP +
			   lclusters(c->size_bytes) * sizeof(struct erofs_disk_lcluster);
	if (n_index > UINT32_MAX / 2)
		return "has more content than an index can hold";
	ret->index_bytes = (uint32_t)n_index;
	w->compressed = true;
	return NULL;
}

int erofs_packed_make(struct writer *w, struct err *e)
{
	const size_t n = w->in->n_fragments;
	struct node *node = &w->nodes[w->in->n_inodes];
	struct erofs_cluster *clusters = arena_array(w->a, n, sizeof(*clusters));
	struct erofs_content *c = &w->packed_content;

	if (n == 0)
		return 0;
	w->fragment_at = arena_array(w->a, n, sizeof(*w->fragment_at));
	*c = (struct erofs_content){ .clusters = clusters, .fragment = EROFS_NO_FRAGMENT };
	for (size_t i = 0; i < n; i++) {
		const struct erofs_fragment *f = &w->in->fragments[i];

		if (!cluster_good(&f->cluster, false) ||
		    f->blocks.size_bytes != (uint64_t)f->cluster.n_blocks * BLOCK)
			return err_set(e, -EINVAL, "fragment %zu is not what is in its blocks", i);
		w->fragment_at[i] = c->size_bytes;
		c->size_bytes += f->cluster.n_bytes;
		c->blocks.size_bytes += f->blocks.size_bytes;
		clusters[c->n_clusters++] = f->cluster;
	}
	w->packed = (struct erofs_inode){ .mode = S_IFREG, .content = c };
	w->packed.mtime_sec = w->in->build_time_sec;
	node->head_bytes = sizeof(struct erofs_disk_inode);
	node->n_links = 1;
	return erofs_content_flaw(w, c, node) ? err_set(e, -EINVAL, "fragments without a codec")
					      : 0;
}

static void put(uint8_t **at, uint16_t type, uint32_t block)
{
	struct erofs_disk_lcluster d = { .type = htole16(type), .block = htole32(block) };

	memcpy(*at, &d, sizeof(d));
	*at += sizeof(d);
}

/* Entries behind a head: @n in all with it. @n_blocks 0: for a fragment. */
static void put_others(uint8_t **at, uint32_t n, uint16_t n_blocks)
{
	for (uint32_t i = 1; i < n; i++) {
		struct erofs_disk_lcluster d = {
			.type = htole16(EROFS_LCLUSTER_OTHER),
			.distance = { htole16((uint16_t)i), htole16((uint16_t)(n - i)) },
		};

		if (i == 1 && n_blocks > 0)
			d.distance[0] = htole16(EROFS_LCLUSTER_BLOCKS | n_blocks);
		memcpy(*at, &d, sizeof(d));
		*at += sizeof(d);
	}
}

static void put_cluster(uint8_t **at, const struct erofs_cluster *c, uint32_t block)
{
	if (!c->plain) {
		put(at, EROFS_LCLUSTER_HEAD, block);
		put_others(at, (uint32_t)lclusters(c->n_bytes), c->n_blocks);
		return;
	}
	/* The kernel knows plain clusters of one block only. */
	for (uint32_t i = 0; i < c->n_blocks; i++)
		put(at, EROFS_LCLUSTER_PLAIN, block + i);
}

static uint8_t algorithm(const struct writer *w)
{
	return w->in->codec == EROFS_CODEC_ZSTD ? EROFS_ALGORITHM_ZSTD : EROFS_ALGORITHM_LZ4;
}

void erofs_index_fill(const struct writer *w, const struct node *node, uint8_t *ret)
{
	const struct erofs_content *c = inode_of(w, node)->content;
	bool in_fragment = c->fragment != EROFS_NO_FRAGMENT;
	uint64_t at = in_fragment ? w->fragment_at[c->fragment] + c->fragment_offset : 0;
	struct erofs_disk_index d = { .fragment_offset = htole32((uint32_t)at) };
	uint32_t block = node->start_block;
	uint64_t left = c->size_bytes;

	if (c->n_clusters == 0) {
		uint64_t whole = htole64(at | UINT64_C(1) << EROFS_INDEX_WHOLE_BIT);

		memcpy(ret, &whole, sizeof(whole));
		return;
	}
	d.advice = htole16(
		(uint16_t)(EROFS_INDEX_CLUSTERS | (in_fragment ? EROFS_INDEX_FRAGMENT : 0)));
	d.algorithms = algorithm(w);
	memcpy(ret, &d, sizeof(d));
	ret += sizeof(d) + EROFS_INDEX_GAP;
	for (uint32_t i = 0; i < c->n_clusters; i++) {
		put_cluster(&ret, &c->clusters[i], block);
		block += c->clusters[i].n_blocks;
		left -= c->clusters[i].n_bytes;
	}
	if (in_fragment) {
		put(&ret, EROFS_LCLUSTER_HEAD, (uint32_t)(at >> 32));
		put_others(&ret, (uint32_t)lclusters(left), 0);
	}
}

size_t erofs_compression_fill(const struct writer *w, struct erofs_disk_super *super,
			      uint8_t ret[EROFS_COMPRESSION_BYTES_MAX])
{
	struct erofs_disk_lz4 lz4 = {
		.record_bytes = htole16(sizeof(lz4) - sizeof(lz4.record_bytes)),
		.distance_max = htole16(EROFS_LZ4_DISTANCE_MAX),
		.cluster_blocks_max = htole16(w->cluster_blocks_max),
	};
	struct erofs_disk_zstd zstd = {
		.record_bytes = htole16(sizeof(zstd) - sizeof(zstd.record_bytes)),
		.window_log = EROFS_CLUSTER_CONTENT_LOG - ZSTD_WINDOW_LOG_MIN,
	};
	size_t n = w->in->codec == EROFS_CODEC_ZSTD ? sizeof(zstd) : sizeof(lz4);

	if (!w->compressed)
		return 0;
	super->incompat = htole32(EROFS_INCOMPAT_PADDING | EROFS_INCOMPAT_CLUSTERS |
				  (w->in->n_fragments > 0 ? EROFS_INCOMPAT_FRAGMENTS : 0));
	super->compression = htole16((uint16_t)(1 << algorithm(w)));
	memcpy(ret, w->in->codec == EROFS_CODEC_ZSTD ? (const void *)&zstd : (const void *)&lz4, n);
	return n;
}
