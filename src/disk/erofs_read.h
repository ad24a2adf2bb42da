/* SPDX-License-Identifier: MIT */
/* erofs_read.h - what the parts of the reader share (erofs_read*.c). */
#pragma once

#include "base/rd.h"
#include "disk/erofs.h"
#include "disk/erofs_format.h"

struct found {
	uint64_t nid, parent_nid;
	uint64_t at; /* where what follows the inode stands: xattrs, then the tail or the index */
	uint64_t size_bytes;
	uint32_t n_links, n_links_seen, start_block;
	uint16_t xattr_count;
	uint8_t layout;
};

struct reader {
	struct arena *a;
	const uint8_t *image;
	uint64_t n, meta_at, xattr_at, claimed;
	uint64_t root_nid, packed_nid, epoch_sec;
	uint32_t *index; /* nid -> its place in the two vectors + 1 */
	VEC(struct erofs_inode) inodes;
	VEC(struct found) found;

	enum erofs_codec codec;
	VEC(struct erofs_fragment) fragments;
	VEC(uint64_t) fragment_at; /* where in the packed inode each begins */
	struct map shared;         /* first block of content -> its place in the next + 1 */
	VEC(const struct erofs_content *) contents;
};

static inline int damage(const struct found *f, struct err *e, const char *what)
{
	return err_set(e, -EBADMSG, "inode %llu: %s", (unsigned long long)f->nid, what);
}

/* What is read of an image, all inodes together, is no more than the image: so time and memory stay
 * within a constant times its size. */
must_check int erofs_claim(struct reader *r, uint64_t nid, uint64_t n, struct err *e);

/* erofs_read_content.c: content of a regular file, or NULL where all of it stands beside the inode.
 */
must_check int erofs_file_content(struct reader *r, const struct found *f,
				  const struct erofs_content **ret, struct err *e);
/* Fills .fragments out of the packed inode. */
must_check int erofs_packed_read(struct reader *r, const struct found *f, struct err *e);
