/* SPDX-License-Identifier: MIT */
/* auth.h - logins of mirrors and proxies: of apt's auth.conf (apt_auth.conf(5)) and of URLs. They
 * go to the server alone: no message, no file of the cache and no result holds one. */
#pragma once

#include "base/str.h"

struct auth {
	/* One of the two: */
	struct str machine; /* [PROTOCOL://]HOST[:PORT][/PATH] of apt's file */
	struct str below;   /* every URL that begins with this one */
	struct str login, password;
};

typedef VEC(struct auth) vec_auth;

/* Adds the entries of an auth.conf. As apt, takes what it understands: tokens in pairs, over any
 * number of lines; a line that begins with '#' is a comment. */
void auth_parse(struct arena *a, struct str text, vec_auth *ret);
/* Adds the login that @url has, if any, for all below it; gives @url without it. */
struct str auth_take(struct arena *a, struct str url, vec_auth *ret);
/* The entry for @url: a login of a mirror's own URL goes first, then the first entry that matches
 * as apt says: without a protocol, for https only; without a port, for all; with a path, for all
 * that begins so. NULL: none. */
const struct auth *auth_find(const vec_auth *all, struct str url);
