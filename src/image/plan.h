/* SPDX-License-Identifier: MIT */
/* plan.h - a disk before it is written: partitions, where they lie, and the runs of bytes they are
 * made of. */
#pragma once

#include "artifact/layout.h"
#include "artifact/signatures.h"
#include "base/json.h"
#include "disk/verity.h"
#include "image/assemble.h"

struct image_plan {
	struct image_layout layout;
	struct segments contents[IMAGE_PARTITIONS];
	uint64_t stored_bytes; /* without runs of zeroes: what it takes on a file system that knows
				  holes */
	uint8_t root_hash[SHA256_BYTES];
	struct str command_line, uki_name;
	struct boot_signed boot;
	uint64_t root_bytes, uki_bytes;
};

/* ESP (boot loader, UKI), root (EROFS), root-verity, root-verity-sig. All identifiers derive from
 * the root hash. What @signing does not sign is in ret->boot.pending. */
must_check int image_plan(struct arena *a, const struct image_options *o,
			  const struct resolved *res, const struct assembled *as, struct str initrd,
			  const struct signing *signing, struct image_plan *ret, struct err *e);
/* One line a partition: what `ashlar build --dry-run` prints. */
struct str image_plan_dump(struct arena *a, const struct image_plan *plan);
/* Writes the whole disk to @fd, leaving holes for zeroes. @name is what messages call it. */
must_check int image_plan_write(const struct image_plan *plan, int fd, const char *name,
				struct progress *progress, unsigned stage, struct err *e);
