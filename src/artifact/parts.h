/* SPDX-License-Identifier: MIT */
/* parts.h - a finished image taken apart: where each thing lies in its bytes. Checks structure and
 * bounds, not content. */
#pragma once

#include "base/hash.h"
#include "disk/fat.h"
#include "disk/gpt.h"
#include "disk/pe.h"

/* In the order in which they lie on the disk. */
enum image_partition {
	PARTITION_ESP,
	PARTITION_ROOT,
	PARTITION_VERITY,
	PARTITION_VERITY_SIG,
	IMAGE_PARTITIONS
};

struct image_parts {
	struct gpt gpt;
	const struct gpt_partition *partitions[IMAGE_PARTITIONS]; /* in gpt */
	struct str bytes[IMAGE_PARTITIONS];                       /* of each, in the image */
	struct fat_input esp;
	const struct fat_file *boot_loader, *uki; /* in esp */
	struct pe uki_pe;
	uint8_t root_hash[SHA256_BYTES]; /* of the UKI's command line */
	struct str ipe_template;         /* /ipe-policy of the UKI's initrd (policy.h) */
};

/* Finds one partition of parts->gpt, which was read from @image. */
must_check int image_partition_find(struct str image, struct image_parts *parts,
				    enum image_partition which, struct err *e);
/* Borrows @image. Names the first thing that is missing or damaged. */
must_check int image_parts_read(struct arena *a, struct str image, struct image_parts *ret,
				struct err *e);
