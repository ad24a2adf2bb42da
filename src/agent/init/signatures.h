/* SPDX-License-Identifier: MIT */
/* signatures.h - the signatures that lie on the disk beside the root. */
#pragma once

#include "agent/common/disks.h"
#include "agent/init/cmdline.h"

/* Not checked: that is the kernel's to do. */
struct signatures {
	struct str root_hash;  /* PKCS#7; empty: there is none for this root */
	struct str ipe_policy; /* PKCS#7; empty: none */
	struct str problem;    /* why there is no signature: "vda has no signature partition" */
};

/* The content of the first verity signature partition of @disk that is for @root_hash. @dev:
 * "/dev". */
void signatures_find(struct arena *a, const char *dev, const struct disk *disk,
		     const uint8_t root_hash[ROOT_HASH_BYTES], struct signatures *ret);
