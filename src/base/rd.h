/* SPDX-License-Identifier: MIT */
/* rd.h - a bounds-checked cursor over bytes of unknown origin. */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

/* The error is sticky: read forty fields, then ask .bad once. After it, every read gives zero. */
struct rd {
	const uint8_t *p;
	size_t n, pos;
	bool bad;
};

/* @n bytes at the cursor, which moves past them; NULL and .bad when there are not so many. */
static inline const uint8_t *rd_bytes(struct rd *r, size_t n)
{
	if (r->bad || n > r->n - r->pos) {
		r->bad = true;
		return NULL;
	}
	r->pos += n;
	return r->p + r->pos - n;
}

static inline struct str rd_str(struct rd *r, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);

	return p ? (struct str){ (const char *)p, n } : (struct str){ 0 };
}

static inline void rd_seek(struct rd *r, uint64_t pos)
{
	if (pos > r->n)
		r->bad = true;
	else
		r->pos = (size_t)pos;
}

#define RD_DEFINE(name, type, convert)                        \
	static inline type name(struct rd *r)                 \
	{                                                     \
		const uint8_t *p = rd_bytes(r, sizeof(type)); \
		type x = 0;                                   \
                                                              \
		if (p)                                        \
			memcpy(&x, p, sizeof(x));             \
		return convert(x);                            \
	}

RD_DEFINE(rd_u8, uint8_t, )
RD_DEFINE(rd_le16, uint16_t, le16toh)
RD_DEFINE(rd_le32, uint32_t, le32toh)
RD_DEFINE(rd_le64, uint64_t, le64toh)
RD_DEFINE(rd_be16, uint16_t, be16toh)
RD_DEFINE(rd_be32, uint32_t, be32toh)
RD_DEFINE(rd_be64, uint64_t, be64toh)
