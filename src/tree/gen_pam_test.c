/* SPDX-License-Identifier: MIT */
#include "tree/gen_test.h"

#define PROFILES "/usr/share/pam-configs/"

static const char *const stack_names[] = { "common-auth", "common-account", "common-password",
					   "common-session", "common-session-noninteractive" };

static void put_templates(struct tree *t)
{
	for (size_t i = 0; i < 5; i++)
		put(t, str_z(a, str_printf(a, "/usr/share/pam/%s", stack_names[i])),
		    "# top\n"
		    "# here are the per-package modules (the \"Primary\" block)\n"
		    "$primary\n"
		    "# here's the fallback if no module succeeds\n"
		    "type\trequisite\tdeny\n"
		    "# and here are more per-package modules (the \"Additional\" block)\n"
		    "$additional\n"
		    "# end of pam-auth-update config\n");
}

/* The lines of a stack that are not the template's. */
static struct str made(const struct tree *t, const char *name)
{
	struct str text = content(t, str_z(a, str_printf(a, "/etc/pam.d/%s", name)));
	struct buf b = { .a = a };

	while (text.n > 0) {
		struct str line = str_cut(&text, '\n');

		if (!str_starts(line, "#") && !str_starts(line, "type\t"))
			buf_printf(&b, "%.*s\n", STR_FMT(line));
	}
	return (struct str){ (char *)b.v.p, b.v.n };
}

static void test_stacks(void **state)
{
	struct tree t = parsed("");

	(void)state;
	put_templates(&t);
	put(&t, PROFILES "one",
	    "Name: One\nDefault: yes\nPriority: 256\nAuth-Type: Primary\nAuth:\n"
	    "\t[success=end default=ignore]\tone.so  try_first  x\nAuth-Initial:\n"
	    "\t[success=end default=ignore]\tone.so x\n"
	    "Session-Type: Additional\nSession:\n\trequired\tone.so\n");
	put(&t, PROFILES "two",
	    "Name: Two\nDefault: yes\nPriority: 128\nAuth-Type: Primary\nAuth-Final:\n"
	    "\t[success=end default=ignore] two.so legend\n\trequired two-more.so\n\n"
	    "Auth-Initial:\n\tnever first.so\n"
	    "Session-Type: Additional\nSession-Interactive-Only: yes\nSession:\n"
	    "\t[success=end]\ttwo.so\n");
	put(&t, PROFILES "off",
	    "Name: Off\nDefault: no\nPriority: 500\nAuth-Type: Primary\nAuth:\n\trequired off.so\n");
	put(&t, PROFILES "rival",
	    "Default: yes\nPriority: 1\nAuth-Type: Primary\nAuth: required rival.so\n");
	put(&t, PROFILES "foe", "Default: yes\nPriority: 1\nConflicts: other, rival\n");
	assert_ok(gen_pam(&t, &e), &e);
	assert_str(made(&t, "common-auth"), "auth\t[success=3 default=ignore]\tone.so x\n"
					    "auth\t[success=2 default=ignore] two.so legend\n"
					    "auth\trequired two-more.so \n");
	assert_str(made(&t, "common-account"), "account\t[default=1]\t\t\tpam_permit.so\n");
	assert_str(made(&t, "common-session"),
		   "session\t[default=1]\t\t\tpam_permit.so\n"
		   "session\trequired\tone.so \nsession\t[success=0]\ttwo.so \n");
	assert_str(made(&t, "common-session-noninteractive"),
		   "session\t[default=1]\t\t\tpam_permit.so\n"
		   "session\trequired\tone.so \n");
	assert_int_equal(t.nodes.p[tree_find(&t, STR("/etc/pam.d/common-auth"))].mode,
			 S_IFREG | 0644);
}

static const struct {
	const char *path, *text, *message;
} bad[] = {
	{ PROFILES "x", "what\n",
	  "/usr/share/pam-configs/x: line 1: want 'NAME: VALUE', not 'what'" },
	{ PROFILES "x", "Default: yes\nPriority: -1\n",
	  "Priority: want a number up to 1048576, not '-1'" },
	{ PROFILES "x", "Default: yes\nAuth-Type: Primary\nAuth:\n required\n",
	  "Auth: want CONTROL MODULE [OPTIONS], not 'required'" },
	{ "/usr/share/pam/common-auth", "# no marks\n",
	  "template /usr/share/pam/common-auth: the line '# here are the per-package modules" },
	{ "/usr/share/pam/common-session", NULL, "but no /usr/share/pam/common-session" },
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tree t = parsed("");

		put_templates(&t);
		put(&t, PROFILES "none", "Default: no\n");
		if (bad[i].text)
			put(&t, bad[i].path, bad[i].text);
		else
			tree_remove(&t, tree_find(&t, str_c(bad[i].path)));
		assert_err(gen_pam(&t, &e), &e, bad[i].message);
	}
}

/* The tree of a Debian root below @root ("" for this machine's own): its profiles and templates. */
static void test_debian(void **state)
{
	static const char *const dirs[] = { "/usr/share/pam-configs", "/usr/share/pam" };
	struct tree t = parsed("");

	(void)state;
	if (!file_exists("/usr/share/pam/common-auth") || !file_exists("/usr/sbin/pam-auth-update"))
		skip();
	for (size_t i = 0; i < 2; i++) {
		vec_str names;

		assert_ok(dir_list(a, dirs[i], &names, &e), &e);
		vec_each(name, &names) {
			char *path = path_join(a, dirs[i], str_z(a, *name));

			put(&t, path, str_z(a, read_back("", path)));
		}
	}
	assert_ok(gen_pam(&t, &e), &e);
	for (size_t i = 0; i < 5; i++) {
		char *path = path_join(a, "/etc/pam.d", stack_names[i]);

		assert_str(content(&t, path), str_z(a, read_back("", path)));
	}
}

static void test_absent(void **state)
{
	struct tree t = parsed("");

	(void)state;
	assert_ok(gen_pam(&t, &e), &e);
	assert_int_equal(tree_find(&t, STR("/etc")), TREE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_stacks), TEST(test_errors), TEST(test_debian),
					    TEST(test_absent) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
