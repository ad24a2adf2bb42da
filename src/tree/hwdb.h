/* SPDX-License-Identifier: MIT */
/* hwdb.h - the hardware database as udev searches it: a radix tree of match strings with
 * properties, in the format of systemd's sd-hwdb ("KSLPHHRH"). Built in the order of its input, so
 * that the bytes are systemd-hwdb's own. */
#pragma once

#include "base/str.h"

struct hwdb;

/* A property of everything that @match matches. A later one of the same match and key replaces an
 * earlier one. */
struct hwdb_property {
	struct str match, key, value, file;
	uint32_t line;
	uint16_t priority; /* the number of the file, from 1 */
};

/* Lives in @a. */
struct hwdb *hwdb_new(struct arena *a);
/* -E2BIG when there is too much of it. Strings hold no NUL; they are copied. */
must_check int hwdb_add(struct hwdb *h, const struct hwdb_property *p, struct err *e);
/* The file's bytes, in @a. */
struct str hwdb_write(struct hwdb *h, struct arena *a);
