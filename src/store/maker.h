/* SPDX-License-Identifier: MIT */
/* maker.h - ways to make a package. The store keeps what they make and asks them again only when
 * something changed that they named. */
#pragma once

#include "conf/conf.h"
#include "rpm/package.h"
#include "store/recipe.h"
#include "store/takeover.h"
#include "trust/openpgp.h"

struct maker;

/* A package that is wanted. Borrowed. */
struct store_want {
	const struct maker *maker;
	const struct rpm_meta *meta; /* as its upstream's index and the definitions have it */
	const struct conf_package *conf;
	const struct conf_upstream *upstream;
	const vec_taken *taken; /* its files that other packages take; NULL: none */
};

struct maker {
	enum recipe_kind kind;
	/* Writes down all that make() looks at. It must look at nothing else of @want. */
	void (*inputs)(struct recipe *r, const struct store_want *want);
	/* The package file, signed, from @source, which is the content of meta->location and
	 * checked. In @a. */
	int (*make)(struct arena *a, const struct store_want *want, struct str source,
		    const struct openpgp_key *key, struct str *ret, struct err *e);
};

/* An upstream's package into an RPM. */
extern const struct maker maker_conversion;
