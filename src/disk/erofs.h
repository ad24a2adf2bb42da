/* SPDX-License-Identifier: MIT */
/* erofs.h - the EROFS file system (Linux Documentation/filesystems/erofs.rst, fs/erofs/erofs_fs.h):
 * writer, reader. */
#pragma once

#include "base/str.h"
#include "disk/segment.h"
#include "disk/xattr.h"

enum { EROFS_BLOCK_BYTES = 4096 };

struct erofs_dirent {
	struct str name;
	uint32_t inode; /* index into erofs_input.inodes */
};

/* With what definitions, recipes and messages call them. Packs keep the numbers. */
#define EROFS_CODECS(X)               \
	X(EROFS_CODEC_NONE, "none")   \
	X(EROFS_CODEC_LZ4HC, "lz4hc") \
	X(EROFS_CODEC_ZSTD, "zstd")

#define EROFS_CODEC_ENUMERATOR(enumerator, name) enumerator,

enum erofs_codec { EROFS_CODECS(EROFS_CODEC_ENUMERATOR) EROFS_CODEC_COUNT };

const char *erofs_codec_name(enum erofs_codec codec);

/* How content is cut. The same content and the same of this (and of the codec's library:
 * erofs_codec_version()) give the same bytes. */
struct erofs_compression {
	enum erofs_codec codec;
	int level;
	uint32_t
		cluster_bytes; /* the largest physical cluster: a multiple of 4096, at most 1 MiB */
};

/* A physical cluster: whole blocks on the disk, one compressed stream, that hold so much content.
 */
struct erofs_cluster {
	uint32_t n_bytes;  /* of content: a multiple of 4096, but for a file's last cluster */
	uint16_t n_blocks; /* on the disk */
	bool plain;        /* stored as it is */
};

enum { EROFS_NO_FRAGMENT = UINT32_MAX };

/* Content of a regular file that was cut before (erofs_cut()). Either flat: @clusters is NULL,
 * @blocks has the bytes as they are but for @tail, which goes beside the inode. Or compressed:
 * @clusters, one behind the other, are what lies in @blocks; bytes beyond theirs (small files: all)
 * are in a fragment, a cluster that files share. */
struct erofs_content {
	uint64_t size_bytes;
	struct segment blocks; /* size_bytes 0: none */
	const struct erofs_cluster *clusters;
	uint32_t n_clusters;
	uint32_t fragment;        /* EROFS_NO_FRAGMENT, or index into a list of fragments, such as
				     erofs_input's */
	uint32_t fragment_offset; /* in its content */
	struct str tail;          /* of flat content */
};

/* A cluster of the packed inode. */
struct erofs_fragment {
	struct erofs_cluster cluster;
	struct segment blocks;
};

/* One inode. Hard links are several directory entries with one index. */
struct erofs_inode {
	uint32_t mode; /* with the file type, as st_mode */
	uint32_t uid, gid;
	uint64_t mtime_sec;
	uint64_t rdev;   /* character and block devices: makedev() */
	struct str data; /* file content, or symbolic link target; borrowed */
	/* instead of .data, for regular files; inodes that have the same pointer share the blocks
	 */
	const struct erofs_content *content;
	const struct xattr *xattrs;
	size_t n_xattrs;
	const struct erofs_dirent *entries; /* directories: without "." and "..", in any order */
	size_t n_entries;
};

enum { EROFS_VOLUME_NAME_MAX = 15 };

struct erofs_input {
	const struct erofs_inode *inodes; /* [0] is the root directory */
	size_t n_inodes;
	uint64_t build_time_sec;
	uint8_t uuid[16];
	const char *volume_name; /* at most EROFS_VOLUME_NAME_MAX bytes, or NULL */
	enum erofs_codec codec;  /* of all compressed content */
	const struct erofs_fragment *fragments;
	size_t n_fragments;
};

/* "zstd 1.5.4": part of the key of what was cut. */
struct str erofs_codec_version(struct arena *a, enum erofs_codec codec);

/* Cutting, which is the only step that compresses: what a pack does once for each package.
 *
 * erofs_cut() makes one content's clusters. What does not shrink comes out flat. *ret_bytes is
 * what belongs into blocks, in whole blocks; ret->blocks stays empty for the caller to fill in once
 * the bytes have their place. *ret_rest: how many bytes at the end belong into a fragment, because
 * alone they would leave most of a block empty; the caller places them (ret->fragment). */
must_check int erofs_cut(struct arena *a, struct str content, const struct erofs_compression *how,
			 struct erofs_content *ret, struct str *ret_bytes, uint32_t *ret_rest,
			 struct err *e);
/* One cluster out of @content (the rests of several files, one behind the other, at most
 * EROFS_FRAGMENT_BYTES): the bytes of its blocks. */
enum { EROFS_FRAGMENT_BYTES = 262144 };
must_check int erofs_cut_fragment(struct arena *a, struct str content,
				  const struct erofs_compression *how, struct erofs_cluster *ret,
				  struct str *ret_bytes, struct err *e);
/* The other way: content whole again, in @a. @fragments: what content->fragment counts. Bytes are
 * hostile. */
must_check int erofs_content_read(struct arena *a, enum erofs_codec codec,
				  const struct erofs_content *content,
				  const struct erofs_fragment *fragments, size_t n_fragments,
				  struct str *ret, struct err *e);

/* Lays out an image: content as it was cut, other files uncompressed; extended inodes (so that
 * every mtime is kept), tails inlined where they fit, in canonical order: the same input gives the
 * same bytes. The size is a multiple of 4096. *ret borrows the input's contents. Fails with
 * -EINVAL, naming the entry, on a name that is empty, ".", "..", contains '/' or NUL, is longer
 * than 255 bytes or stands twice in one directory; on an unknown xattr prefix; on an inode no
 * directory names; on a directory that two name; on what EROFS or Linux cannot hold (device
 * numbers, link targets and xattrs too large).
 *
 * Xattrs that several inodes have stand once, in a table.
 *
 * Order on the disk: metadata, that table, blocks of directories, blocks of files without content,
 * content in the order in which the inodes are given, fragments in theirs. */
must_check int erofs_write(struct arena *a, const struct erofs_input *in, struct segments *ret,
			   struct err *e);

/* Reader of what erofs_write() makes (and of other EROFS with 4 KiB blocks, flat files or full
 * compression indexes, LZ4 or zstd): parses and
 * checks all metadata of @image, hostile bytes included. Names, data and xattrs borrow from @image
 * where contiguous (a tail-packed file is copied into @a). Ordered as the directory tree is walked,
 * names sorted. */
must_check int erofs_read(struct arena *a, const uint8_t *image, size_t n, struct erofs_input *ret,
			  struct err *e);
