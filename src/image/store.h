/* SPDX-License-Identifier: MIT */
/* store.h - converted packages, kept by the digest of what they were made from. */
#pragma once

#include "image/resolve.h"
#include "rpm/rpmfile.h"

struct stored_package {
	struct rpm_package package;
	struct str rpm;               /* the package file's bytes */
	uint8_t sha256[SHA256_BYTES]; /* of them */
	const char *path;             /* of it in the cache */
};

struct store; /* owns the memory of the packages it gave */

struct store *store_new(unsigned jobs);
void store_free(struct store *s);

/* Every chosen package, in order: read from CACHE/packages where it is there and whole; else
 * fetched, converted and signed while others are still being fetched. A damaged cache entry is
 * noted and made again. *ret lives until store_free(). */
must_check int store_get(struct store *s, const struct image_options *o,
			 const struct resolved *resolved, const struct openpgp_key *key,
			 struct stored_package **ret, struct err *e);
