/* SPDX-License-Identifier: MIT */
/* suites.h - an archive's suites: their signed release files, fetched, verified and kept. */
#pragma once

#include "upstream/ops.h"

struct debian_suite {
	struct str name;
	struct str mirror_url; /* resolved: not "system", without a login and a trailing '/' */
	struct str url;  /* of the folder of its release file: MIRROR/dists/NAME, or, of a flat
			    repository, MIRROR/NAME; without a trailing '/' */
	struct str text; /* the signed text; empty: not known yet */
	struct suite_fetch *fetch;
};

/* upstream_state's `own`. */
struct debian_suites {
	struct debian_suite *p;
	size_t n;
};

/* Of upstream_ops. */
must_check int suites_begin(struct arena *a, struct upstream_state *s, vec_auth *auth,
			    struct err *e);
must_check int suites_ask(struct arena *a, struct upstream_state *s, vec_fetch *ret, struct err *e);
must_check int suites_end(struct upstream_state *s, const struct apt_conf *apt,
			  struct progress *progress, struct err *e);
