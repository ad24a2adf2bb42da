/* SPDX-License-Identifier: MIT */
/* partitions.h - the partition table of one disk, as far as finding a partition by its UUID goes
 * (UEFI 2.10, 5.3).
 *
 * Kernels before 6.13 do not tell a partition's UUID in sysfs, so the table is read again. The
 * kernel checked it (CRCs included) before it made the partition devices, and whatever a table
 * says, dm-verity decides; so here only memory is guarded. */
#pragma once

#include "base/str.h"

/* How much of a disk's start holds the table: sectors of 4096 bytes and 128 entries need 24 KiB. */
enum { PARTITIONS_BYTES = 64 << 10, PARTITIONS_MAX = 256 };

struct partition {
	uint32_t number;            /* from 1, as the kernel counts */
	uint8_t type[16], uuid[16]; /* in text order */
	uint64_t start_lba;
};

typedef VEC(struct partition) vec_partition;

/* @disk: the first @n bytes. @sector_bytes: the logical block size. */
must_check int partitions_parse(struct arena *a, const uint8_t *disk, size_t n,
				uint32_t sector_bytes, vec_partition *ret, struct err *e);
