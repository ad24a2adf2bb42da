/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "fuzz.h"
#include "tree/generators.h"

static const char template[] =
	"# here are the per-package modules (the \"Primary\" block)\n"
	"# here's the fallback if no module succeeds\n"
	"# and here are more per-package modules (the \"Additional\" block)\n"
	"# end of pam-auth-update config\n";

/* The input is a profile, beside one that may lie in conflict with it. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	static const char *const files[] = { "auth", "account", "password", "session",
					     "session-noninteractive" };
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size };
	struct tree t;
	struct err e;

	tree_init(&a, &t);
	for (size_t i = 0; i < 5; i++)
		if (tree_put(&t, str_printf(&a, "/usr/share/pam/common-%s", files[i]),
			     S_IFREG | 0644, str_c(template), 0, NULL, &e) < 0)
			return false;
	return tree_put(&t, STR("/usr/share/pam-configs/x"), S_IFREG | 0644, text, 0, NULL, &e) ==
		       0 &&
	       tree_put(
		       &t, STR("/usr/share/pam-configs/y"), S_IFREG | 0644,
		       STR("Default: yes\nConflicts: w, z\nAuth-Type: Primary\nAuth: required y.so\n"),
		       0, NULL, &e) == 0 &&
	       gen_pam(&t, &e) >= 0;
}
