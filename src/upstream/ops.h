/* SPDX-License-Identifier: MIT */
/* ops.h - what a type of upstream does for upstream.h: one table a type, chosen by the definition's
 * `type`. Another kind of repository is another folder beside debian/ with such a table, and a line
 * in upstream.c. */
#pragma once

#include "upstream/fetch.h"
#include "upstream/upstream.h"

typedef VEC(struct fetch *) vec_fetch;

struct upstream_ops {
	/* Fills s->own from the definition (s->conf) and from what the cache holds of last time;
	 * nothing is fetched. Adds the logins of its mirrors to @auth. */
	int (*begin)(struct arena *a, struct upstream_state *s, vec_auth *auth, struct err *e);
	/* Appends what is to be fetched now to @ret. Called again when that came, until it appends
	 * nothing: so signed files may say what else there is to fetch, and those of all upstreams
	 * come together. Takes in what came before; fails when that is not to be believed. */
	int (*ask)(struct arena *a, struct upstream_state *s, vec_fetch *ret, struct err *e);
	/* Says whether all is there and valid today, and fills s->digest and s->time_sec. @apt:
	 * NULL when nobody was asked. */
	int (*end)(struct upstream_state *s, const struct apt_conf *apt, struct progress *progress,
		   struct err *e);
	/* upstream_indexes() */
	int (*indexes)(struct arena *a, const struct upstream_state *s, vec_upstream_index *ret,
		       struct err *e);
	/* upstream_index_read(); the digest of @bytes was checked. */
	int (*index_read)(const struct upstream_state *s, const struct upstream_index *index,
			  struct str bytes, unsigned jobs, upstream_take take, void *arg,
			  struct err *e);
	/* upstream_convert() */
	int (*convert)(struct arena *a, struct str bytes, const struct rpm_meta *meta,
		       const struct conf_package *conf, const struct conf_upstream *upstream,
		       struct rpm_package *ret, struct err *e);
	unsigned convert_version;
};
