/* SPDX-License-Identifier: MIT */
/* universe.h - all packages that the upstreams have, put together from what is kept of each index.
 */
#pragma once

#include "image/definitions.h"
#include "image/resolve.h"
#include "upstream/upstream.h"

/* An index of packages, and what is kept of it is kept by. */
struct kept_index {
	const struct upstream_state *state;
	struct upstream_index index;
	struct recipe recipe;
};

typedef VEC(struct kept_index) vec_kept_index;

/* Those of all upstreams, in order. Nothing is fetched. Borrows @states. */
must_check int kept_indexes(struct arena *a, const vec_conf_upstream *upstreams,
			    const struct upstream_state *states, vec_kept_index *ret,
			    struct err *e);
/* Each index is read once and kept; one that is not there yet is transferred and read. With what
 * definitions change. Its bytes stay in @a. */
must_check int universe_get(struct arena *a, const struct image_options *o,
			    const vec_kept_index *indexes, const struct definitions *d,
			    struct universe **ret, struct err *e);
