/* SPDX-License-Identifier: MIT */
/* verify.h - checks a finished image without booting it: what firmware, kernel and init would
 * check, and more. */
#pragma once

#include "base/str.h"

struct verify_report {
	uint8_t root_hash[32];
	size_t n_partitions, n_inodes;
	struct str uki; /* path on the ESP */
};

/* Both partition tables, the ESP and every file on it, the UKI and its root hash, the partition
 * UUIDs that it implies, the whole verity tree, the whole EROFS structure. Names the first thing
 * that is wrong. */
must_check int image_verify(struct arena *a, struct str image, unsigned jobs,
			    struct verify_report *ret, struct err *e);
