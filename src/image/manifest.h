/* SPDX-License-Identifier: MIT */
/* manifest.h - what an image is made of, as JSON: the same input gives the same bytes. */
#pragma once

#include "image/plan.h"

/* Keys: docs/manifest.md. @development: signed with development keys. */
struct str manifest_text(struct arena *a, const struct image_options *o, const struct resolved *res,
			 const struct stored_package *packages, const struct assembled *as,
			 const struct image_plan *plan, bool development);
