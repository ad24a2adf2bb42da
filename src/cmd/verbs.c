/* SPDX-License-Identifier: MIT */
/* verbs.c - the table of verbs. */
#include <string.h>

#include "cmd/cmd.h"

const struct verb *const verbs[] = { &verb_build,  &verb_explain, &verb_run,
				     &verb_verify, &verb_diff,    &verb_sign,
				     &verb_key,    &verb_cache,   NULL };

const struct verb *verb_find(struct arena *a, const char *name, struct err *e)
{
	const struct str *near;
	vec_str names = { 0 };

	for (const struct verb *const *v = verbs; *v; v++) {
		if (!strcmp((*v)->name, name))
			return *v;
		vec_push(a, &names) = str_c((*v)->name);
	}
	near = str_nearest(names.p, names.n, str_c(name));
	if (near)
		(void)err_set(e, -EINVAL, "no verb '%s'; did you mean '%.*s'?", name,
			      STR_FMT(*near));
	else
		(void)err_set(e, -EINVAL, "no verb '%s'; 'ashlar --help' lists them", name);
	return NULL;
}
