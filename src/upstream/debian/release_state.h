/* SPDX-License-Identifier: MIT */
/* release_state.h - a verified release file in the cache, and what the server said of it. */
#pragma once

#include "base/str.h"

struct release_state {
	struct str url;            /* of the suite's folder */
	struct str keyring_sha256; /* of what it was verified with */
	struct str came_sha256;    /* of what came, signature and all */
	struct str etag, modified; /* of InRelease; or empty */
	struct str text;           /* what was signed; empty: none */
};

/* Fills *s from the file, when that is whole, of s->url and was verified with s->keyring_sha256. */
void release_state_load(struct arena *a, const char *path, struct release_state *s);
must_check int release_state_save(const char *path, const struct release_state *s, struct err *e);
