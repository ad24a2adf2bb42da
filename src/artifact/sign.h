/* SPDX-License-Identifier: MIT */
/* sign.h - puts signatures into a finished image. */
#pragma once

#include "artifact/signatures.h"

struct sign_report {
	vec_to_sign pending; /* still missing */
	const char *asked;   /* folder in which they are described; NULL: none is missing */
};

/* The image at @path (NAME.raw, with NAME.manifest.json beside it) gets every signature that a key
 * of
 * @keys makes or that lies in @signatures (NULL: NAME.to-sign) as SIGNATURE.sig; what then is still
 * missing is described in NAME.to-sign. Image and manifest are replaced when everything went well,
 * each whole or not at all. Signing an image that is signed gives the same bytes again. */
must_check int image_sign(struct arena *a, const char *path, const struct keys *keys,
			  const char *signatures, struct sign_report *ret, struct err *e);
