/* SPDX-License-Identifier: MIT */
#include "rpm/package.h"

#include <inttypes.h>

struct str rpm_evr(struct arena *a, const struct rpm_meta *m)
{
	if (m->epoch > 0)
		return str_printf(a, "%" PRIu64 ":%.*s-%.*s", m->epoch, STR_FMT(m->version),
				  STR_FMT(m->release));
	return str_printf(a, "%.*s-%.*s", STR_FMT(m->version), STR_FMT(m->release));
}

struct str rpm_nevra(struct arena *a, const struct rpm_meta *m)
{
	struct str evr = rpm_evr(a, m);

	return str_printf(a, "%.*s-%.*s.%.*s", STR_FMT(m->name), STR_FMT(evr), STR_FMT(m->arch));
}

struct str dep_text(struct arena *a, const struct dep *d)
{
	const char *less = d->op & DEP_LESS ? "<" : "", *greater = d->op & DEP_GREATER ? ">" : "";
	const char *equal = d->op & DEP_EQUAL ? "=" : "";

	if (!(d->op & (DEP_LESS | DEP_GREATER | DEP_EQUAL)))
		return d->name;
	return str_printf(a, "%.*s %s%s%s %.*s", STR_FMT(d->name), less, greater, equal,
			  STR_FMT(d->evr));
}
