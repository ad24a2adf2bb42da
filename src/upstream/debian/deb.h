/* SPDX-License-Identifier: MIT */
/* deb.h - Debian's package files, format 2.0: deb(5). Bytes in, members out; nothing is written to
 * a disk. */
#pragma once

#include "upstream/debian/tarball.h"

/* What one package may unpack to, and how many times its own size (the smallest honest ones are far
 * below). */
#define DEB_UNPACKED_MAX (2ULL << 30)
enum { DEB_RATIO_MAX = 250, DEB_RATIO_FLOOR_BYTES = 16 << 20, DEB_CONTROL_MAX = 16 << 20 };

struct deb {
	struct str control;         /* text of the control file */
	vec_rpm_file control_files; /* of the control archive, as "/postinst" */
	vec_rpm_file files;
};

/* The control archive and the data archive, each plain or as .gz, .xz or .zst. Data borrow from a
 * buffer in @a. Hostile or damaged bytes are an error naming the member and the entry. */
must_check int deb_parse(struct arena *a, struct str bytes, struct deb *ret, struct err *e);
/* A file of the control archive ("postinst"), empty when there is none. */
struct str deb_control_file(const struct deb *deb, const char *name);
