/* SPDX-License-Identifier: MIT */
/* pack_cache.h - the packs of a cache: CACHE/packs/KEY.pack. Safe for several builds at once, and
 * against being killed: a pack appears whole or not at all, and one that is damaged is made again.
 */
#pragma once

#include "pack/pack.h"
#include "store/recipe.h"

/* Of the pack of what @content makes: "pack package bash", all lines of that, then codec, level,
 * cluster size. */
struct str pack_recipe(struct arena *a, const struct recipe *content,
		       const struct erofs_compression *how);
/* What it is of: "package bash". */
struct str pack_recipe_what(struct str recipe);

/* "CACHE/packs/KEY.pack" */
char *pack_cache_path(struct arena *a, const char *cache, struct str recipe);
/* The pack made from @recipe, opened, and marked as used now. A damaged one is removed: -EBADMSG
 * says what was wrong; -ENOENT when there is none. */
must_check int pack_cache_get(struct arena *a, const char *cache, struct str recipe,
			      struct pack **ret, struct err *e);
must_check int pack_cache_put(struct arena *a, const char *cache, struct str recipe,
			      const struct segments *bytes, struct pack **ret, struct err *e);
