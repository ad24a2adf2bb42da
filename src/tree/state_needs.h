/* SPDX-License-Identifier: MIT */
/* state_needs.h - what an image must have for the state that it wants. */
#pragma once

#include "conf/conf.h"
#include "tree/tree.h"

/* That what agent/init makes authenticated state with is there; else the first boot of a machine
 * would be the first to say so. */
must_check int image_check_state(const struct conf_image *image, const struct tree *t,
				 struct err *e);
