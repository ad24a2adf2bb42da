/* SPDX-License-Identifier: MIT */
/* linker_cache.h - /etc/ld.so.cache in the format of glibc 2.32 and later
 * (sysdeps/generic/dl-cache.h): what a dynamic linker looks up before it reads a folder. */
#pragma once

#include "base/str.h"

/* Kinds of library: FLAG_ELF_LIBC6 with the ABI. */

struct linker_cache_entry {
	struct str soname, path, hwcaps;
	size_t number; /* in the order of adding */
};

/* Start from { .a = arena }; strings are borrowed. */
struct linker_cache {
	struct arena *a;
	VEC(struct linker_cache_entry) entries;
	vec_str strings;
	struct map known;
};

/* @hwcaps: the kind of processor ("x86-64-v3") that the library is for, or empty. */
void linker_cache_add(struct linker_cache *c, struct str soname, struct str path,
		      struct str hwcaps);
/* A kind of processor that has a folder: its name is in the file, libraries or not. */
void linker_cache_name(struct linker_cache *c, struct str hwcaps);
/* Sorts the entries and returns the file's bytes. */
struct str linker_cache_write(struct linker_cache *c, uint32_t flags);

/* The order that the linker searches by: numbers within names by value. */
int linker_cache_cmp(struct str x, struct str y);
