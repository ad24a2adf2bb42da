/* SPDX-License-Identifier: MIT */
/* takeover.h - files that one package takes from another, of the packages of one image: the others
 * are then converted without them, so that no two packages hold one file, whoever installs them.
 *
 * As dpkg does it (Policy 7.6.1, dpkg-divert(1)), but whatever the order of packages: a file that
 * is diverted is elsewhere in all packages but the diverting one; a file that is, after that, in a
 * package and in one that it replaces by name and version, leaves the latter. */
#pragma once

#include "rpm/package.h"

/* File @from of a package is @to, or gone when that is empty. */
struct taken {
	struct str from, to;
};

typedef VEC(struct taken) vec_taken;

/* *ret: for each package what it loses, by path. Borrows. Fails when two packages divert one file,
 * or one does to two places. */
must_check int takeover_find(struct arena *a, const struct rpm_package *packages, size_t n,
			     vec_taken **ret, struct err *e);
/* Does that to the files of a package. */
must_check int takeover_apply(const vec_taken *taken, vec_rpm_file *files, struct err *e);
