/* SPDX-License-Identifier: MIT */
/* diversion.h - dpkg-divert(1) in maintainer scripts: a package has files of others put elsewhere,
 * to hide them or to bring its own instead. */
#pragma once

#include "conf/conf.h"
#include "rpm/package.h"
#include "upstream/debian/shell.h"

struct diversions {
	struct arena *a;                 /* of what is found */
	const struct conf_package *conf; /* its diversions go before those of scripts */
	vec_divert *found;
};

/* Whether the command only asks, removes (there is nothing to remove on a first installation), or
 * adds a diversion that is known, which is then noted; paths are those of a merged /usr. Without
 * renaming, a path outside /usr that the merge moves names no package's file: nothing is diverted
 * then. */
bool diversion_read(const struct diversions *d, const struct shell_command *cmd);
/* Those that the definition declares: -EINVAL names one whose path has blanks or colons. */
must_check int diversions_declared(struct arena *a, const struct conf_package *conf,
				   vec_divert *ret, struct err *e);
