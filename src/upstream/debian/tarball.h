/* SPDX-License-Identifier: MIT */
/* tarball.h - tar archives of packages (POSIX pax, GNU), through libarchive, as lists of files. */
#pragma once

#include "rpm/package.h"

enum {
	TARBALL_ENTRIES_MAX = 200000,
	TARBALL_PATH_MAX = 4095,
	TARBALL_NAME_MAX = 255,
	TARBALL_RDEV_MAX = 255, /* 16 bits in an RPM's header */
};

/* An entry that an archive may have but no package here can: it is not in the list of files. */
struct tarball_refused {
	struct str path; /* its bytes, normalised */
	struct str glob; /* as text, that matches it */
	struct str what; /* a sentence that names it */
};
typedef VEC(struct tarball_refused) vec_refused;

struct tarball {
	vec_rpm_file files; /* sorted by path */
	vec_refused refused;
};

/* Reads a whole uncompressed archive. Paths become absolute and normalised ("./usr/bin/x" and
 * "/usr/bin/x" are "/usr/bin/x"), the root directory itself is left out. Directories that a merged
 * /usr replaces by links are moved: "/lib/x" is "/usr/lib/x", as it is on every system where the
 * package would have been unpacked. Sorted by path; file data borrow from @tar; digests are set.
 * Entries of one path are only allowed when both are directories. A hard link may be to whatever
 * came before it but a directory.
 *
 * @tar is of unknown origin: a path that leaves by "..", or goes through something that is no
 * directory; a hard link to what did not come before it; a size beyond the archive; bytes behind
 * its end - each is an error that names the entry. Refused, but not an error yet: names and targets
 * that are not UTF-8 or have control characters, sparse files, devices above 255. */
must_check int tarball_read(struct arena *a, struct str tar, struct tarball *ret, struct err *e);

/* What reads them: "libarchive 3.6.2". */
struct str tarball_library_version(struct arena *a);

/* "/lib/x" -> "/usr/lib/x"; what is elsewhere, and "/lib" itself, is returned as it is. */
struct str path_usrmerge(struct arena *a, struct str path);
/* The file of that path, in a sorted list; NULL when there is none. */
struct rpm_file *files_find(const vec_rpm_file *files, struct str path);
