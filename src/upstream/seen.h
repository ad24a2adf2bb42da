/* SPDX-License-Identifier: MIT */
/* seen.h - what a mirror said last, so that nothing older is believed: CACHE/upstream/seen/ has a
 * file for each suite of a mirror, which no pruning removes. Signatures do not tell how old a file
 * is, and Debian's main suite has no date after which it is none. */
#pragma once

#include "base/str.h"

enum { SEEN_BYTES_MAX = 64 << 10 };

struct seen {
	uint64_t time_sec; /* of the file, by its own date; 0: never seen */
	struct str suite, codename;
};

/* What a mirror's folder is known by: host and path. Another port or protocol is no other mirror,
 * or who leads us from https to http could begin anew. */
struct str seen_place(struct arena *a, struct str url);
/* The bytes of such a file about @place; @ret stays as it is when they are damaged or about
 * another.
 */
void seen_parse(struct str text, struct str place, struct seen *ret);
/* *ret is zero when @place was never seen. */
void seen_read(struct arena *a, const char *cache, struct str place, struct seen *ret);
must_check int seen_write(const char *cache, struct str place, const struct seen *s, struct err *e);
