/* SPDX-License-Identifier: MIT */
/* root_tree.h - the root file system of a finished image as a tree. */
#pragma once

#include "tree/tree_diff.h"

/* Contents are digests but for link targets and what tree_diff_reads(). All contents together may
 * take @max_bytes. Bytes are hostile. */
must_check int root_tree_read(struct arena *a, struct str bytes, uint64_t max_bytes,
			      struct tree *ret, struct err *e);
