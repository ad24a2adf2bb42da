/* SPDX-License-Identifier: MIT */
/* definitions.h - what distro/packages says about each package. */
#pragma once

#include "base/hash.h"
#include "conf/conf.h"

/* All of them: few enough (one for each package that needs one) to read them at once. */
struct definitions {
	struct map by_name;
	VEC(struct conf_package) confs;
	VEC(struct str) texts;
	uint8_t digest[SHA256_BYTES]; /* of upstreams.yaml and of what they say to meta_apply() */
};

must_check int definitions_read(struct arena *a, const char *distro, struct definitions *ret,
				struct err *e);
/* Of a package; one that says nothing where there is none. */
const struct conf_package *definition_of(const struct definitions *d, struct str name);
/* Its text; empty where there is none. */
struct str definition_text(const struct definitions *d, struct str name);
/* The names of packages whose definition says something to meta_apply(). */
vec_str definitions_with_effects(struct arena *a, const struct definitions *d);
/* A list in the text of a key: no two give the same. */
void definition_list_put(struct buf *b, const vec_str *list);
