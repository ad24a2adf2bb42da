/* SPDX-License-Identifier: MIT */
/* repodata.h - the metadata of a repository as dnf and zypper read it (rpm-metadata; no other
 * specification than createrepo_c, beside which tests lay what is written here). */
#pragma once

#include "base/hash.h"
#include "base/str.h"

enum repodata { REPODATA_PRIMARY, REPODATA_FILELISTS, REPODATA_OTHER, REPODATA_FILES };

struct repodata_package {
	struct str front;              /* the package file's bytes, at least up to its payload */
	struct str file_name;          /* in the repository */
	uint64_t size_bytes, time_sec; /* of the file */
	uint8_t sha256[SHA256_BYTES];
};

/* "primary". */
const char *repodata_name(enum repodata which);
/* The text of one of the files. */
must_check int repodata_write(struct arena *a, enum repodata which,
			      const struct repodata_package *packages, size_t n, struct str *ret,
			      struct err *e);

/* One of the files as it lies in repodata/, in repomd.xml. */
struct repodata_file {
	struct str text, compressed; /* NAME.xml, NAME.xml.gz */
};
struct str repodata_index(struct arena *a, const struct repodata_file files[REPODATA_FILES],
			  uint64_t revision);
