/* SPDX-License-Identifier: MIT */
/* keys.h - the folder of keys that a build signs with: DIR/package-signing.pem and its public half
 * package-signing.asc. */
#pragma once

#include "trust/openpgp.h"

struct keys {
	struct openpgp_key *package_signing;
	bool development; /* made by keys_generate(): marked so in every manifest that used it */
};

/* Makes all keys in @dir (created, mode 0700; files 0600); refuses to replace existing ones. */
must_check int keys_generate(const char *dir, uint64_t time_sec, struct err *e);
/* Reads them. A missing folder is -ENOENT, with a sentence that says how to make them. */
must_check int keys_read(struct arena *a, const char *dir, struct keys *ret, struct err *e);
void keys_done(struct keys *k);
