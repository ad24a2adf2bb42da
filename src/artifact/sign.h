/* SPDX-License-Identifier: MIT */
/* sign.h - puts signatures into a finished image. */
#pragma once

#include "artifact/signatures.h"

/* What is vouched for. */
struct sign_subject {
	uint8_t root_hash[SHA256_BYTES];
	struct str command_line;
	uint8_t pcr11[SHA256_BYTES];  /* at which the state is opened: after the first phase */
	uint8_t policy[SHA256_BYTES]; /* SHA-256 of the execution policy's text */
};

struct sign_options {
	const char *signatures; /* folder; NULL: NAME.to-sign beside the image */
	unsigned jobs;
	bool look; /* sign nothing, just say what would be */
};

struct sign_report {
	struct sign_subject subject;
	vec_to_sign pending; /* still missing */
	const char *asked;   /* folder in which they are described; NULL: none is missing */
};

/* The image at @path (NAME.raw, with NAME.manifest.json beside it) gets every signature that a key
 * of @keys makes or that lies in @o->signatures as SIGNATURE.sig; what then is still missing is
 * described in NAME.to-sign. Before that it is verified, all but the missing signatures: what was
 * changed after its build is not signed. Image and manifest are replaced when everything went well,
 * each whole or not at all. Signing an image that is signed gives the same bytes again. */
must_check int image_sign(struct arena *a, const char *path, const struct keys *keys,
			  const struct sign_options *o, struct sign_report *ret, struct err *e);
