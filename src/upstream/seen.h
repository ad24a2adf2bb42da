/* SPDX-License-Identifier: MIT */
/* seen.h - what a mirror said last, so that nothing older is believed: CACHE/upstream/seen/ has a
 * file for each URL, which no pruning removes. Signatures do not tell how old a file is, and
 * Debian's main suite has no date after which it is none. */
#pragma once

#include "base/str.h"

enum { SEEN_BYTES_MAX = 64 << 10 };

struct seen {
	uint64_t time_sec; /* of the file, by its own date; 0: never seen */
	struct str suite, codename;
};

/* The bytes of such a file about @url; @ret stays as it is when they are damaged or about another.
 */
void seen_parse(struct str text, struct str url, struct seen *ret);
/* *ret is zero when @url was never seen. */
void seen_read(struct arena *a, const char *cache, struct str url, struct seen *ret);
must_check int seen_write(const char *cache, struct str url, const struct seen *s, struct err *e);
