/* SPDX-License-Identifier: MIT */
/* credential.h - what a guest is told from outside, with nothing changed in the image
 * (systemd.system-credentials(7)). */
#pragma once

#include "base/str.h"

struct credential {
	const char *name;
	struct str value;
};

typedef VEC(struct credential) vec_credential;
