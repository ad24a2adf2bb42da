/* SPDX-License-Identifier: MIT */
/* files.h - the `files:`, `users:` and `groups:` of a definition. */
#pragma once

#include "conf/conf.h"
#include "conf/yaml.h"

enum { CONF_FILE_BYTES_MAX = 16 << 20 };

/* DISTRO/BELOW. Below DISTRO no link is followed. */
struct conf_folder {
	const char *distro, *below;
};

/* That a list names no user or group twice. */
must_check int conf_users_check(struct arena *a, const struct yaml_doc *doc,
				const struct conf_user *users, size_t n, struct err *e);
must_check int conf_groups_check(struct arena *a, const struct yaml_doc *doc,
				 const struct conf_group *groups, size_t n, struct err *e);
/* Checks that each says what it is, fills in modes and, from @folder unless NULL, the content of
 * each `source`. */
must_check int conf_files_load(struct arena *a, const struct yaml_doc *doc,
			       const struct conf_folder *folder, struct conf_file *files, size_t n,
			       struct err *e);
