/* SPDX-License-Identifier: MIT */
/* mirror.h - where an upstream's mirrors are, and how to log in there. */
#pragma once

#include "conf/conf.h"
#include "upstream/apt.h"

/* One URL for each suite of @conf in @ret_urls: never "system", without a login and without '/' at
 * its end. The logins that URLs had are added to @auth. */
must_check int mirrors_resolve(struct arena *a, const struct conf_upstream *conf,
			       struct str *ret_urls, vec_auth *auth, struct err *e);
