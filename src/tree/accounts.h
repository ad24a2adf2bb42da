/* SPDX-License-Identifier: MIT */
/* accounts.h - the users and groups of a finished tree. */
#pragma once

#include "conf/conf.h"
#include "tree/tree.h"

/* That /etc/passwd and /etc/group are such that each account is one: no name and no id twice, root
 * is 0 and nobody else is, and that who is to log in has a shell. */
must_check int image_check_accounts(struct arena *a, const struct conf_image *image,
				    const struct tree *t, struct err *e);
/* The accounts whose ids image->ids has yet to keep, sorted by name. */
must_check int image_new_ids(struct arena *a, const struct conf_image *image, const struct tree *t,
			     vec_conf_id *ret, struct err *e);
