/* SPDX-License-Identifier: MIT */
/* stanza.h - files of fields in stanzas, deb822(5): indexes of packages, release files, apt's
 * sources. */
#pragma once

#include "base/str.h"

enum { STANZA_FIELDS_MAX = 128 };

/* Slices of the text. A value runs from behind the colon to its last line, line breaks inside,
 * blanks at its ends removed. */
struct stanza {
	struct stanza_field {
		struct str name, value;
	} fields[STANZA_FIELDS_MAX];
	size_t n;
};

/* Takes the next stanza off *text: 1, or 0 at the end, or -EBADMSG quoting the line that is no
 * field. */
must_check int stanza_next(struct str *text, struct stanza *ret, struct err *e);
/* Names compare without case; empty when there is no such field. */
struct str stanza_get(const struct stanza *s, const char *name);
