/* SPDX-License-Identifier: MIT */
/* verify.h - checks a finished image without booting it: what firmware, kernel and init would
 * check, and more. */
#pragma once

#include "keys/keys.h"

struct verify_input {
	struct str image;
	const vec_str *trusted; /* DER certificates by role (trust/keys.h) */
	/* What the keys' dbx holds; what the image itself enrols there counts besides. */
	vec_efi_revocation revoked;
	struct str manifest; /* its text; empty: there is none */
	unsigned jobs;
	/* Signatures may be missing, as long as nothing else stands in their places. */
	bool to_sign;
};

struct verify_report {
	uint8_t root_hash[32];
	size_t n_partitions, n_inodes;
	struct str uki;   /* path on the ESP */
	bool manifest;    /* there was one */
	bool development; /* it says: signed with development keys */
};

/* Every byte: what is signed is checked against the given certificates, what is hashed against what
 * is signed, and all else must be as our own writers make it. Names the first thing that is wrong.
 */
must_check int image_verify(struct arena *a, const struct verify_input *in,
			    struct verify_report *ret, struct err *e);
