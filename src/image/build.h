/* SPDX-License-Identifier: MIT */
/* build.h - the whole way from a definition to a disk image. */
#pragma once

#include "image/resolve.h"

struct image_summary {
	struct str plan; /* a line for each partition: what `ashlar build --dry-run` prints */
	uint8_t root_hash[SHA256_BYTES];
	size_t n_packages;
	uint64_t files_bytes, root_bytes;   /* of its files, and of the EROFS that holds them */
	uint64_t image_bytes, stored_bytes; /* of the disk, with its holes and without */
	struct str version, path;           /* of the image */
};

/* Writes OUT/NAME-ARCH.raw, .manifest.json, .lock and .repository. All are complete beside their
 * names before the first is put in place, each at once; what can fail then is a rename, and the
 * manifest, which comes last, tells whose image it is. Nothing else that fails changes any of them.
 * @dry_run: stops at the plan. */
must_check int image_build(struct arena *a, const struct image_options *o, bool dry_run,
			   struct image_summary *ret, struct err *e);
