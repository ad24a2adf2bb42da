/* SPDX-License-Identifier: MIT */
/* module_index.h - the binary indexes that modprobe and udev search (kmod's format 2.1, "modules.*.bin"): a radix tree, all
 * numbers big-endian. */
#pragma once

#include "base/str.h"

struct module_index_entry {
	struct str key, value;
};

/* Sorts @entries by key (equal keys stay in the given order) and returns the index's bytes. */
struct str module_index_write(struct arena *a, struct module_index_entry *entries, size_t n);
