/* SPDX-License-Identifier: MIT */
/* str.h - slices of text: borrowed bytes with a length, not NUL-terminated. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

struct str {
	const char *p;
	size_t n;
};

typedef VEC(struct str) vec_str;

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
/* For printf's "%.*s"; a longer slice than INT_MAX is cut. */
#define STR_FMT(s) ((s).n > 0x7fffffff ? 0x7fffffff : (int)(s).n), ((s).p ? (s).p : "")

/* A slice of a C string, borrowed; NULL gives the empty slice. */
struct str str_c(const char *s);
/* A NUL-terminated copy. Bytes after an embedded NUL are kept but C will not see them. */
char *str_z(struct arena *a, struct str s);
struct str str_dup(struct arena *a, struct str s);
struct str str_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct str str_cat(struct arena *a, struct str x, struct str y);

bool str_eq(struct str x, struct str y);
bool str_eqz(struct str x, const char *y);
/* Byte order, as memcmp; shorter first. Independent of locale. */
int str_cmp(struct str x, struct str y);
bool str_starts(struct str s, const char *prefix);
bool str_ends(struct str s, const char *suffix);
/* Index of the first @c, or -1. */
ptrdiff_t str_find(struct str s, char c);
/* Whether @needle occurs in @s. */
bool str_has(struct str s, const char *needle);
/* The rest from @start, empty when beyond the end. */
struct str str_from(struct str s, size_t start);
/* At most the first @n bytes. */
struct str str_head(struct str s, size_t n);
/* Without blanks, tabs, CR and LF at both ends. */
struct str str_trim(struct str s);
/* Takes what stands before the next @sep off the front of *s, and the separator; the whole when
 * there is none. */
struct str str_cut(struct str *s, char sep);
/* Skips blanks, then takes the next word; empty at the end. */
struct str str_word(struct str *s);

/* Decimal digits only, the whole slice, at most @max. */
must_check bool str_u64(struct str s, uint64_t max, uint64_t *ret);
/* A size with a unit of bytes, "120MB", "64MiB" or "4096", in bytes. */
must_check bool str_size(struct str s, uint64_t *ret);
/* Lower-case hexadecimal. hex_decode() wants exactly 2 * @n digits of either case. */
struct str hex_encode(struct arena *a, const void *p, size_t n);
must_check bool hex_decode(struct str s, void *ret, size_t n);
/* RFC 4648 with padding. base64_decode() takes nothing else: no blanks, no line breaks, no bits
 * that mean nothing. */
struct str base64_encode(struct arena *a, const void *p, size_t n);
must_check bool base64_decode(struct arena *a, struct str s, struct str *ret);
/* Length of the UTF-8 sequence that @s starts with (RFC 3629); 0 when there is none. */
size_t str_utf8_len(struct str s);

/* A pattern of a path: '*' and '?' do not cross '/', "**" does, '[...]' as in a shell; a pattern
 * ending in '/' matches everything below. */
bool str_glob(struct str pattern, struct str path);

/* The name of @names nearest to @wrong by edit distance, or NULL when none is near enough to be a
 * typo. */
const struct str *str_nearest(const struct str *names, size_t n, struct str wrong);

/* "a, b or c". */
struct str str_names(struct arena *a, const vec_str *names);

/* Strings to 32-bit numbers; keys are borrowed. Zero is a valid empty map. Iterate a vector of your
 * own: a map has no order. */
struct map {
	struct map_slot *slots;
	size_t n, cap;
};

void map_put(struct arena *a, struct map *m, struct str key, uint32_t value);
/* NULL when absent. Valid until the next put. */
uint32_t *map_get(const struct map *m, struct str key);
