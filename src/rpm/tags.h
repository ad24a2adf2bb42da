/* SPDX-License-Identifier: MIT */
/* tags.h - librpm's header (struct header here), with our strings: what this folder's files share.
 */
#pragma once

#include <rpm/header.h>
#include <rpm/rpmtag.h>

#include "base/str.h"

/* Being written or read. The error is sticky: put or get forty tags, then ask header_check() once.
 */
struct header {
	struct arena *a; /* of what is read */
	Header h;
	struct err e;
	int bad; /* the first failure's errno, or 0 */
};

/* Sets librpm up once for the process: no configuration is read, and it never prints. Every public
 * function of this folder that reaches librpm calls it first. */
void librpm_init(void);

void header_init(struct header *h, struct arena *a);
void header_done(struct header *h);
/* 0, or the first error, copied. */
must_check int header_check(const struct header *h, struct err *e);
/* Notes "header tag NAME: @what", unless something failed before. */
void header_fail(struct header *h, rpmTagVal tag, const char *what);

/* Strings may not have NULs inside; arrays of no element are left out, as the format wants. */
void header_put_str(struct header *h, rpmTagVal tag, struct str s);
void header_put_i18n(struct header *h, rpmTagVal tag, struct str s);
void header_put_strs(struct header *h, rpmTagVal tag, const struct str *p, size_t n);
void header_put_bin(struct header *h, rpmTagVal tag, const uint8_t *p, size_t n);
void header_put_chars(struct header *h, rpmTagVal tag, const char *p, size_t n);
void header_put_u16(struct header *h, rpmTagVal tag, const uint16_t *p, size_t n);
void header_put_u64(struct header *h, rpmTagVal tag, const uint64_t *p, size_t n);
void header_put_u32(struct header *h, rpmTagVal tag, const uint32_t *p, size_t n);

/* The header as it stands in a package: magic, index, data; all of it inside the immutable region
 * @region. */
must_check int header_export(struct header *h, rpmTagVal region, struct str *ret, struct err *e);
/* Takes a header with its magic off *bytes. */
must_check int header_import(struct header *h, struct str *bytes, const char *what, struct err *e);

/* Absent: empty. Copied into the arena. Of another type than rpm's own table says: an error. */
struct str header_get_str(struct header *h, rpmTagVal tag);
struct str header_get_bin(struct header *h, rpmTagVal tag);
/* Array of @ret->n strings. */
void header_get_strs(struct header *h, rpmTagVal tag, vec_str *ret);
typedef VEC(uint64_t) vec_u64;
/* Numbers of any width. */
void header_get_u64s(struct header *h, rpmTagVal tag, vec_u64 *ret);
/* The first number, or @otherwise. */
uint64_t header_get_u64(struct header *h, rpmTagVal tag, uint64_t otherwise);
