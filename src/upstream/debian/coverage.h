/* SPDX-License-Identifier: MIT */
/* coverage.h - whether what a command of a maintainer script would do is done otherwise. The rules:
 * scripts.h. */
#pragma once

#include "conf/conf.h"
#include "upstream/debian/deb.h"
#include "upstream/debian/diversion.h"
#include "upstream/debian/shell.h"

/* What is known of one package. Everything borrowed; memory from @a, also for questions. */
struct coverage {
	struct arena *a;
	const struct deb *deb;
	const struct conf_package *conf;
	const struct conf_upstream *upstream;
	struct map users;   /* users and groups declared by sysusers.d or the definition */
	struct map members; /* "user group" */
	struct map paths;   /* declared by tmpfiles.d, or files and links of the definition */
	struct map modes;   /* whose owner and mode tmpfiles.d or the definition sets */
	struct diversions diversions;
};

void coverage_init(struct coverage *c, struct arena *a, const struct deb *deb,
		   const struct conf_package *conf, const struct conf_upstream *upstream);
/* Whether a glob of the upstream's script_covered matches. */
bool coverage_glob(const struct coverage *c, struct str text);
bool coverage_command(const struct coverage *c, const struct shell_command *cmd);
