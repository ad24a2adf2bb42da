/* SPDX-License-Identifier: MIT */
/* layout.h - where the partitions of an image lie, what they are called, and the tables that say
 * so. All of it follows from the root hash, the version and the sizes. */
#pragma once

#include "artifact/parts.h"
#include "base/arch.h"

struct image_layout {
	struct gpt_partition partitions[IMAGE_PARTITIONS];
	uint8_t disk_uuid[16];
	uint64_t size_bytes;        /* of the disk */
	struct str primary, backup; /* both copies of the partition table, at the disk's two ends */
};

/* @sizes: in bytes, multiples of a sector. The first partition starts at
 * 1 MiB, the others at multiples of 4 KiB, which is systemd-repart's grain, too; the disk has whole
 * MiB. */
must_check int image_layout(struct arena *a, const struct arch *arch, struct str version,
			    const uint8_t root_hash[SHA256_BYTES],
			    const uint64_t sizes[IMAGE_PARTITIONS], struct image_layout *ret,
			    struct err *e);
