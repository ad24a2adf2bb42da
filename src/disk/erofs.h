/* SPDX-License-Identifier: MIT */
/* erofs.h - the EROFS file system (Linux Documentation/filesystems/erofs.rst, fs/erofs/erofs_fs.h):
 * writer, reader. */
#pragma once

#include "base/str.h"
#include "disk/segment.h"

enum { EROFS_BLOCK_BYTES = 4096 };

struct erofs_xattr {
	struct str name; /* with its prefix: "security.capability", "user.x" */
	struct str value;
};

struct erofs_dirent {
	struct str name;
	uint32_t inode; /* index into erofs_input.inodes */
};

/* One inode. Hard links are several directory entries with one index. */
struct erofs_inode {
	uint32_t mode; /* with the file type, as st_mode */
	uint32_t uid, gid;
	uint64_t mtime_sec;
	uint64_t rdev;   /* character and block devices: makedev() */
	struct str data; /* file content, or symbolic link target; borrowed */
	const struct erofs_xattr *xattrs;
	size_t n_xattrs;
	const struct erofs_dirent *entries; /* directories: without "." and "..", in any order */
	size_t n_entries;
};

struct erofs_input {
	const struct erofs_inode *inodes; /* [0] is the root directory */
	size_t n_inodes;
	uint64_t build_time_sec;
	uint8_t uuid[16];
	const char *volume_name; /* at most 15 bytes, or NULL */
};

/* Lays out an uncompressed image, extended inodes (so that every mtime is kept), tails inlined
 * where they fit, in canonical order: the same input gives the same bytes. The size is a multiple
 * of 4096. *ret borrows the input's contents. Fails with -EINVAL, naming the entry, on a name that
 * is empty, ".", "..", contains '/' or NUL, is longer than 255 bytes or stands twice in one
 * directory; on an unknown xattr prefix; on an inode no directory names; on a directory that two
 * name; on what EROFS or Linux cannot hold (device numbers, link targets and xattrs too large). */
must_check int erofs_write(struct arena *a, const struct erofs_input *in, struct segments *ret,
			   struct err *e);

/* Reader of what erofs_write() makes (and of any uncompressed EROFS with 4 KiB blocks): parses and
 * checks all metadata of @image, hostile bytes included. Names, data and xattrs borrow from @image
 * where contiguous (a tail-packed file is copied into @a). Ordered as the directory tree is walked,
 * names sorted. */
must_check int erofs_read(struct arena *a, const uint8_t *image, size_t n, struct erofs_input *ret,
			  struct err *e);
