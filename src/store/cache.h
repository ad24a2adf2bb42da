/* SPDX-License-Identifier: MIT */
/* cache.h - what a cache holds, why a build could or could not use it, and what goes when room is
 * wanted. */
#pragma once

#include "base/progress.h"
#include "base/str.h"

struct cache_entry {
	const char *kind; /* the folder of the cache: "packs" */
	const char *path;
	uint64_t size_bytes;
	uint64_t used_sec; /* last */
	bool keep;         /* not to be pruned: small, and offline builds need it */
};

typedef VEC(struct cache_entry) vec_cache_entry;

/* Builds hold the cache together, who prunes it holds it @alone: waits for others, and says so.
 * Held until *ret_fd is closed. Makes the folder, for the user alone, unless
 * @alone. Clears away what killed processes were writing. -EPERM when the cache belongs to somebody
 * else or others may write to it. */
must_check int cache_hold(const char *cache, bool alone, struct progress *progress, int *ret_fd,
			  struct err *e);
/* Everything that a build put there and nothing else, should the folder hold more; by kind, then
 * path. */
must_check int cache_list(struct arena *a, const char *cache, vec_cache_entry *ret, struct err *e);
/* One line about it: "package bash, zstd"; what is wrong, if it is damaged. */
struct str cache_entry_text(struct arena *a, const struct cache_entry *entry);

struct cache_limits {
	uint64_t used_after_sec; /* older entries go */
	uint64_t size_bytes;     /* then the least recently used until all of it has this size */
};
/* Which of @all go, in the order in which they do. */
void cache_prune_choose(struct arena *a, const vec_cache_entry *all,
			const struct cache_limits *limits, vec_cache_entry *ret);
/* Removes them, and what processes left that were killed. The cache must be held alone. */
must_check int cache_prune(const char *cache, const vec_cache_entry *entries, struct err *e);

/* About the pack of one package. */
struct cache_reason {
	struct str what; /* "package bash" */
	bool there;
	struct str why; /* not, in words: "definition changed: 12.. -> 34.." */
};
/* Of each of @n recipes (pack_cache.h): whether its pack is in the cache, every block of it; else
 * what is different about the pack there that is most like it. *ret in @a. */
must_check int cache_explain(struct arena *a, const char *cache, const struct str *recipes,
			     size_t n, struct cache_reason **ret, struct err *e);
