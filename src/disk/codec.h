/* SPDX-License-Identifier: MIT */
/* codec.h - compression: zstd (RFC 8878), xz, gzip (RFC 1952), lzma. The only folder that knows
 * these libraries. */
#pragma once

#include "base/str.h"
#include "disk/segment.h"

/* One frame with checksum and content size, one thread: the same bytes for the same library
 * version. */
must_check int zstd_compress(struct arena *a, struct str in, int level, struct str *ret,
			     struct err *e);
/* The same for content in runs, without a copy of the whole. */
must_check int zstd_compress_segments(struct arena *a, const struct segments *in, int level,
				      struct str *ret, struct err *e);
/* A gzip file without name and time: the same bytes for the same library version. */
must_check int gzip_compress(struct arena *a, struct str in, int level, struct str *ret,
			     struct err *e);
/* Recognises zstd, xz and gzip by their magic; anything else is returned as it is (borrowed).
 * Concatenated streams are read to the end. Output above @max bytes is -EFBIG: "expands beyond ..."
 */
must_check int decompress(struct arena *a, struct str in, size_t max, struct str *ret,
			  struct err *e);
/* The same, and while it goes on calls @watch with what there is so far: from the beginning, more
 * each time; what was given once stays there as long as @a. Not called for what is returned as it
 * is. */
typedef void (*decompress_watch)(void *arg, struct str so_far);
must_check int decompress_watched(struct arena *a, struct str in, size_t max,
				  decompress_watch watch, void *arg, struct str *ret,
				  struct err *e);
/* The format before xz, which has no magic of its own: a caller knows it by a name. */
must_check int decompress_lzma(struct arena *a, struct str in, size_t max, struct str *ret,
			       struct err *e);
