/* SPDX-License-Identifier: MIT */
/* manifest_members.h - the members of a manifest's objects, for the files manifest*.c only: dump,
 * parse and comparison follow the same tables. */
#pragma once

#include <stddef.h>

#include "artifact/manifest.h"

enum member_kind {
	MEMBER_TEXT,   /* struct str */
	MEMBER_NUMBER, /* uint64_t */
	MEMBER_BOOL,   /* bool */
	MEMBER_DIGEST, /* uint8_t[SHA256_BYTES] */
};

struct member {
	const char *key; /* NULL: the table's end */
	enum member_kind kind;
	size_t at;
};

extern const struct member manifest_members[], manifest_budget_members[],
	manifest_partition_members[], manifest_package_members[], manifest_origin_members[];
