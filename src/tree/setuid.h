/* SPDX-License-Identifier: MIT */
/* setuid.h - programs that have more rights than whoever starts them. */
#pragma once

#include "conf/conf.h"
#include "tree/tree.h"

/* That no file is set-user-ID or set-group-ID or has capabilities but those which the image's
 * setuid-files lists. Names the first other one, where it came from, and the two ways out. */
must_check int image_check_setuid(struct arena *a, const struct conf_image *image,
				  const struct tree *t, struct err *e);
