/* SPDX-License-Identifier: MIT */
/* prune.h - folders that became empty because an image leaves files out. */
#pragma once

#include "tree/tree.h"

/* Removes what is empty below /usr/share where files of @packages stood; @left_out says of each
 * file of each package whether it stayed out of the tree. A folder that a package brings empty
 * stays, and so does one that says more than root:root 0755. Before generators. */
void prune_emptied(struct arena *a, struct tree *t, const struct rpm_package *packages,
		   bool *const *left_out, size_t n);
