/* SPDX-License-Identifier: MIT */
#include <rpm/rpmds.h>
#include <rpm/rpmver.h>

#include "rpm/package.h"
#include "rpm/tags.h"

bool dep_covers(const struct dep *d, struct str evr)
{
	_cleanup_arena_ struct arena a = { 0 };
	rpmver have, want;
	bool ret;

	if (!(d->op & (DEP_LESS | DEP_GREATER | DEP_EQUAL)))
		return true;
	librpm_init();
	have = rpmverParse(str_z(&a, evr));
	want = rpmverParse(str_z(&a, d->evr));
	ret = have && want && rpmverOverlap(have, RPMSENSE_EQUAL, want, (rpmsenseFlags)d->op);
	rpmverFree(have);
	rpmverFree(want);
	return ret;
}
