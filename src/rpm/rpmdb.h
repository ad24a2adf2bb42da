/* SPDX-License-Identifier: MIT */
/* rpmdb.h - the RPM database of an image, so that `rpm --root` and scanners see every package. */
#pragma once

#include "rpm/package.h"

struct rpmdb_package {
	struct str front;               /* the package file's bytes, at least up to its payload */
	const bool *file_not_installed; /* one per file in header order: left out of the image
					   (documentation, ...); or NULL */
	size_t n_files;
};

/* The bytes of rpmdb.sqlite holding @packages in the given order, all installed at
 * @install_time_sec. Deterministic for one version of librpm and of SQLite. The file needs no other
 * beside it, so it works on a read-only root. Made in memory. */
must_check int rpmdb_write(struct arena *a, const struct rpmdb_package *packages, size_t n,
			   uint64_t install_time_sec, struct str *ret, struct err *e);
/* What else the bytes depend on, those of package files' headers, too: "rpm 4.18.0", "sqlite
 * 3.40.1". */
struct str rpm_library_version(struct arena *a);
struct str sqlite_library_version(struct arena *a);
