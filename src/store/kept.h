/* SPDX-License-Identifier: MIT */
/* kept.h - bytes that a cache keeps with the recipe they were made from (packs have a form of their
 * own, package files are what they are). Safe for several builds at once and against being killed:
 * see pack_cache.h. */
#pragma once

#include "store/recipe.h"

/* What was kept of @recipe, in @a, marked as used now. What is damaged is
 * removed: -EBADMSG says what was wrong; -ENOENT when there is none. */
must_check int kept_get(struct arena *a, const char *cache, const struct recipe *recipe,
			struct str *ret, struct err *e);
/* Keeps @bytes, and of that kind no more than @n_kept in all: the least recently written go. */
must_check int kept_put(const char *cache, const struct recipe *recipe, struct str bytes,
			size_t n_kept, struct err *e);
/* The parser behind it: magic, version, both lengths, the digest of all that follows it. Borrows
 * @file. */
must_check int kept_parse(struct str file, struct str *ret_recipe, struct str *ret_bytes,
			  struct err *e);
/* The recipe of such a file, in @a; empty when it is none. The rest of it is not looked at. */
struct str kept_recipe(struct arena *a, const char *path);
/* Whether it is there, of that recipe and whole: -ENOENT, -EBADMSG. */
must_check int kept_check(struct arena *a, const char *path, struct str recipe, struct err *e);
