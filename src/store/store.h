/* SPDX-License-Identifier: MIT */
/* store.h - packages as packs and RPMs, each kept by what it was made from. */
#pragma once

#include "base/progress.h"
#include "rpm/rpmfile.h"
#include "store/maker.h"
#include "store/pack_cache.h"

/* Borrowed, unchanged. */
struct store_options {
	const char *cache;
	unsigned jobs;
	struct progress *progress;
	const struct openpgp_key *key; /* signs packages */
	struct erofs_compression how;  /* in which packs hold content */
};

struct stored_package {
	struct rpm_package package; /* its files' content lies in its pack */
	struct pack *pack;
	uint8_t sha256[SHA256_BYTES]; /* of the package file */
	const char *path;             /* of it in the cache */
};

struct store; /* owns the packages it gave */

struct store *store_new(const struct store_options *o);
void store_free(struct store *s);

/* Every package, in order. Its pack is opened where the cache has it; else cut from the cache's
 * RPM; else what it is made from is fetched and it is made, while others are still being fetched.
 * What is damaged in the cache is noted and made again. *ret lives until store_free(). */
must_check int store_get(struct store *s, const struct store_want *wants, size_t n,
			 struct stored_package **ret, struct err *e);
/* The bytes of the package file, checked: -ESTALE when the cache's file was damaged or is gone (it
 * is removed, so that the next try makes it again). Of a large one they are in *map, which the
 * caller unmaps (base/io.h). */
must_check int stored_rpm_read(struct arena *a, const struct stored_package *p, struct str *map,
			       struct str *ret, struct err *e);
/* The same of all before its payload (pack.h). */
must_check int stored_front_read(struct arena *a, const struct stored_package *p, struct str *ret,
				 struct err *e);

/* The recipes (pack_cache.h) of the packs that store_get() would look for, in order. */
struct str *store_recipes(struct arena *a, const struct store_options *o,
			  const struct store_want *wants, size_t n);
