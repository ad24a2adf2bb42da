/* SPDX-License-Identifier: MIT */
/* universe.h - all packages that the upstreams have, put together from what is kept of each index.
 */
#pragma once

#include "image/definitions.h"
#include "image/resolve.h"
#include "upstream/upstream.h"

/* Each index of packages is read once and kept in CACHE/universe; one that is not there yet is
 * transferred and read. With what definitions change. Its bytes stay in @a. */
must_check int universe_get(struct arena *a, const struct image_options *o,
			    const vec_conf_upstream *upstreams, const struct upstream_state *states,
			    const struct definitions *d, struct universe **ret, struct err *e);
