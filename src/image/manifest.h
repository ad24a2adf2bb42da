/* SPDX-License-Identifier: MIT */
/* manifest.h - what an image is made of, as JSON: the same input gives the same bytes. */
#pragma once

#include "image/plan.h"

/* Keys: docs/manifest.md. */
must_check int manifest_text(struct arena *a, const struct image_options *o,
			     const struct resolved *res, const struct stored_package *packages,
			     const struct assembled *as, const struct image_plan *plan,
			     const struct keys *keys, struct str *ret, struct err *e);
