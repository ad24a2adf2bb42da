/* SPDX-License-Identifier: MIT */
/* erofs_format.h - what stands on the disk (Linux fs/erofs/erofs_fs.h), for erofs_write.c and
 * erofs_read.c only. All numbers are little-endian. */
#pragma once

#include <assert.h>
#include <endian.h>
#include <stdbool.h>

#include "base/str.h"

#define EROFS_MAGIC    0xe0f5e1e2u
#define EROFS_NO_BLOCK 0xffffffffu /* start_block of an inode that has no blocks of its own */

enum {
	EROFS_SUPER_OFFSET = 1024,
	EROFS_BLOCK_BITS = 12,
	EROFS_SLOT_BYTES = 32, /* an inode number ("nid") counts these from meta_block on */
	EROFS_NAME_BYTES_MAX = 255,
	EROFS_SYMLINK_BYTES_MAX =
		4095, /* PATH_MAX with its NUL; the kernel reads no more than a page */
	EROFS_XATTR_VALUE_BYTES_MAX = UINT16_MAX,

	EROFS_COMPAT_CHECKSUM = 1,
	EROFS_COMPAT_MTIME = 2,      /* times are those of modification, not of change */
	EROFS_INCOMPAT_PADDING = 1,  /* zeroes in front of compressed bytes. Says nothing about
					uncompressed files, yet old mkfs.erofs sets it */
	EROFS_INCOMPAT_CLUSTERS = 2, /* of several blocks; and records behind the super block */
	EROFS_INCOMPAT_FRAGMENTS = 32,
};

struct erofs_disk_super {
	uint32_t magic, checksum, compat;
	uint8_t block_bits, n_slots;
	uint16_t root_nid;
	uint64_t n_inodes, epoch_sec;
	uint32_t epoch_nsec, blocks, meta_block, xattr_block;
	uint8_t uuid[16];
	char volume_name[16];
	uint32_t incompat;
	uint16_t compression, n_devices, device_slot;
	uint8_t dir_block_bits, n_xattr_prefixes;
	uint32_t xattr_prefix_start;
	uint64_t packed_nid;
	uint8_t xattr_filter, reserved[3];
	uint32_t build_sec; /* after the epoch; since Linux 6.15 */
	uint8_t reserved2[16];
} __attribute__((packed));
static_assert(sizeof(struct erofs_disk_super) == 128, "super block");

/* Bit 0 of an inode's format is its version, bits 1 to 3 the layout of its data. */
enum { EROFS_FORMAT_EXTENDED = 1, EROFS_FORMAT_LAYOUT_SHIFT = 1, EROFS_FORMAT_ALL = 0xf };
enum { EROFS_LAYOUT_PLAIN = 0, EROFS_LAYOUT_COMPRESSED = 1, EROFS_LAYOUT_INLINE = 2 };

struct erofs_disk_compact {
	uint16_t format, xattr_count, mode, n_links;
	uint32_t size_bytes, mtime_sec;
	uint32_t start_block_or_device, ino;
	uint16_t uid, gid;
	uint32_t reserved;
} __attribute__((packed));
static_assert(sizeof(struct erofs_disk_compact) == 32, "compact inode");

struct erofs_disk_inode {
	uint16_t format, xattr_count, mode, reserved;
	uint64_t size_bytes;
	uint32_t start_block_or_device, ino, uid, gid;
	uint64_t mtime_sec;
	uint32_t mtime_nsec, n_links;
	uint8_t reserved2[16];
} __attribute__((packed));
static_assert(sizeof(struct erofs_disk_inode) == 64, "extended inode");

/* Follows the inode when its xattr_count c is not 0; header and entries together are 12 + 4 * (c -
 * 1) bytes. */
struct erofs_disk_xattrs {
	uint32_t filter;
	uint8_t n_shared, reserved[7];
} __attribute__((packed));
static_assert(sizeof(struct erofs_disk_xattrs) == 12, "header of the xattrs");

/* Name without its prefix and value follow, then zeroes up to a multiple of 4. */
struct erofs_disk_xattr {
	uint8_t name_bytes, prefix;
	uint16_t value_bytes;
} __attribute__((packed));
static_assert(sizeof(struct erofs_disk_xattr) == 4, "xattr");

/* A block of a directory: all its dirents, then all its names. The first name_offset thus tells how
 * many. */
struct erofs_disk_dirent {
	uint64_t nid;
	uint16_t name_offset;
	uint8_t type, reserved;
} __attribute__((packed));
static_assert(sizeof(struct erofs_disk_dirent) == 12, "directory entry");

/* Stands behind inode and xattrs of compressed content, at a multiple of 8. Alone, with bit 63
 * set, it says where in the packed inode all of the content stands. */
struct erofs_disk_index {
	uint32_t fragment_offset; /* its lower half; the upper is where a block would stand */
	uint16_t advice;
	uint8_t algorithms, cluster_bits;
} __attribute__((packed));
static_assert(sizeof(struct erofs_disk_index) == 8, "header of an index");

enum {
	EROFS_INDEX_ALIGN = 8,
	EROFS_INDEX_GAP = 8,      /* between header and entries, for historical reasons */
	EROFS_INDEX_CLUSTERS = 2, /* advice: of several blocks */
	EROFS_INDEX_FRAGMENT = 32,
	EROFS_INDEX_WHOLE_BIT = 63,
};

/* For every 4 KiB of content. */
struct erofs_disk_lcluster {
	uint16_t type, offset;
	union {
		uint32_t block;       /* plain, head: of the cluster that begins here */
		uint16_t distance[2]; /* others: back to the head, on to the next */
	};
} __attribute__((packed));
static_assert(sizeof(struct erofs_disk_lcluster) == 8, "entry of an index");

enum { EROFS_LCLUSTER_PLAIN = 0, EROFS_LCLUSTER_HEAD = 1, EROFS_LCLUSTER_OTHER = 2 };
/* In distance[0] behind a head: the rest of it counts the blocks on the disk. */
enum { EROFS_LCLUSTER_BLOCKS = 1 << 11 };

/* Numbers of algorithms, and the record of each behind the super block: its length, then it. */
enum { EROFS_ALGORITHM_LZ4 = 0, EROFS_ALGORITHM_ZSTD = 3, EROFS_COMPRESSION_BYTES_MAX = 16 };

struct erofs_disk_lz4 {
	uint16_t record_bytes, distance_max, cluster_blocks_max;
	uint8_t reserved[10];
} __attribute__((packed));
static_assert(sizeof(struct erofs_disk_lz4) == 16, "LZ4's record");

struct erofs_disk_zstd {
	uint16_t record_bytes;
	uint8_t format, window_log; /* less 10 */
	uint8_t reserved[4];
} __attribute__((packed));
static_assert(sizeof(struct erofs_disk_zstd) == 8, "zstd's record");

struct erofs_xattr_prefix {
	uint8_t id;
	bool whole; /* the prefix is all of the name */
	struct str text;
};

/* Ends with id 0. */
extern const struct erofs_xattr_prefix erofs_xattr_prefixes[];

/* The type in a directory entry for a mode, 0 for no valid mode. */
uint8_t erofs_file_type(uint32_t mode);
/* CRC-32C as the kernel computes it for the super block, over the rest of its file system block.
 * The stored checksum counts as zero. */
uint32_t erofs_checksum(const uint8_t block[static 4096]);
