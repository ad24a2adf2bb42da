/* SPDX-License-Identifier: MIT */
/* derive.h - results of expensive steps, kept in the cache as packs, each under a recipe of all
 * that it was made from: what is asked for again is laid, not made. */
#pragma once

#include "base/progress.h"
#include "store/pack_cache.h"
#include "tree/tree.h"

struct derive {
	const char *cache;
	struct erofs_compression how;
	struct progress *progress;
	VEC(struct pack *) packs; /* in use: nodes' content lies in them */
};

/* Puts nodes into a tree, and removes some. */
typedef int (*derive_step)(void *arg, struct tree *t, struct err *e);

/* Does to @t what @step does, which is a function of what @recipe names: by doing it, or by what
 * the cache has of an earlier time. The tree is the same either way; content lies in a pack, which
 * is open until derive_done(). A damaged pack is noted and made again. */
must_check int derive(struct derive *d, const struct recipe *recipe, struct tree *t,
		      derive_step step, void *arg, struct err *e);
void derive_done(struct derive *d);
