/* SPDX-License-Identifier: MIT */
/* container.h - the ways to lay a payload: each gives one file's bytes, as runs into the payload
 * and into tables of its own. Nothing is written, copied or hashed. */
#pragma once

#include "artifact/payload.h"
#include "base/progress.h"
#include "disk/gpt.h"

/* The file, and what a manifest tells of it. */
struct laid {
	struct segments bytes;
	uint64_t stored_bytes; /* segments_stored() */
	uint8_t disk_uuid[16];
	const struct gpt_partition *partitions; /* none: this is no disk */
	size_t n_partitions;
};

struct container {
	const char *name;   /* "raw" */
	const char *suffix; /* of the file: ".raw" */
	int (*lay)(struct arena *a, const struct payload *p, struct laid *ret, struct err *e);
};

/* A disk with a GUID partition table: ESP, root, root-verity, root-verity-sig. All identifiers
 * derive from the root hash. */
extern const struct container container_raw;

/* Writes the whole file to @fd, leaving holes for zeroes. @name is what messages call it. */
must_check int laid_write(const struct laid *laid, int fd, const char *name,
			  struct progress *progress, unsigned stage, struct err *e);
