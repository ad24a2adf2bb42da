/* SPDX-License-Identifier: MIT */
/* resolve.h - from the name of an image to the exact packages it is made of. */
#pragma once

#include "artifact/diff.h"
#include "base/arch.h"
#include "base/progress.h"
#include "conf/conf.h"
#include "solve/solve.h"
#include "store/store.h"

/* Behind the image's name: the folder under OUT with a test case of what cannot be chosen. */
#define UNSOLVABLE "-unsolvable"

/* What every step of a build is told; borrowed, unchanged. */
struct image_options {
	const char *name; /* of the image */
	const char *distro, *cache, *keys, *out;
	const struct arch *arch;
	unsigned jobs;
	uint64_t now_sec; /* certificates must be valid at this time; nothing else depends on it */
	bool update_ids;  /* choose ids of accounts and keep them in DISTRO/ids.yaml */
	bool sign_later;  /* leave the image's signatures to image_sign() */
	struct progress *progress;
	const struct image_look *look; /* or NULL: at the end of a dry run */
};

struct refresh;

struct resolved {
	struct conf_release release;
	struct conf_image image;
	vec_conf_upstream upstreams;
	struct solution solution;
	struct refresh *refresh;       /* until resolved_done() */
	struct upstream_state *states; /* what this follows from; only digests after
					  image_resolve() */
	size_t n; /* chosen packages, sorted by name; the arrays below have this length */
	struct rpm_meta *metas;
	struct conf_package *confs; /* what Ashlar changes about each */
	struct store_want *wants;   /* the same, for the store */
	struct erofs_compression root_compression;
};

/* Reads the definitions, refreshes the upstreams, makes or loads the universe, and solves: places
 * in ret->metas stand for packages in ret->solution. An unsolvable image leaves its test case in
 * OUT/NAME-unsolvable/.
 *
 * When the cache holds the solution for what the upstreams said last, that is the answer, and they
 * are still being asked whether it holds: resolved_confirm() says so, before anything is kept. */
must_check int image_resolve(struct arena *a, const struct image_options *o, struct resolved *ret,
			     struct err *e);
/* Waits for the upstreams. Fails as a refresh does, or with -ESTALE when they have changed: then
 * the image is to be resolved again. */
must_check int resolved_confirm(struct resolved *res, struct err *e);
/* Both, as often as they change meanwhile, for who only looks: the cache is held, and nothing is to
 * be done with *ret afterwards. */
must_check int image_resolve_now(struct arena *a, const struct image_options *o,
				 struct resolved *ret, struct err *e);
/* What the store needs to know for it. */
struct store_options image_store_options(const struct image_options *o, const struct resolved *res,
					 const struct openpgp_key *key);
/* Of what image_resolve() gave, also when it is not confirmed. */
void resolved_done(struct resolved *res);
