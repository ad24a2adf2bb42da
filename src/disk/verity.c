/* SPDX-License-Identifier: MIT */
#include "disk/verity.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/thread_pool.h"
#include "base/trace.h"

enum {
	DIGESTS = VERITY_BLOCK_BYTES / SHA256_BYTES, /* in a block of the tree */
	LEVELS_MAX = 9,                              /* 128^9 is more than 2^63 bytes of blocks */
	CHUNK_BLOCKS = 256,                          /* hashed by one task: 1 MiB */
	SUPER_SALT_BYTES_MAX = 256,
};

struct verity_disk_super {
	uint8_t signature[8];
	uint32_t version, hash_type;
	uint8_t uuid[16];
	char algorithm[32];
	uint32_t data_block_bytes, hash_block_bytes;
	uint64_t data_blocks;
	uint16_t salt_bytes;
	uint8_t reserved[6], salt[SUPER_SALT_BYTES_MAX], reserved2[168];
} __attribute__((packed));
static_assert(sizeof(struct verity_disk_super) == 512, "verity super block");

static const uint8_t super_signature[8] = "verity\0";

/* Level 0 holds the digests of the data's blocks; the last level is one block, whose digest is the
 * root hash. A single block of data has no level: its digest is the root hash. */
struct shape {
	unsigned n_levels;
	uint64_t blocks[LEVELS_MAX]; /* of each level */
	uint64_t start[LEVELS_MAX];  /* of each level, in blocks of the hash partition */
	uint64_t end;
};

static struct shape shape_of(uint64_t data_blocks)
{
	struct shape s = { .end = 1 };

	for (uint64_t n = data_blocks; n > 1;) {
		n = n / DIGESTS + (n % DIGESTS > 0);
		s.blocks[s.n_levels++] = n;
	}
	for (unsigned i = s.n_levels; i-- > 0; s.end += s.blocks[i])
		s.start[i] = s.end;
	return s;
}

void verity_salt(uint8_t ret[VERITY_SALT_BYTES])
{
	sha256("ashlar verity salt 1", 20, ret);
}

struct salt {
	const uint8_t *p;
	size_t n;
};

/* Where a chunk of blocks begins: the segment and the offset in it. */
struct chunk {
	size_t segment;
	uint64_t offset;
};

struct leaves {
	const struct segments *data;
	struct salt salt;
	bool known; /* the salt is the one that kept leaves are made with */
	uint64_t n_blocks;
	const struct chunk *chunks;
	uint8_t *digests;
};

/* One block from the cursor on, gathered from several segments. */
static void block_gather(const struct segments *data, struct chunk *at,
			 uint8_t ret[VERITY_BLOCK_BYTES])
{
	for (size_t n = 0; n < VERITY_BLOCK_BYTES;) {
		const struct segment *s = &data->v.p[at->segment];
		uint64_t take = s->size_bytes - at->offset;

		if (take > VERITY_BLOCK_BYTES - n)
			take = VERITY_BLOCK_BYTES - n;
		if (s->data)
			memcpy(ret + n, s->data + at->offset, take);
		else
			memset(ret + n, 0, take);
		n += take;
		at->offset += take;
		if (at->offset == s->size_bytes)
			*at = (struct chunk){ at->segment + 1, 0 };
	}
}

/* The next blocks that stand in one run of memory, at most @max; where a run holds no whole one, a
 * single block, gathered. */
static uint64_t blocks_next(const struct segments *data, struct chunk *at, uint64_t max,
			    uint8_t gathered[VERITY_BLOCK_BYTES], const uint8_t **ret)
{
	const struct segment *s = &data->v.p[at->segment];
	uint64_t n = s->data ? (s->size_bytes - at->offset) / VERITY_BLOCK_BYTES : 0;

	if (n == 0) {
		block_gather(data, at, gathered);
		*ret = gathered;
		return 1;
	}
	if (n > max)
		n = max;
	*ret = s->data + at->offset;
	at->offset += n * VERITY_BLOCK_BYTES;
	if (at->offset == s->size_bytes)
		*at = (struct chunk){ at->segment + 1, 0 };
	return n;
}

/* The digests of @n blocks at @p that were kept beside them, or NULL. */
static const uint8_t *leaves_kept(const struct segment_blocks *b, const uint8_t *p, uint64_t n)
{
	uint64_t at;

	if (!b || !b->leaves)
		return NULL;
	at = (uint64_t)(p - b->data) - b->first;
	if (at % VERITY_BLOCK_BYTES != 0 || at / VERITY_BLOCK_BYTES >= b->n_blocks ||
	    n > b->n_blocks - at / VERITY_BLOCK_BYTES)
		return NULL;
	return b->leaves + at / VERITY_BLOCK_BYTES * SHA256_BYTES;
}

static int chunk_hash(void *arg, size_t i, struct err *e)
{
	TRACE("hash blocks");
	const struct leaves *l = arg;
	struct chunk at = l->chunks[i];
	uint64_t block = (uint64_t)i * CHUNK_BLOCKS, end = block + CHUNK_BLOCKS;
	uint8_t gathered[VERITY_BLOCK_BYTES];

	(void)e;
	if (end > l->n_blocks)
		end = l->n_blocks;
	while (block < end) {
		const struct segment_blocks *blocks = l->data->v.p[at.segment].blocks;
		uint8_t *digests = l->digests + block * SHA256_BYTES;
		const uint8_t *p, *kept = NULL;
		uint64_t n = blocks_next(l->data, &at, end - block, gathered, &p);

		if (l->known && p != gathered)
			kept = leaves_kept(blocks, p, n);
		if (kept)
			memcpy(digests, kept, n * SHA256_BYTES);
		else
			sha256_blocks(l->salt.p, l->salt.n, p, VERITY_BLOCK_BYTES, n, digests);
		block += n;
	}
	return 0;
}

/* One walk over the segments, so that no task has to search for its beginning. */
static struct chunk *chunks_find(struct arena *a, const struct segments *data, size_t n_chunks)
{
	struct chunk *chunks = arena_array(a, n_chunks, sizeof(*chunks));
	uint64_t start = 0;
	size_t chunk = 0;

	for (size_t i = 0; i < data->v.n; start += data->v.p[i].size_bytes, i++) {
		uint64_t end = start + data->v.p[i].size_bytes;

		for (; chunk < n_chunks; chunk++) {
			uint64_t want = (uint64_t)chunk * CHUNK_BLOCKS * VERITY_BLOCK_BYTES;

			if (want >= end)
				break;
			chunks[chunk] = (struct chunk){ i, want - start };
		}
	}
	return chunks;
}

/* The digests of all blocks of @data, in a buffer of whole tree blocks. */
static int leaves_hash(struct arena *a, const struct segments *data, uint64_t n_blocks,
		       struct salt salt, unsigned n_threads, uint8_t **ret, struct err *e)
{
	size_t n_chunks = (n_blocks + CHUNK_BLOCKS - 1) / CHUNK_BLOCKS;
	struct leaves l = { .data = data, .salt = salt, .n_blocks = n_blocks };
	uint8_t ours[VERITY_SALT_BYTES];
	int r;

	verity_salt(ours);
	l.known = salt.n == sizeof(ours) && memcmp(salt.p, ours, sizeof(ours)) == 0;
	l.chunks = chunks_find(a, data, n_chunks);
	l.digests = arena_array(a, n_blocks / DIGESTS + 1, VERITY_BLOCK_BYTES);
	r = thread_pool_for(n_threads, n_chunks, chunk_hash, &l, e);
	if (r < 0)
		return r;
	*ret = l.digests;
	return 0;
}

struct str verity_super_write(struct arena *a, const struct verity_super *super)
{
	struct verity_disk_super d = {
		.version = htole32(1),
		.hash_type = htole32(1),
		.algorithm = "sha256",
		.data_block_bytes = htole32(VERITY_BLOCK_BYTES),
		.hash_block_bytes = htole32(VERITY_BLOCK_BYTES),
		.data_blocks = htole64(super->data_blocks),
		.salt_bytes = htole16(super->salt_bytes),
	};
	char *block = arena_alloc(a, VERITY_BLOCK_BYTES);

	memcpy(d.signature, super_signature, sizeof(d.signature));
	memcpy(d.uuid, super->uuid, sizeof(d.uuid));
	memcpy(d.salt, super->salt, super->salt_bytes);
	memcpy(block, &d, sizeof(d));
	return (struct str){ block, VERITY_BLOCK_BYTES };
}

uint64_t verity_hash_bytes(uint64_t data_blocks)
{
	return shape_of(data_blocks).end * VERITY_BLOCK_BYTES;
}

static void super_add(struct arena *a, const struct verity *v, struct segments *hash)
{
	struct verity_super super = { .data_blocks = v->data_blocks,
				      .salt_bytes = VERITY_SALT_BYTES };
	struct str block;

	memcpy(super.uuid, v->uuid, sizeof(super.uuid));
	memcpy(super.salt, v->salt, sizeof(v->salt));
	block = verity_super_write(a, &super);
	segments_add(a, hash, block.p, block.n);
}

int verity_build(struct arena *a, const struct segments *data,
		 const uint8_t salt[VERITY_SALT_BYTES], const uint8_t uuid[16], unsigned n_threads,
		 struct verity *ret, struct err *e)
{
	TRACE("verity");
	struct verity v = { .data_blocks = data->size_bytes / VERITY_BLOCK_BYTES };
	struct shape shape = shape_of(v.data_blocks);
	uint8_t *levels[LEVELS_MAX + 1]; /* above the last stands the root hash */
	int r;

	if (v.data_blocks == 0 || data->size_bytes % VERITY_BLOCK_BYTES != 0)
		return err_set(e, -EINVAL,
			       "dm-verity wants whole blocks of 4096 bytes, not %llu bytes",
			       (unsigned long long)data->size_bytes);
	memcpy(v.salt, salt, sizeof(v.salt));
	memcpy(v.uuid, uuid, sizeof(v.uuid));
	r = leaves_hash(a, data, v.data_blocks, (struct salt){ salt, VERITY_SALT_BYTES }, n_threads,
			&levels[0], e);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < shape.n_levels; i++) {
		levels[i + 1] = arena_array(a, shape.blocks[i] / DIGESTS + 1, VERITY_BLOCK_BYTES);
		sha256_blocks(salt, VERITY_SALT_BYTES, levels[i], VERITY_BLOCK_BYTES,
			      shape.blocks[i], levels[i + 1]);
	}
	memcpy(v.root_hash, levels[shape.n_levels], sizeof(v.root_hash));
	super_add(a, &v, &v.hash);
	for (unsigned i = shape.n_levels; i-- > 0;)
		segments_add(a, &v.hash, levels[i], shape.blocks[i] * VERITY_BLOCK_BYTES);
	*ret = v;
	return 0;
}

static int super_check(const struct verity_disk_super *d, struct err *e)
{
	uint64_t data_blocks = le64toh(d->data_blocks);
	uint32_t version = le32toh(d->version), type = le32toh(d->hash_type),
		 salt_bytes = le16toh(d->salt_bytes);
	uint32_t data_bytes = le32toh(d->data_block_bytes),
		 hash_bytes = le32toh(d->hash_block_bytes);

	if (memcmp(d->signature, super_signature, sizeof(d->signature)) != 0)
		return err_set(e, -EBADMSG,
			       "no verity super block: it does not begin with 'verity'");
	if (version != 1 || type != 1)
		return err_set(
			e, -EBADMSG,
			"the verity super block has version %u and hash type %u, not 1 and 1",
			version, type);
	if (strncmp(d->algorithm, "sha256", sizeof(d->algorithm)) != 0)
		return err_set(e, -EBADMSG,
			       "the verity super block names the digest '%.32s', not 'sha256'",
			       d->algorithm);
	if (data_bytes != VERITY_BLOCK_BYTES || hash_bytes != VERITY_BLOCK_BYTES)
		return err_set(e, -EBADMSG,
			       "the verity super block has blocks of %u and %u bytes, not 4096",
			       data_bytes, hash_bytes);
	if (data_blocks == 0 || data_blocks > INT64_MAX / VERITY_BLOCK_BYTES)
		return err_set(e, -EBADMSG, "the verity super block is for %llu blocks of data",
			       (unsigned long long)data_blocks);
	if (salt_bytes > sizeof(d->salt))
		return err_set(e, -EBADMSG,
			       "the verity super block has a salt of %u bytes, more than 256",
			       salt_bytes);
	return 0;
}

int verity_super_parse(const uint8_t *p, size_t n, struct verity_super *ret, struct err *e)
{
	struct verity_super super = { 0 };
	struct verity_disk_super d;
	int r;

	if (n < sizeof(d))
		return err_set(e, -EBADMSG, "%zu bytes hold no verity super block of 512", n);
	memcpy(&d, p, sizeof(d));
	r = super_check(&d, e);
	if (r < 0)
		return r;
	super.data_blocks = le64toh(d.data_blocks);
	super.salt_bytes = le16toh(d.salt_bytes);
	memcpy(super.uuid, d.uuid, sizeof(super.uuid));
	memcpy(super.salt, d.salt, super.salt_bytes);
	*ret = super;
	return 0;
}

/* Whether @digests are what the level above says; fails with the first block that is not. */
static int digests_check(const uint8_t *digests, const uint8_t *want, uint64_t n, const char *of,
			 uint64_t first, struct err *e)
{
	for (uint64_t i = 0; i < n; i++) {
		unsigned long long block = first + i;

		if (memcmp(digests + i * SHA256_BYTES, want + i * SHA256_BYTES, SHA256_BYTES) != 0)
			return err_set(e, -EBADMSG,
				       "block %llu of the %s (byte %llu) differs from its digest",
				       block, of, block * VERITY_BLOCK_BYTES);
	}
	return 0;
}

/* From the root hash down, so that the blame is with the block that changed and not with the digest
 * above it. */
static int tree_check(struct arena *a, const struct shape *shape, const uint8_t *hash,
		      struct salt salt, const uint8_t **want, struct err *e)
{
	for (unsigned i = shape->n_levels; i-- > 0;) {
		const uint8_t *level = hash + shape->start[i] * VERITY_BLOCK_BYTES;
		uint8_t *digests = arena_array(a, shape->blocks[i], SHA256_BYTES);
		int r;

		sha256_blocks(salt.p, salt.n, level, VERITY_BLOCK_BYTES, shape->blocks[i], digests);
		r = digests_check(digests, *want, shape->blocks[i], "hash tree", shape->start[i],
				  e);
		if (r < 0)
			return r;
		*want = level;
	}
	return 0;
}

int verity_check(const uint8_t *data, size_t data_bytes, const uint8_t *hash, size_t hash_bytes,
		 const uint8_t root_hash[SHA256_BYTES], unsigned n_threads, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct segments segments = { 0 };
	struct verity_super super;
	const uint8_t *want = root_hash;
	uint8_t *digests;
	struct salt salt;
	struct shape shape;
	int r = verity_super_parse(hash, hash_bytes, &super, e);

	if (r < 0)
		return r;
	if (super.data_blocks > data_bytes / VERITY_BLOCK_BYTES)
		return err_set(e, -EBADMSG,
			       "the hash tree is for %llu blocks of data, there are %zu",
			       (unsigned long long)super.data_blocks,
			       data_bytes / VERITY_BLOCK_BYTES);
	shape = shape_of(super.data_blocks);
	if (shape.end > hash_bytes / VERITY_BLOCK_BYTES)
		return err_set(e, -EBADMSG, "the hash tree should have %llu blocks, there are %zu",
			       (unsigned long long)shape.end, hash_bytes / VERITY_BLOCK_BYTES);
	salt = (struct salt){ super.salt, super.salt_bytes };
	r = tree_check(&a, &shape, hash, salt, &want, e);
	if (r < 0)
		return r;
	segments_add(&a, &segments, data, super.data_blocks * VERITY_BLOCK_BYTES);
	r = leaves_hash(&a, &segments, super.data_blocks, salt, n_threads, &digests, e);
	return r < 0 ? r : digests_check(digests, want, super.data_blocks, "data", 0, e);
}

void verity_partition_uuids(const uint8_t root_hash[SHA256_BYTES], uint8_t ret_root[16],
			    uint8_t ret_verity[16])
{
	memcpy(ret_root, root_hash, 16);
	memcpy(ret_verity, root_hash + SHA256_BYTES - 16, 16);
}
