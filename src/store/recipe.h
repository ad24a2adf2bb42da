/* SPDX-License-Identifier: MIT */
/* recipe.h - what something in the cache was made from, written down: lines of "NAME VALUE", whose
 * SHA-256 is the key it is kept by. Whatever decides what it becomes is a line, so that a key found
 * is an answer that holds. `ashlar cache explain` compares two recipes line by line.
 *
 * There is no other way to a key: recipe_new() begins each with what code made it, of which
 * version, and with the versions of the libraries that this code leaves bytes to (recipe.c has the
 * table of them). */
#pragma once

#include "base/hash.h"
#include "base/str.h"

enum recipe_kind {
	RECIPE_CONVERSION, /* a package file of an upstream into an RPM */
	RECIPE_PACK,       /* content, cut */
	RECIPE_INDEX,      /* metadata of the packages of one index */
	RECIPE_SOLUTION,   /* packages chosen for an image */
	RECIPE_CERTIFICATES,
	RECIPE_MODULES,
	RECIPE_HWDB,
	RECIPE_LINKER_CACHE,
	RECIPE_STATUS,
	RECIPE_INITRD,
	RECIPE_RPMDB,
	RECIPE_KINDS
};

/* Outside libraries that decide about bytes. */
enum library {
	LIBRARY_NONE,
	LIBRARY_ARCHIVE,
	LIBRARY_LZ4,
	LIBRARY_RPM,
	LIBRARY_SOLV,
	LIBRARY_SQLITE,
	LIBRARY_ZSTD,
	LIBRARIES
};

/* Of the code of each kind, of the form of what is kept, of each library: "zstd 1.5.4". */
struct recipe_versions {
	unsigned code[RECIPE_KINDS], form[RECIPE_KINDS];
	struct str library[LIBRARIES];
};

struct recipe {
	enum recipe_kind kind;
	struct buf text;
};

/* @what: of that kind ("bash"), where there are several. Lives in @a. */
struct recipe recipe_new(struct arena *a, enum recipe_kind kind, struct str what);

/* Of a @value with newlines, the digest. */
void recipe_line(struct recipe *r, const char *name, struct str value);
void recipe_number(struct recipe *r, const char *name, uint64_t value);
/* What is long: its digest stands for it. */
void recipe_bytes(struct recipe *r, const char *name, struct str bytes);
/* In order. */
void recipe_list(struct recipe *r, const char *name, const vec_str *list);
void recipe_library(struct recipe *r, enum library library);
/* Lines that somebody else wrote. */
void recipe_lines(struct recipe *r, struct str lines);

struct str recipe_text(const struct recipe *r);
/* 64 hexadecimal digits. */
struct str recipe_key(struct arena *a, struct str text);
/* The first line, "package bash": what it is of. */
struct str recipe_what(struct str text);
/* And the others. */
struct str recipe_inputs(struct str text);
/* False when it is of none. */
must_check bool recipe_kind_of(struct str text, enum recipe_kind *ret);

/* Where it is kept: CACHE/FOLDER/KEY.SUFFIX. Derived things are kept as packs. */
char *recipe_path(struct arena *a, const char *cache, const struct recipe *r);
char *recipe_text_path(struct arena *a, const char *cache, enum recipe_kind kind, struct str text);

/* Of this program; and a recipe as another would write it: for tests. */
void recipe_versions(struct arena *a, struct recipe_versions *ret);
struct recipe recipe_new_by(struct arena *a, const struct recipe_versions *versions,
			    enum recipe_kind kind, struct str what);
