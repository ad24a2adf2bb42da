/* SPDX-License-Identifier: MIT */
#include "base/vec.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>

void *vec_grow(struct arena *a, const void *p, size_t n, size_t *cap, size_t size, size_t more)
{
	size_t want = n + more, twice = *cap < 8 ? 8 : *cap * 2;
	void *q;

	if (want < twice)
		want = twice;
	q = arena_array(a, want, size);
	if (n > 0)
		memcpy(q, p, n * size);
	*cap = want;
	return q;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	vec_reserve(b->a, &b->v, n);
	if (n > 0)
		memcpy(b->v.p + b->v.n, p, n);
	b->v.n += n;
}

void buf_zero(struct buf *b, size_t n)
{
	vec_reserve(b->a, &b->v, n);
	if (n > 0)
		memset(b->v.p + b->v.n, 0, n);
	b->v.n += n;
}

void buf_align(struct buf *b, size_t align)
{
	if (b->v.n % align != 0)
		buf_zero(b, align - b->v.n % align);
}

void buf_u8(struct buf *b, uint8_t x)
{
	buf_put(b, &x, 1);
}

void buf_le16(struct buf *b, uint16_t x)
{
	x = htole16(x);
	buf_put(b, &x, sizeof(x));
}

void buf_le32(struct buf *b, uint32_t x)
{
	x = htole32(x);
	buf_put(b, &x, sizeof(x));
}

void buf_le64(struct buf *b, uint64_t x)
{
	x = htole64(x);
	buf_put(b, &x, sizeof(x));
}

void buf_be16(struct buf *b, uint16_t x)
{
	x = htobe16(x);
	buf_put(b, &x, sizeof(x));
}

void buf_be32(struct buf *b, uint32_t x)
{
	x = htobe32(x);
	buf_put(b, &x, sizeof(x));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	char small[512];
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n >= (int)sizeof(small)) {
		vec_reserve(b->a, &b->v, (size_t)n + 1);
		vsnprintf((char *)b->v.p + b->v.n, (size_t)n + 1, fmt, again);
		b->v.n += (size_t)n;
	} else if (n > 0) {
		buf_put(b, small, (size_t)n);
	}
	va_end(again);
	va_end(ap);
}
