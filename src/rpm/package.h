/* SPDX-License-Identifier: MIT */
/* package.h - a package in RPM's terms: the one description that upstreams give, the solver reads,
 * converted packages carry and trees are built from. Pure data; nothing here knows librpm. */
#pragma once

#include "base/hash.h"
#include "base/str.h"
#include "disk/xattr.h"

enum dep_op {
	DEP_ANY = 0,
	DEP_LESS = 2,
	DEP_GREATER = 4,
	DEP_EQUAL = 8
}; /* or-ed; RPMSENSE's own values */

/* "name", "name op evr", or a rich dependency "(a or (b >= 1))" whole in .name with op DEP_ANY. */
struct dep {
	struct str name, evr;
	unsigned op;
};

typedef VEC(struct dep) vec_dep;

/* Header data of a package, enough to solve; what a repository's index tells. Strings live in the
 * arena of whoever made it. */
struct rpm_meta {
	struct str name, version, release, arch; /* arch: "x86_64", "aarch64" or "noarch" */
	uint64_t epoch;
	vec_dep requires, provides, conflicts, obsoletes, recommends, suggests;
	struct str summary, description, url, license, group, vendor;
	/* where it comes from */
	struct str upstream;                    /* the upstream's name in distro/upstreams.yaml */
	struct str source_name, source_version; /* the source package, in upstream's spelling */
	struct str origin_name, origin_version,
		origin_arch; /* the package itself, in upstream's spelling */
	struct str mirror,
		location; /* URL of the mirror's root; path of the upstream's file below it */
	uint64_t size_bytes, installed_bytes;
	uint8_t sha256[SHA256_BYTES]; /* of the upstream's file */
	bool essential;
};

typedef VEC(struct rpm_meta) vec_rpm_meta;

enum file_flag {
	FILE_CONFIG = 1,     /* RPMFILE_CONFIG */
	FILE_DOC = 2,        /* RPMFILE_DOC */
	FILE_NOREPLACE = 16, /* RPMFILE_NOREPLACE */
	FILE_GHOST = 64,     /* RPMFILE_GHOST */
	FILE_LICENSE = 128,  /* RPMFILE_LICENSE */
};

struct rpm_file {
	struct str path;        /* absolute, normalised: "/usr/bin/bash" */
	uint32_t mode;          /* with the type, as st_mode */
	struct str user, group; /* names */
	uint64_t mtime_sec;
	uint32_t rdev_major, rdev_minor;
	unsigned flags;   /* enum file_flag */
	vec_xattr xattrs; /* RPM itself can hold no others than capabilities */
	struct str lang;  /* "de" for localised files, or empty */
	uint64_t size_bytes;
	struct str data;                /* content or link target */
	const struct pack_file *packed; /* where the content is when not in .data: pack/pack.h */
	uint8_t sha256[SHA256_BYTES];   /* of regular files */
	uint32_t link_group; /* files with the same number above 0 are one inode; each carries the
				data */
};

typedef VEC(struct rpm_file) vec_rpm_file;

struct changelog_entry {
	uint64_t time_sec;
	struct str author, text; /* "A. Person <a@x> 1.2-3" */
};

typedef VEC(struct changelog_entry) vec_changelog;

/* Others' file @from is @to where the package is, too: dpkg-divert(1). */
struct rpm_divert {
	struct str package; /* whose own file stays at @from; empty: nobody's */
	struct str from, to;
};

typedef VEC(struct rpm_divert) vec_divert;

/* A whole package in memory. Files sorted by path, parents need not be listed. */
struct rpm_package {
	struct rpm_meta meta;
	vec_rpm_file files;
	/* what it claims of others' files (rpm/claims.h): those that it has itself of packages that
	 * it replaces, and diversions */
	vec_dep replaces;
	vec_divert diverts;
	vec_changelog changelog;
	uint64_t build_time_sec;
	/* of a package that was read */
	uint8_t header_sha256[SHA256_BYTES]; /* its identity */
	size_t front_bytes;                  /* what is before its payload in its file */
};

/* Paths absolute, normalised, in order and listed once; types known; device numbers within RPM's
 * limits. -EBADMSG names the file. */
must_check int rpm_files_check(const vec_rpm_file *files, struct err *e);

/* "name-[epoch:]version-release.arch" and "[epoch:]version-release". */
struct str rpm_nevra(struct arena *a, const struct rpm_meta *m);
struct str rpm_evr(struct arena *a, const struct rpm_meta *m);
/* "name op evr" as rpm prints a dependency. */
struct str dep_text(struct arena *a, const struct dep *d);
/* Whether version @evr ("[epoch:]version-release") is one that @d speaks of. */
bool dep_covers(const struct dep *d, struct str evr);
/* The reverse: "NAME", "NAME OP EVR" with one of < <= = >= >, or a rich dependency in parentheses,
 * not looked into. Borrows; false when it is none of these. */
must_check bool dep_parse(struct str text, struct dep *ret);
