/* SPDX-License-Identifier: MIT */
/* relation.h - Debian's relationship fields (Debian Policy 7.1) in RPM's terms. */
#pragma once

#include "rpm/package.h"

/* One "name:arch (op version)". */
struct relation {
	struct str name, arch, version;
	unsigned op; /* enum dep_op, or-ed; DEP_ANY without a version */
};

bool package_name_valid(struct str name);

enum { RELATION_ALTERNATIVES_MAX = 128 };

/* Slices of the field. */
struct relation_group {
	struct relation items[RELATION_ALTERNATIVES_MAX];
	size_t n;
};

/* Takes the next group of alternatives "a (>= 1) | b" off *field: 1, or 0 at the end, or -EBADMSG
 * quoting what is wrong. */
must_check int relation_next(struct str *field, struct relation_group *ret, struct err *e);

/* What Debian calls a relation is here one dependency: alternatives become "(a or b >= 1)".
 * Qualifiers ":any", ":native" and of @arch (Debian's name) go; one of another architecture stays
 * in the name, so that nothing here provides it. Appends to *ret. */
must_check int relation_requires(struct arena *a, struct str field, struct str arch, vec_dep *ret,
				 struct err *e);

/* An unversioned Provides satisfies no versioned dependency for dpkg, but every one for RPM. It is
 * therefore provided as "name = ~virtual", which is below every version that version_parse() makes;
 * requirements of at least a version, or exactly one, do not meet it. */
must_check int relation_provides(struct arena *a, struct str field, vec_dep *ret, struct err *e);
/* Conflicts below a version would meet "~virtual", so they exclude it: "(name < 2 with name >
 * ~virtual)". */
must_check int relation_conflicts(struct arena *a, struct str field, struct str arch, vec_dep *ret,
				  struct err *e);

/* Replaces, for what of it files need (Policy 7.6.1): real names, with their versions. */
must_check int relation_replaces(struct arena *a, struct str field, vec_dep *ret, struct err *e);

/* Without the names matching a glob of @drop: false when nothing is left. In "(a or b)" the others
 * stay. */
bool dep_without(struct arena *a, struct dep *d, const vec_str *drop);
