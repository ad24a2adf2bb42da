/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "upstream/debian/shell.h"

static int visit(void *arg, const struct shell_command *command, struct err *e)
{
	(void)arg;
	(void)command;
	(void)e;
	return 0;
}

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	const struct str args[] = { STR("configure"), STR("") };
	_cleanup_arena_ struct arena a = { 0 };
	struct err e;

	return shell_walk(&a, (struct str){ (const char *)data, size }, args, 2, visit, NULL, &e) >=
	       0;
}
