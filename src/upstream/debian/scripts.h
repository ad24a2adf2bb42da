/* SPDX-License-Identifier: MIT */
/* scripts.h - maintainer scripts: read to find what they would do, never executed. */
#pragma once

#include "conf/conf.h"
#include "upstream/debian/deb.h"

/* Looks at what installing the package for the first time would run: "preinst install", "postinst
 * configure" and, where the package is interested in triggers, "postinst triggered". prerm, postrm
 * and config are not looked at: packages in an image are never removed, and config only asks
 * questions.
 *
 * Every command such a run could reach must be covered:
 *  - it only reads, or it writes to /run or /tmp, which are empty at each boot;
 *  - a glob of @upstream's script_covered matches it ("ldconfig**"), or matches the comment that
 * opens a block added by debhelper ("# Automatically added by dh_installmenu**");
 *  - @conf or the package's own sysusers.d and tmpfiles.d files do the same: alternatives, users,
 * groups, members, caps, modes, files, links;
 *  - @conf lists the whole script under `scripts`, with a reason. Its sha256 there, if any, is of
 * the commands that nothing else covers, expanded, one a line (so that a new debhelper's blocks do
 * not matter), or of the whole script when that cannot be understood; the error names it.
 *  - it diverts a file of other packages (diversion.h), and the walk knows which: *ret, in @a.
 * Otherwise, and when a script is no shell script or cannot be understood, an error quotes the
 * lines. */
must_check int scripts_check(struct arena *a, const struct deb *deb,
			     const struct conf_package *conf, const struct conf_upstream *upstream,
			     vec_divert *ret, struct err *e);
