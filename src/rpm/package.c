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

static const struct {
	const char *text;
	unsigned op;
} ops[] = {
	{ "<", DEP_LESS },    { "<=", DEP_LESS | DEP_EQUAL },
	{ "=", DEP_EQUAL },   { ">=", DEP_GREATER | DEP_EQUAL },
	{ ">", DEP_GREATER },
};

bool dep_parse(struct str text, struct dep *ret)
{
	struct dep dep = { .name = str_trim(text) };
	struct str rest = dep.name, op;

	if (str_starts(rest, "(")) {
		*ret = dep;
		return true;
	}
	dep.name = str_word(&rest);
	op = str_word(&rest);
	dep.evr = str_word(&rest);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (str_eqz(op, ops[i].text))
			dep.op = ops[i].op;
	if (dep.name.n == 0 || str_word(&rest).n > 0 || (dep.op == 0) != (op.n == 0) ||
	    (dep.op == 0) != (dep.evr.n == 0))
		return false;
	*ret = dep;
	return true;
}
