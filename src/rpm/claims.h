/* SPDX-License-Identifier: MIT */
/* claims.h - what a package claims of others' files, as dependencies: how packages carry it. RPM
 * has neither diversions nor a way to take single files over, but anybody may provide
 *
 *	replaces(NAME) < EVR            files that NAME of such a version has, too, are its own
 *	diverts(PACKAGE:FROM:TO)        FROM of all packages but PACKAGE is TO
 */
#pragma once

#include "rpm/package.h"

/* Whether a path can stand in a diversion: absolute, normalised, without blanks and colons. */
bool claim_path_valid(struct str path);

/* All claims of @p, in order. */
void claims_put(struct arena *a, const struct rpm_package *p, vec_dep *ret);
/* If @d is a claim, notes it in @p and returns true. Borrows. */
bool claim_take(struct arena *a, const struct dep *d, struct rpm_package *p);
