/* SPDX-License-Identifier: MIT */
/* definitions.h - what distro/packages says about each package. */
#pragma once

#include "conf/conf.h"
#include "store/recipe.h"

/* All of them: few enough (one for each package that needs one) to read them at once. */
struct definitions {
	struct map by_name;
	VEC(struct conf_package) confs;
};

must_check int definitions_read(struct arena *a, const char *distro, struct definitions *ret,
				struct err *e);
/* Of a package; one that says nothing where there is none. */
const struct conf_package *definition_of(const struct definitions *d, struct str name);
/* All that they say to meta_apply(). */
void definitions_recipe(struct recipe *r, const struct definitions *d);
/* The names of packages about which they say something to it. */
vec_str definitions_with_effects(struct arena *a, const struct definitions *d);
