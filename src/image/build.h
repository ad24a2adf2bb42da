/* SPDX-License-Identifier: MIT */
/* build.h - the whole way from a definition to a disk image. */
#pragma once

#include "image/plan.h"

struct image_summary {
	struct image_plan plan;
	size_t n_packages;
	uint64_t files_bytes;
	struct str version, path; /* of the image */
};

/* Writes OUT/NAME-ARCH.raw, .manifest.json, .lock and .repository; each appears complete or not at
 * all, and none of them when anything fails. @dry_run: stops at the plan. */
must_check int image_build(struct arena *a, const struct image_options *o, bool dry_run,
			   struct image_summary *ret, struct err *e);
