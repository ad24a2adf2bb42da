/* SPDX-License-Identifier: MIT */
/* assemble.h - the file system of an image, and what starts it. */
#pragma once

#include "tree/tree.h"

struct image_kernel {
	struct str version; /* a folder in /usr/lib/modules */
	struct str image, initrd;
};

struct assembled {
	struct tree tree;
	uint64_t source_date_epoch; /* the newest build time of its packages: the clock of
				       everything that is made */
	struct str version;         /* IMAGE_VERSION: RELEASE.YYYYMMDD of that clock */
	/* From the packages, whether or not they stay in the tree. */
	VEC(struct image_kernel) kernels; /* the first is started */
	struct str stub, boot_loader;
	struct str os_release;
	uint64_t files_bytes; /* sum of the sizes of files in the tree */
};
