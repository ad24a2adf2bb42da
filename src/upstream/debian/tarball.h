/* SPDX-License-Identifier: MIT */
/* tarball.h - tar archives of packages (POSIX pax, GNU), through libarchive, as lists of files. */
#pragma once

#include "rpm/package.h"

enum { TARBALL_ENTRIES_MAX = 200000, TARBALL_PATH_MAX = 4095, TARBALL_NAME_MAX = 255 };

/* Reads a whole uncompressed archive. Paths become absolute and normalised ("./usr/bin/x" is
 * "/usr/bin/x"), the root directory itself is left out. Directories that a merged /usr replaces by
 * links are moved: "/lib/x" is "/usr/lib/x", as it is on every system where the package would have
 * been unpacked. Sorted by path; file data borrow from @tar; digests are set. Entries of one path
 * are only allowed when both are directories.
 *
 * @tar is of unknown origin: a path that is absolute, leaves by "..", is not UTF-8 or has control
 * characters, goes through something that is no directory; a hard link to what did not come before
 * it; a device, a pipe, a sparse file; a size beyond the archive; bytes behind its end - each is an
 * error that names the entry. */
must_check int tarball_read(struct arena *a, struct str tar, vec_rpm_file *ret, struct err *e);

/* "/lib/x" -> "/usr/lib/x"; what is elsewhere, and "/lib" itself, is returned as it is. */
struct str path_usrmerge(struct arena *a, struct str path);
/* The file of that path, in a sorted list; NULL when there is none. */
struct rpm_file *files_find(const vec_rpm_file *files, struct str path);
