/* SPDX-License-Identifier: MIT */
/* module_index.h - the binary indexes that modprobe and udev search (kmod's format 2.1,
 * "modules.*.bin"): a radix tree, all numbers big-endian. */
#pragma once

#include "base/str.h"

struct module_index_entry {
	struct str key, value;
	uint32_t priority; /* of equal keys, the lowest is found first; of equal priorities, the
			      last entry */
	uint32_t number;   /* set by module_index_write() */
};

/* Sorts @entries and returns the index's bytes, which are those that depmod of kmod 34 writes. */
struct str module_index_write(struct arena *a, struct module_index_entry *entries, size_t n);
