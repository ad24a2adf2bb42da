/* SPDX-License-Identifier: MIT */
/* index.h - an index of packages in RPM's terms. */
#pragma once

#include "upstream/upstream.h"

/* Of the text that one part of an index is made of, at least: some 5,000 packages of Debian's. */
enum { INDEX_PART_BYTES = 4 << 20 };

/* Of upstream_ops. */
must_check int debian_index_read(const struct upstream_state *state,
				 const struct upstream_index *index, struct str bytes,
				 unsigned jobs, upstream_take take, void *arg, struct err *e);
