/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "trust/keys.h"

struct key_options {
	struct common_options common;
};

static int run(struct arena *a, void *options, char **args, struct err *e)
{
	const struct key_options *o = options;
	struct key_generate g = { .dir = o->common.keys, .time_sec = (uint64_t)time(NULL) };
	int r;

	(void)a;
	if (strcmp(args[0], "generate") != 0)
		return err_set(e, -EINVAL, "no action '%s'; want 'ashlar key generate'", args[0]);
	r = keys_generate(&g, e);
	if (r == 0 && !o->common.quiet)
		printf("%s: development keys; never for production\n", o->common.keys);
	return r;
}

const struct verb verb_key = {
	.name = "key",
	.args = "generate",
	.help = "make the keys that a build signs with",
	.description =
		"Makes development keys in the folder that --keys names. They are marked as such in every manifest "
		"that used them. Keys that are there already are never replaced.",
	.example = "ashlar key generate",
	.options_size = sizeof(struct key_options),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
