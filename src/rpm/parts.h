/* SPDX-License-Identifier: MIT */
/* parts.h - the parts of a package file, each written and read by one file of this folder: what of
 * struct rpm_package stands in which header tags and how its files stand in the payload. */
#pragma once

#include "disk/segment.h"
#include "rpm/package.h"
#include "rpm/tags.h"

/* deps.c: sorted, without repetition, with the package's own name among the provides and the
 * rpmlib() requires for what the file format uses. Reading leaves the rpmlib() requires out: they
 * speak of the file, not of the package. */
void deps_put(struct header *h, const struct rpm_meta *m, bool has_caps, bool has_large);
void deps_get(struct header *h, struct rpm_meta *ret);

/* meta.c: name to changelog, and the origin. */
void meta_put(struct header *h, const struct rpm_package *p);
must_check int meta_get(struct header *h, struct rpm_package *ret, struct err *e);

/* files.c: the file list. Both do rpm_files_check(). */
must_check int files_put(struct header *h, const vec_rpm_file *files, struct err *e);
must_check int files_get(struct header *h, vec_rpm_file *ret, struct err *e);
bool files_have_caps(const vec_rpm_file *files);
/* Whether one has more bytes than 32 bits can say: then sizes stand in the header alone, and in the
 * payload each file has its number there instead of a cpio header (rpm lib/cpio.c). */
bool files_are_large(const vec_rpm_file *files);

/* Hard links: of each file, the first and last file (by index) that is the same inode, and how many
 * there are. */
struct links {
	uint32_t *first, *last, *n;
};
struct links links_find(struct arena *a, const vec_rpm_file *files);

/* payload.c: the cpio archive (rpm lib/rpmfi.c): of hard links only the last carries the content;
 * ghosts have no entry. */
must_check int payload_write(struct arena *a, const vec_rpm_file *files, struct segments *ret,
			     struct err *e);
/* Gives each file its data and checks it against the list: sizes, link targets, digests. Borrows
 * @archive. */
must_check int payload_read(struct arena *a, struct str archive, vec_rpm_file *files,
			    struct err *e);
