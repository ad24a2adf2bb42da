/* SPDX-License-Identifier: MIT */
/* refresh.h - asks the upstreams for news in a thread, while a build goes on with what the cache
 * knows. */
#pragma once

#include "image/resolve.h"
#include "upstream/upstream.h"

/* Never NULL. Borrows @o and the entries of @upstreams. */
struct refresh *refresh_begin(const struct image_options *o, const vec_conf_upstream *upstreams);
/* Waits for the answer: one state for each upstream, which lasts until refresh_end(). */
must_check int refresh_wait(struct refresh *f, const struct upstream_state **ret, struct err *e);
/* Waits, too: whatever is on its way ends first. NULL is fine. */
void refresh_end(struct refresh *f);
