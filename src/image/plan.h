/* SPDX-License-Identifier: MIT */
/* plan.h - an image before it is written: what it holds, and how that is laid. */
#pragma once

#include "artifact/container.h"
#include "artifact/signatures.h"

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

/* One line a partition: what `ashlar build --dry-run` prints. */
struct str image_plan_dump(struct arena *a, const struct image_plan *plan);
