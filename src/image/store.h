/* SPDX-License-Identifier: MIT */
/* store.h - the packages of an image as packs and RPMs, each kept by what it was made from. */
#pragma once

#include "image/resolve.h"
#include "pack/pack.h"
#include "rpm/rpmfile.h"

struct stored_package {
	struct rpm_package package; /* its files' content lies in its pack */
	struct pack *pack;
	uint8_t sha256[SHA256_BYTES]; /* of the package file */
	const char *path;             /* of it in the cache */
};

struct store; /* owns the packages it gave */

struct store *store_new(unsigned jobs);
void store_free(struct store *s);

/* How an image's content is stored: what its definition says, and the level and size of clusters
 * that docs/decisions/0017 measured. */
struct erofs_compression store_compression(const struct conf_image *image);

/* Every chosen package, in order. Its pack is opened where the cache has it; else cut from the
 * cache's RPM; else the package is fetched, converted and signed, while others are still being
 * fetched. What is damaged in the cache is noted and made again. *ret lives until store_free(). */
must_check int store_get(struct store *s, const struct image_options *o,
			 const struct resolved *resolved, const struct openpgp_key *key,
			 struct stored_package **ret, struct err *e);
/* The bytes of the package file, checked: -ESTALE when the cache's file was damaged or is gone (it
 * is removed, so that the next try makes it again). */
must_check int stored_rpm_read(struct arena *a, const struct stored_package *p, struct str *ret,
			       struct err *e);

/* The recipes (pack.h) of the packs that store_get() would look for, in order. */
struct str *store_recipes(struct arena *a, const struct resolved *res,
			  const struct openpgp_key *key);
