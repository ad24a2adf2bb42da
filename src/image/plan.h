/* SPDX-License-Identifier: MIT */
/* plan.h - an image before it is written: what it holds, and how that is laid. */
#pragma once

#include "artifact/container.h"
#include "artifact/signatures.h"
#include "image/assemble.h"

/* A file that the image is written to. */
struct planned_file {
	const struct container *container;
	struct laid laid;
};

struct image_plan {
	struct payload payload;
	struct str command_line;
	struct boot_signed boot;
	VEC(struct planned_file) files; /* the first is a disk, and what the manifest tells of */
};

/* What @signing does not sign is in ret->boot.pending. */
must_check int image_plan(struct arena *a, const struct image_options *o,
			  const struct resolved *res, const struct assembled *as, struct str initrd,
			  const struct signing *signing, struct image_plan *ret, struct err *e);
/* One line a partition: what `ashlar build --dry-run` prints. */
struct str image_plan_dump(struct arena *a, const struct image_plan *plan);
