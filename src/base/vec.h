/* SPDX-License-Identifier: MIT */
/* vec.h - typed vectors and byte buffers that grow in an arena. */
#pragma once

#include <string.h>

#include "base/arena.h"

/* VEC(struct foo) foos; zero is a valid empty vector; .p holds .n elements. */
#define VEC(type)              \
	struct {               \
		type *p;       \
		size_t n, cap; \
	}

/* vec_push(a, &v) = x; appends one element and yields it as an lvalue. Pointers into the vector are
 * invalid after a push. */
#define vec_push(a, v)                                                                             \
	(*((v)->n == (v)->cap                                                                      \
		   ? (void)((v)->p = vec_grow((a), (v)->p, (v)->n, &(v)->cap, sizeof(*(v)->p), 1)) \
		   : (void)0,                                                                      \
	   &(v)->p[(v)->n++]))

/* Makes room for @more further elements, without adding any. */
#define vec_reserve(a, v, more)                                                                \
	((v)->cap - (v)->n < (more) ? (void)((v)->p = vec_grow((a), (v)->p, (v)->n, &(v)->cap, \
							       sizeof(*(v)->p), (more)))       \
				    : (void)0)

/* "it &&": an empty vector has no array, and even NULL + 0 is undefined. */
#define vec_each(it, v) for (__typeof__((v)->p + 0) it = (v)->p; it && it < (v)->p + (v)->n; it++)

/* Used by the macros above: a new array with room for n + @more elements, the old @n copied. */
void *vec_grow(struct arena *a, const void *p, size_t n, size_t *cap, size_t size, size_t more);

/* Bytes being written. */
typedef VEC(uint8_t) vec_bytes;
struct buf {
	struct arena *a;
	vec_bytes v;
};

void buf_put(struct buf *b, const void *p, size_t n);
void buf_zero(struct buf *b, size_t n);
/* Zeroes up to the next multiple of @align (any number above 0). */
void buf_align(struct buf *b, size_t align);
void buf_u8(struct buf *b, uint8_t x);
void buf_le16(struct buf *b, uint16_t x);
void buf_le32(struct buf *b, uint32_t x);
void buf_le64(struct buf *b, uint64_t x);
void buf_be32(struct buf *b, uint32_t x);
void buf_be16(struct buf *b, uint16_t x);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
