/* SPDX-License-Identifier: MIT */
/* disks.h - the disks and partitions that the kernel has found, as sysfs shows them. */
#pragma once

#include "base/str.h"

struct disk_partition {
	struct str name;  /* "vda2" */
	struct str devno; /* "253:2" */
	uint8_t type[16], uuid[16];
	uint64_t size_bytes;
};

typedef VEC(struct disk_partition) vec_disk_partition;

struct disk {
	struct str name; /* "vda" */
	uint64_t size_bytes;
	vec_disk_partition parts; /* those of its table that the kernel made devices for */
	struct str problem;       /* why there are none, or why the backup of the table was taken */
};

typedef VEC(struct disk) vec_disk;

/* All disks that are not empty, by name. @sys and @dev: "/sys" and "/dev". */
must_check int disks_scan(struct arena *a, const char *sys, const char *dev, vec_disk *ret,
			  struct err *e);

/* The first disk that has both partitions: a copy of one half on another disk is no substitute, so
 * that a root and its hashes come, go and are replaced together. NULL when there is none. */
const struct disk *disks_find(const vec_disk *disks, const uint8_t root[16],
			      const uint8_t verity[16]);
/* The disk's partition with this UUID, or NULL. */
const struct disk_partition *disk_partition_find(const struct disk *disk, const uint8_t uuid[16]);
/* A copy that outlives the scan's arena. */
struct disk disk_dup(struct arena *a, const struct disk *disk);

/* "vda (8192 MiB): vda1 UUID, vda2 UUID; sda (1024 MiB): no GUID partition table"; "no disk at
 * all". */
struct str disks_text(struct arena *a, const vec_disk *disks);
