/* SPDX-License-Identifier: MIT */
/* deb.h - Debian's package files, format 2.0: deb(5). Bytes in, members out; nothing is written to
 * a disk. */
#pragma once

#include "upstream/debian/tarball.h"

/* What one package may unpack to, unless its definition says otherwise: no package of Debian's has
 * half of it. How many times its own size that is says little: a file of zeroes has no bound. */
#define DEB_UNPACKED_MAX (8ULL << 30)
enum { DEB_CONTROL_MAX = 16 << 20 };

struct deb {
	struct str control;         /* text of the control file */
	vec_rpm_file control_files; /* of the control archive, as "/postinst" */
	vec_rpm_file files;
	vec_refused refused; /* entries that are in neither: tarball.h */
};

/* The control archive and the data archive, each plain or as .gz, .xz, .zst, .bz2 or .lzma; as
 * deb(5) says, members that begin with an underscore are skipped, and all behind the data. Data
 * borrow from a buffer in @a of at most @max_unpacked_bytes, 0 for DEB_UNPACKED_MAX. Hostile or
 * damaged bytes are an error naming the member and the entry. */
must_check int deb_parse(struct arena *a, struct str bytes, uint64_t max_unpacked_bytes,
			 struct deb *ret, struct err *e);
/* A file of the control archive ("postinst"), empty when there is none. */
struct str deb_control_file(const struct deb *deb, const char *name);
