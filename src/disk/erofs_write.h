/* SPDX-License-Identifier: MIT */
/* erofs_write.h - what the passes of the writer share (erofs_write*.c). */
#pragma once

#include "disk/erofs.h"
#include "disk/erofs_format.h"

struct node {
	struct str name; /* the first by which it is found */
	uint32_t parent, ino, n_links;
	uint32_t head_bytes;  /* inode and xattrs */
	uint32_t index_bytes; /* of compressed content, behind the head at a multiple of 8 */
	uint32_t tail_bytes;  /* of the content, inlined behind the head */
	uint32_t next;        /* the inode behind this one in its metadata block */
	uint32_t start_block; /* of the content before the tail */
	uint32_t leader;      /* the first inode with the same .content: has its blocks */
	bool spills;          /* the tail does not fit into a leader's follower: it gets a block */
	uint64_t nid, size_bytes;
	struct erofs_dirent *entries; /* of a directory: sorted, dots included */
	size_t n_entries;
	struct xattr *xattrs;   /* sorted */
	uint32_t *shared;       /* of each: place in the table, in units of 4 bytes */
	const uint8_t *content; /* a directory's blocks */
};

/* A block of metadata. Free space is at its end. */
struct meta_block {
	uint32_t first, last; /* inodes that begin in it, by offset */
	uint32_t next_open;   /* the next block with as much free space */
};

enum { NOT_SHARED = UINT32_MAX };

enum { EROFS_BLOCK_SLOTS = EROFS_BLOCK_BYTES / EROFS_SLOT_BYTES };

struct writer {
	struct arena *a;
	const struct erofs_input *in;
	struct node *nodes; /* of the inodes, then of the packed inode */
	uint32_t *order; /* directories before what is in them, names sorted: numbers of inodes */
	size_t n_order;

	struct erofs_inode packed; /* all fragments, one behind the other */
	struct erofs_content packed_content;
	uint64_t *fragment_at;       /* where in it each begins */
	bool compressed;             /* something is */
	uint16_t cluster_blocks_max; /* of compressed clusters */

	VEC(struct meta_block) blocks;
	uint32_t open[EROFS_BLOCK_SLOTS + 1]; /* by free slots: blocks, the youngest first */

	struct buf xattrs;    /* the table of those that several inodes have */
	uint32_t xattr_block; /* where it stands; 0: there is none */

	struct segments meta, data;
	uint8_t *bytes; /* of the metadata, but for tails of files */
	size_t n_bytes, n_bytes_max, n_file_tail_bytes;
};

static inline const struct erofs_inode *inode_of(const struct writer *w, const struct node *node)
{
	size_t id = (size_t)(node - w->nodes);

	return id < w->in->n_inodes ? &w->in->inodes[id] : &w->packed;
}

/* erofs_write_walk.c: checks and measures all, fills .order. */
must_check int erofs_walk(struct writer *w, struct err *e);
/* "'/usr/bin/ls': WHAT" */
must_check int erofs_node_err(const struct writer *w, uint32_t id, struct err *e, const char *what);
/* erofs_write_xattr.c: checks and sorts the xattrs of an inode: fills .xattrs. */
must_check int erofs_xattrs_check(struct writer *w, uint32_t id, struct err *e);
/* Once all are known: the table of shared ones, and what each inode's take (.head_bytes). */
must_check int erofs_xattrs_measure(struct writer *w, struct err *e);
/* One xattr as it stands on the disk, padded. */
void erofs_xattr_put(struct buf *b, const struct xattr *x);
/* The prefix of a valid xattr's name. */
const struct erofs_xattr_prefix *erofs_xattr_prefix(struct str name);
/* The end of the run of entries from @start that share a block, and what they take of it. A dirent
 * stands with its name in one block. */
size_t erofs_dir_block_end(const struct node *dir, size_t start, size_t *ret_used);

/* erofs_write_z.c: fills .packed and what belongs to it. */
must_check int erofs_packed_make(struct writer *w, struct err *e);
/* What is wrong with cut content, or NULL; measures it. */
const char *erofs_content_flaw(struct writer *w, const struct erofs_content *c, struct node *ret);
/* The index of compressed content: .index_bytes of it. */
void erofs_index_fill(const struct writer *w, const struct node *node, uint8_t *ret);
/* What stands behind the super block when something is compressed. */
size_t erofs_compression_fill(const struct writer *w, struct erofs_disk_super *super,
			      uint8_t ret[EROFS_COMPRESSION_BYTES_MAX]);
