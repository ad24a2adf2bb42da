/* SPDX-License-Identifier: MIT */
/* xattr.h - the extended attributes of a file (xattr(7)): capabilities, security labels, ACLs. */
#pragma once

#include "base/str.h"

#define XATTR_CAPS "security.capability"

struct xattr {
	struct str name; /* with its prefix: "security.capability", "user.x" */
	struct str value;
};

/* Of one file: sorted by name, each once. xattr_set() keeps it so. */
typedef VEC(struct xattr) vec_xattr;

/* Puts one in its place, or another value for it. */
void xattr_set(struct arena *a, vec_xattr *xattrs, struct str name, struct str value);
/* NULL: there is none of that name. */
const struct str *xattr_get(const vec_xattr *xattrs, const char *name);
bool xattrs_same(const vec_xattr *x, const vec_xattr *y);
vec_xattr xattrs_dup(struct arena *a, const vec_xattr *xattrs);
/* For people: capabilities as cap_to_text(3) has them, then all others as NAME=HEX; separated by
 * blanks, empty when there is none. */
struct str xattrs_text(struct arena *a, const vec_xattr *xattrs);
/* What cap_to_text() would say of the file's capabilities; empty when it has none. */
struct str xattrs_caps(struct arena *a, const vec_xattr *xattrs);
