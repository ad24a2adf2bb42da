/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "base/str.h"

static int action_unknown(struct arena *a, const char *verb, const struct action *actions,
			  struct str given, struct err *e)
{
	vec_str names = { 0 };
	const struct str *near;

	for (; actions->name; actions++)
		vec_push(a, &names) = str_c(actions->name);
	near = str_nearest(names.p, names.n, given);
	if (near)
		return err_set(e, -EINVAL, "no action '%.*s'; did you mean 'ashlar %s %.*s'?",
			       STR_FMT(given), verb, STR_FMT(*near));
	return err_set(e, -EINVAL, "no action '%.*s'; want %.*s", STR_FMT(given),
		       STR_FMT(str_names(a, &names)));
}

int action_run(struct arena *a, const char *verb, const struct action *actions, const void *options,
	       const char *options_given, char **args, struct err *e)
{
	int n = 0;

	while (args[n + 1])
		n++;
	for (const struct action *is = actions; is->name; is++) {
		if (strcmp(args[0], is->name) != 0)
			continue;
		if (n != is->n_args)
			return err_set(e, -EINVAL, "want 'ashlar %s %s%s'", verb, is->name,
				       is->args);
		if (!is->takes_options && options_given)
			return err_set(e, -EINVAL, "'ashlar %s %s' takes no %s", verb, is->name,
				       options_given);
		return is->run(a, options, args + 1, e);
	}
	return action_unknown(a, verb, actions, str_c(args[0]), e);
}
