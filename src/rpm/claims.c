/* SPDX-License-Identifier: MIT */
#include "rpm/claims.h"

static const char replaces_open[] = "replaces(", diverts_open[] = "diverts(";

bool claim_path_valid(struct str path)
{
	struct str rest = str_from(path, 1);

	if (!str_starts(path, "/") || path.n == 1)
		return false;
	for (size_t i = 0; i < path.n; i++)
		if ((uint8_t)path.p[i] <= ' ' || path.p[i] == ':' || path.p[i] == 0x7f)
			return false;
	while (rest.n > 0) {
		struct str part = str_cut(&rest, '/');

		if (part.n == 0 || str_eqz(part, ".") || str_eqz(part, ".."))
			return false;
	}
	return path.p[path.n - 1] != '/';
}

void claims_put(struct arena *a, const struct rpm_package *p, vec_dep *ret)
{
	vec_each(r, &p->replaces)
		vec_push(a, ret) = (struct dep){ .name = str_printf(a, "%s%.*s)", replaces_open,
								    STR_FMT(r->name)),
						 .evr = r->evr,
						 .op = r->op };
	vec_each(d, &p->diverts)
		vec_push(a, ret) =
			(struct dep){ .name = str_printf(a, "%s%.*s:%.*s:%.*s)", diverts_open,
							 STR_FMT(d->package), STR_FMT(d->from),
							 STR_FMT(d->to)) };
}

static bool divert_take(struct arena *a, struct str text, struct rpm_package *p)
{
	struct rpm_divert d = { .package = str_cut(&text, ':') };

	d.from = str_cut(&text, ':');
	d.to = text;
	if (!claim_path_valid(d.from) || !claim_path_valid(d.to))
		return false;
	vec_push(a, &p->diverts) = d;
	return true;
}

bool claim_take(struct arena *a, const struct dep *d, struct rpm_package *p)
{
	struct str inside = d->name;

	if (!str_ends(inside, ")"))
		return false;
	inside.n--;
	if (str_starts(inside, diverts_open) && d->op == DEP_ANY)
		return divert_take(a, str_from(inside, strlen(diverts_open)), p);
	if (!str_starts(inside, replaces_open))
		return false;
	vec_push(a, &p->replaces) = (struct dep){ .name = str_from(inside, strlen(replaces_open)),
						  .evr = d->evr,
						  .op = d->op };
	return true;
}
