/* SPDX-License-Identifier: MIT */
/* segment.h - what every writer of a format produces: a list of runs of bytes, in order, without
 * gaps.
 *
 * A writer never writes. It plans, and yields runs that point into its own tables (in an arena) or
 * straight into the content it was given; so hashing and writing need no second copy. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

/* Whole blocks of 4096 bytes that lie in an open file, too, and whose digests in a hash tree are
 * known (with verity_salt()): the kernel can copy them, and only their check needs to hash them. */
struct segment_blocks {
	int fd;
	const uint8_t
		*data;  /* the whole file, mapped: what stands at data + n lies at n in the file */
	uint64_t first; /* where in the file the blocks begin */
	uint64_t n_blocks;
	const uint8_t *leaves; /* 32 bytes for each */
};

struct segment {
	const uint8_t *data; /* NULL: zeroes */
	uint64_t size_bytes;
	const struct segment_blocks
		*blocks; /* what @data points into, at a block's beginning; or NULL */
};

typedef VEC(struct segment) vec_segment;

struct segments {
	vec_segment v;
	uint64_t size_bytes; /* the sum */
};

/* Borrows @data. Runs of zeroes that follow each other become one, and so do runs that follow each
 * other in memory. */
void segments_add(struct arena *a, struct segments *s, const void *data, uint64_t size_bytes);
/* The same for whole blocks of @blocks. */
void segments_add_blocks(struct arena *a, struct segments *s, const struct segment_blocks *blocks,
			 const uint8_t *data, uint64_t size_bytes);
void segments_zero(struct arena *a, struct segments *s, uint64_t size_bytes);
/* Zeroes up to the next multiple of @align. */
void segments_align(struct arena *a, struct segments *s, uint64_t align);
/* Appends all of @more. */
void segments_append(struct arena *a, struct segments *s, const struct segments *more);
/* Without runs of zeroes: what it takes on a file system that knows holes. */
uint64_t segments_stored(const struct segments *s);
/* Copies @n bytes from @offset, zeroes beyond the end. */
void segments_read(const struct segments *s, uint64_t offset, void *ret, size_t n);
/* All of it as one run of bytes (for tests and small things). */
uint8_t *segments_flatten(struct arena *a, const struct segments *s);
