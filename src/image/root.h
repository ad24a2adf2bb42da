/* SPDX-License-Identifier: MIT */
/* root.h - the root file system, laid from packs. */
#pragma once

#include "image/assemble.h"
#include "image/resolve.h"

/* Metadata anew in canonical order; content as its pack has it, pack by pack, and of the packs'
 * fragments those that a file needs. No byte is expanded or compressed. */
must_check int root_lay(struct arena *a, const struct image_options *o, const struct assembled *as,
			enum erofs_codec codec, struct segments *ret, struct err *e);
/* Hashes what lies in packs, on @jobs threads: nothing goes unchecked into what gets signed. All
 * damaged packs are removed: -ESTALE, and the next try makes them again. */
must_check int root_check(const struct assembled *as, const struct segments *root, unsigned jobs,
			  struct err *e);
