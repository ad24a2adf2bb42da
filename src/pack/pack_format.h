/* SPDX-License-Identifier: MIT */
/* pack_format.h - what stands in a pack's file, for this folder only. All numbers are
 * little-endian.
 *
 * In this order, nothing between: the header in a block of its own; the blocks; of each block its
 * leaf; then, counted by the header, fragments, clusters, contents, files, tails, strings. Blocks
 * and clusters belong to contents, then fragments, in order, each to one; so do tails. What is
 * derived from an order needs no offset that could be wrong. */
#pragma once

#include <assert.h>
#include <endian.h>

#include "pack/pack.h"

enum {
	PACK_HEADER_BYTES = EROFS_BLOCK_BYTES,
	PACK_DIGEST_OFFSET = 16, /* in the header */
	PACK_DIGESTED_FROM = PACK_DIGEST_OFFSET + SHA256_BYTES,
	/* RPM's own limits (256 MiB of header) let a package need less */
	PACK_RECORDS_MAX = 1 << 22,
	PACK_TABLE_BYTES_MAX = 1 << 30, /* of tails, of strings */
};

#define PACK_MAGIC            "ashlpack"
#define PACK_BLOCKS_BYTES_MAX ((uint64_t)256 << 30)
#define PACK_NO_CONTENT       UINT32_MAX

/* A slice of the strings. */
struct pack_disk_str {
	uint32_t offset, n_bytes;
} __attribute__((packed));

struct pack_disk_header {
	uint8_t magic[8];
	uint32_t version, codec;
	uint8_t sha256[SHA256_BYTES]; /* of the rest of this block and all behind the blocks */
	uint32_t n_blocks, n_fragments, n_clusters, n_contents, n_files;
	uint32_t tails_bytes, strings_bytes, rpm_front_bytes;
	struct pack_disk_str recipe, name, version_of, release, arch, license, claims;
	uint64_t epoch, build_time_sec, rpm_bytes;
	uint8_t rpm_sha256[SHA256_BYTES], rpm_front_sha256[SHA256_BYTES];
} __attribute__((packed));
static_assert(sizeof(struct pack_disk_header) == 224, "header");
static_assert(offsetof(struct pack_disk_header, sha256) == PACK_DIGEST_OFFSET, "header");

struct pack_disk_cluster {
	uint32_t n_bytes;
	uint16_t n_blocks, plain;
} __attribute__((packed));
static_assert(sizeof(struct pack_disk_cluster) == 8, "cluster");

struct pack_disk_content {
	uint64_t size_bytes;
	uint8_t sha256[SHA256_BYTES];
	uint32_t n_clusters, fragment, fragment_offset, tail_bytes;
} __attribute__((packed));
static_assert(sizeof(struct pack_disk_content) == 56, "content");

/* .xattrs: words "NAME=VALUE", both hexadecimal, as one may hold any byte. */
struct pack_disk_file {
	struct pack_disk_str path, target, user, group, xattrs, lang;
	uint64_t mtime_sec, size_bytes;
	uint32_t mode, flags, rdev_major, rdev_minor, link_group;
	uint32_t content; /* or PACK_NO_CONTENT */
} __attribute__((packed));
static_assert(sizeof(struct pack_disk_file) == 88, "file");
