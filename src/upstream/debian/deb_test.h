/* SPDX-License-Identifier: MIT */
/* deb_test.h - small packages for tests, good and bad, written byte by byte. */
#pragma once

#include "base/test.h"

#include "upstream/debian/deb.h"

/* One entry of a tar archive (POSIX ustar). */
struct tar_entry {
	const char *path;
	char type;          /* '0' file, '1' hard link, '2' symbolic link, '5' directory; 0: file */
	unsigned mode;      /* 0: 0644, or 0755 for directories */
	const char *data;   /* content or link target */
	const char *group;  /* NULL: root */
	size_t size;        /* declared, when it is not that of @data */
	unsigned device[2]; /* major, minor */
};

static inline void tar_octal(char *field, size_t n, uint64_t x)
{
	for (field[--n] = 0; n-- > 0; x /= 8)
		field[n] = (char)('0' + x % 8);
}

static inline void tar_add(struct buf *b, const struct tar_entry *t)
{
	char type = t->type ? t->type : '0', h[512] = { 0 };
	const char *data = t->data ? t->data : "";
	size_t n = type == '0' ? strlen(data) : 0;
	unsigned sum = 0;

	memcpy(h, t->path, strnlen(t->path, 100));
	tar_octal(h + 100, 8, t->mode ? t->mode : type == '5' ? 0755 : 0644);
	tar_octal(h + 108, 8, 0);
	tar_octal(h + 116, 8, 0);
	tar_octal(h + 124, 12, t->size ? t->size : n);
	tar_octal(h + 136, 12, 1700000000);
	h[156] = type;
	if (type == '1' || type == '2')
		memcpy(h + 157, data, strnlen(data, 100));
	memcpy(h + 257, "ustar\00000", 8);
	memcpy(h + 265, "root", 4);
	memcpy(h + 297, t->group ? t->group : "root", strlen(t->group ? t->group : "root"));
	tar_octal(h + 329, 8, t->device[0]);
	tar_octal(h + 337, 8, t->device[1]);
	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (uint8_t)h[i];
	tar_octal(h + 148, 7, sum);
	buf_put(b, h, sizeof(h));
	buf_put(b, data, n);
	buf_align(b, 512);
}

static inline struct str buf_slice(const struct buf *b)
{
	return (struct str){ (const char *)b->v.p, b->v.n };
}

/* @entries end with one without a path. */
static inline struct str tar_make(struct arena *a, const struct tar_entry *entries)
{
	struct buf b = { .a = a };

	for (; entries->path; entries++)
		tar_add(&b, entries);
	buf_zero(&b, 1024);
	return buf_slice(&b);
}

static inline void ar_add(struct buf *b, const char *name, struct str data)
{
	buf_printf(b, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "100644", data.n);
	buf_put(b, data.p, data.n);
	buf_align(b, 2);
}

static inline struct str deb_make(struct arena *a, const struct tar_entry *control,
				  const struct tar_entry *data)
{
	struct buf b = { .a = a };

	buf_printf(&b, "!<arch>\n");
	ar_add(&b, "debian-binary", STR("2.0\n"));
	ar_add(&b, "control.tar", tar_make(a, control));
	ar_add(&b, "data.tar", tar_make(a, data));
	return buf_slice(&b);
}
