/* SPDX-License-Identifier: MIT */
/* der.h - Distinguished Encoding Rules (X.690), as much as signatures need; for the files of this
 * folder only. Elements are made inside out, so that no length is written twice. */
#pragma once

#include "base/str.h"

/* Identifier octets; tag numbers above 30 do not occur. */
enum der_tag {
	DER_INTEGER = 0x02,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT_0 = 0xa0, /* [0], constructed */
	DER_CONTEXT_1 = 0xa1,
	DER_CONTEXT_2 = 0xa2,
};

/* One element with the @n parts as its content. */
struct str der_make(struct arena *a, uint8_t tag, const struct str *parts, size_t n);
#define DER(a, tag, ...)                                          \
	der_make((a), (tag), (const struct str[]){ __VA_ARGS__ }, \
		 sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str))

/* A cursor over elements. The error is sticky, as in rd.h; after it, every read is empty. */
struct der {
	struct str rest;
	bool bad;
};

/* Takes the next element, which must have that tag and DER's one form of a length: its content, or
 * all of it. Borrows. */
struct str der_content(struct der *d, uint8_t tag);
struct str der_element(struct der *d, uint8_t tag);
/* Whether there is a next element, and it has that tag. */
bool der_is(const struct der *d, uint8_t tag);
/* Bad, unless nothing is left. */
void der_end(struct der *d);
