/* SPDX-License-Identifier: MIT */
/* verity.h - dm-verity hash trees (Linux Documentation/admin-guide/device-mapper/verity.rst;
 * veritysetup's on-disk superblock version 1, hash type 1, SHA-256, 4096-byte blocks). */
#pragma once

#include "base/hash.h"
#include "disk/segment.h"

enum { VERITY_BLOCK_BYTES = 4096, VERITY_SALT_BYTES = 32, ROOT_HASH_BYTES = SHA256_BYTES };

struct verity {
	struct segments hash; /* the hash partition: superblock, then levels from the root down */
	uint8_t root_hash[SHA256_BYTES];
	uint64_t data_blocks;
	uint8_t uuid[16], salt[VERITY_SALT_BYTES];
};

/* The salt of all our hash trees. It is no secret, and being fixed costs no security: a salt makes
 * precomputed collisions useless against many images at once, which matters for digests that are
 * short, not for SHA-256; and the root hash is signed. It buys that a block's digest is the same in
 * every image, so that packs can keep it. */
void verity_salt(uint8_t ret[VERITY_SALT_BYTES]);

/* Builds the tree over @data (a multiple of 4096 bytes, not empty), leaves hashed on @n_threads
 * threads. Runs that know their leaves (segment.h) are not hashed again if @salt is verity_salt().
 */
must_check int verity_build(struct arena *a, const struct segments *data,
			    const uint8_t salt[VERITY_SALT_BYTES], const uint8_t uuid[16],
			    unsigned n_threads, struct verity *ret, struct err *e);

struct verity_super {
	uint64_t data_blocks;
	uint8_t uuid[16], salt[256];
	uint16_t salt_bytes;
};

/* Parses the superblock at the start of a hash partition. */
must_check int verity_super_parse(const uint8_t *p, size_t n, struct verity_super *ret,
				  struct err *e);
/* The block that holds @super, as verity_build() writes it: hash trees that differ in nothing that
 * matters could yet differ in what nobody reads. */
struct str verity_super_write(struct arena *a, const struct verity_super *super);
/* How long superblock and tree over so many blocks are. */
uint64_t verity_hash_bytes(uint64_t data_blocks);
/* Recomputes the whole tree over @data and compares: names the first differing block of data or of
 * the tree. */
must_check int verity_check(const uint8_t *data, size_t data_bytes, const uint8_t *hash,
			    size_t hash_bytes, const uint8_t root_hash[SHA256_BYTES],
			    unsigned n_threads, struct err *e);

/* The partition UUIDs that the Discoverable Partitions Specification derives from a root hash: its
 * first 128 bits for the root partition, its last 128 bits for the verity partition, as text-order
 * UUID bytes. */
void verity_partition_uuids(const uint8_t root_hash[SHA256_BYTES], uint8_t ret_root[16],
			    uint8_t ret_verity[16]);
