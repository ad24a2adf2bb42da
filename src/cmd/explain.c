/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"
#include "image/resolve.h"

struct explain_options {
	struct common_options common;
};

static int not_chosen(struct arena *a, const struct resolved *res, const char *image,
		      const char *name, struct err *e)
{
	vec_str names = { 0 };
	const struct str *near;

	for (size_t i = 0; i < res->n; i++)
		vec_push(a, &names) = res->metas[i].name;
	near = str_nearest(names.p, names.n, str_c(name));
	if (near)
		return err_set(e, -ENOENT, "image '%s' has no package '%s'; did you mean '%.*s'?",
			       image, name, STR_FMT(*near));
	return err_set(e, -ENOENT,
		       "image '%s' has no package '%s'; '%s.manifest.json' lists what it has",
		       image, name, image);
}

static int run(struct arena *a, void *options, char **args, struct err *e)
{
	const struct explain_options *o = options;
	struct image_options image = image_options(&o->common, args[0]);
	struct resolved res;
	size_t i = 0;
	int r = image_resolve_now(a, &image, &res, e);

	if (r < 0)
		return err_wrap(e, r, "image '%s'", args[0]);
	while (i < res.n && !str_eqz(res.metas[i].name, args[1]))
		i++;
	if (i == res.n)
		return not_chosen(a, &res, args[0], args[1], e);
	printf("%.*s\n", STR_FMT(rpm_nevra(a, &res.metas[i])));
	/* as many steps as packages: a cache may hold reasons that go round in a circle */
	for (size_t steps = 0; steps < res.n && i != UINT32_MAX; steps++) {
		const struct solve_reason *why = &res.solution.reasons.p[i];

		if (why->by == UINT32_MAX)
			printf("  image '%s' asks for '%.*s'\n", args[0], STR_FMT(why->dep));
		else
			printf("  %s '%.*s' of %.*s\n", why->weak ? "recommended as" : "needed as",
			       STR_FMT(why->dep), STR_FMT(rpm_nevra(a, &res.metas[why->by])));
		i = why->by;
	}
	return 0;
}

const struct verb verb_explain = {
	.name = "explain",
	.args = "IMAGE PACKAGE",
	.help = "say why a package is in an image",
	.description =
		"Prints the chain of requirements that brought PACKAGE in, from the package back to what the "
		"definition asks for.",
	.example = "ashlar explain server libzstd1",
	.options_size = sizeof(struct explain_options),
	.min_args = 2,
	.max_args = 2,
	.run = run,
};
