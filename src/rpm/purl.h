/* SPDX-License-Identifier: MIT */
/* purl.h - where a converted package comes from, as a package URL (the purl specification, type
 * "deb"):
 *
 *   pkg:deb/UPSTREAM/NAME@VERSION?arch=A&checksum=sha256:H&essential=yes&size=N&upstream=SOURCE@VERSION
 *
 * Name, version and architecture in upstream's spelling; "upstream" names the source package, as
 * SBOM tools have it. It is kept in the header's VCS tag, which rpm shows (`rpm -qp --qf '%{VCS}'`)
 * and no tool interprets as a version. */
#pragma once

#include "rpm/package.h"

/* Empty for a package that was not converted: one without origin_name. */
struct str purl_format(struct arena *a, const struct rpm_meta *m);
/* Sets the origin's fields of *m; a text that is no such URL is left alone, as VCS tags of other
 * makers are. */
void purl_parse(struct arena *a, struct str purl, struct rpm_meta *m);
