/* SPDX-License-Identifier: MIT */
/* diff.h - in what two images differ, each of which may be a file, a manifest, or the name of a
 * definition. */
#pragma once

#include "tree/tree_diff.h"

struct diff_package {
	struct str name, evr, arch, rpm_sha256;
};

struct diff_size {
	struct str name; /* of a package, a partition, ...: plain ASCII */
	uint64_t bytes;
};
typedef VEC(struct diff_size) vec_diff_size;

struct diff_region {
	struct str name; /* of a partition, by its type */
	uint64_t offset; /* in the image */
	struct str bytes;
};
typedef VEC(struct diff_region) vec_diff_region;

/* One of the two: as much as is known of it. */
struct diff_side {
	const char *name; /* as it was given */
	/* why something is not known; empty: it is */
	struct str no_packages, no_files, no_bytes, no_package_sizes;
	VEC(struct diff_package) packages; /* sorted by name */
	struct tree tree;
	vec_diff_size package_sizes; /* sorted by name */
	vec_diff_size sizes;         /* of the whole and of its partitions */
	struct str root_hash;        /* hexadecimal */
	vec_diff_region regions;
	struct str mapped; /* the image */
};

/* Who only wants to see what an image would be: called with its files and its manifest, once or
 * more often; what counts is the last time. Both are gone when it returns. */
struct image_look {
	int (*at)(void *arg, const struct tree *t, struct str manifest, struct err *e);
	void *arg;
};

/* Who can make a definition's image in memory. */
struct image_maker {
	int (*show)(void *arg, const char *definition, const struct image_look *look,
		    struct err *e);
	void *arg;
};

/* @name ends in .raw: an image, with the packages that the manifest beside it tells, if that is its
 * own; in .json: a manifest; else a definition, which @maker makes. What is in an image but cannot
 * be read is not known, so that the bytes of damaged images can be compared. Bytes are hostile. */
must_check int diff_side_read(struct arena *a, const struct image_maker *maker, const char *name,
			      struct diff_side *ret, struct err *e);
void diff_side_done(struct diff_side *s);

struct diff_package_change {
	const struct diff_package *before, *after; /* NULL: it is not there */
};

struct diff_size_change {
	struct str name;
	uint64_t before, after; /* 0: it is not there */
};
typedef VEC(struct diff_size_change) vec_diff_size_change;

/* Bytes that differ; blocks of 4096 from the region's beginning, one that only one side has counts
 * as different. */
struct diff_bytes_change {
	struct str name;
	uint64_t first;             /* offset in the region of the first byte that differs */
	uint64_t differing, blocks; /* blocks: of the longer region */
};

struct image_diff {
	VEC(struct diff_package_change) packages;
	vec_tree_difference files;
	vec_diff_size_change package_sizes, sizes;
	VEC(struct diff_bytes_change) bytes;
	bool root_hash;     /* differs */
	vec_str uncompared; /* what, and why: sentences */
	bool differs;       /* any of it */
};

/* Borrows both. */
void image_diff(struct arena *a, const struct diff_side *before, const struct diff_side *after,
		struct image_diff *ret);

/* Between the files diff*.c. */

/* Compares regions of the same name; what lies in no partition is one of them. */
void diff_bytes(struct arena *a, const struct diff_side *before, const struct diff_side *after,
		struct image_diff *ret);
int diff_size_cmp(const void *x, const void *y);
