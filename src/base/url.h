/* SPDX-License-Identifier: MIT */
/* url.h - URLs as mirrors have them (RFC 3986): their parts, and what may be shown of them. */
#pragma once

#include "base/str.h"

/* Slices of the text. */
struct url {
	struct str scheme;         /* "http" */
	struct str user, password; /* percent-escapes as they stand; @has_user: they are there */
	struct str host;           /* an IPv6 address without its brackets; empty: file:/path */
	struct str port;           /* digits, or empty */
	struct str place;          /* host and port as they stand */
	struct str path;           /* from '/' on, with what follows; may be empty */
	bool has_user;
};

/* SCHEME://[USER[:PASSWORD]@]HOST[:PORT][/PATH], or file:/PATH. False for anything else: also when
 * a password has a '/' that is not escaped. */
must_check bool url_parse(struct str text, struct url *ret);
/* Without user and password. */
struct str url_clean(struct arena *a, struct str text);
/* For messages: url_clean() of a URL, and nothing behind the scheme of what is none but may hold a
 * password. Other text stays. */
struct str url_shown(struct arena *a, struct str text);
/* "%41" becomes "A"; a '%' without two digits stays. */
struct str url_unescape(struct arena *a, struct str text);
/* What a path may not have as it stands becomes "%20"; '/' stays. '+' is escaped, too, as some
 * stores take it for a blank. */
struct str url_escape_path(struct arena *a, struct str path);
