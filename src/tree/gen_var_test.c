/* SPDX-License-Identifier: MIT */
#include "tree/gen_test.h"

static struct tree packages(const char *owner)
{
	struct str text = str_printf(
		a,
		"d 0755 %s - 0 /var\n"
		"d 0755 %s - 0 /var/log\n"
		"d 2750 %s - 0 /var/log/x\\x20y\n"
		"f 0640 %s - 77 /var/lib/deep/100%%\\x5c\\x20\"file <data>\n"
		"f 0640 %s - 77 /var/lib/deep/again link=/var/lib/deep/100%%\\x5c\\x20\"file\n"
		"l 0777 %s - 0 /var/spool/mail -> ../mail\\x20%%\\x5c\n"
		"d 0711 %s - 0 /run/sshd\n"
		"d 0755 %s - 0 /usr/lib/sysimage/rpm\n"
		"f 0644 %s - 0 /usr/lib/tmpfiles.d/var.conf <# theirs\\nd /var/log 0755 - - -\\n"
		"L \"/var/run\" - - - - ../run\\nz /var/lib/deep 0700\\n>\n",
		owner, owner, owner, owner, owner, owner, owner, owner, owner);

	return parsed(str_z(a, text));
}

static void test_lines(void **state)
{
	struct tree t = packages("root adm");

	(void)state;
	assert_ok(gen_var(&t, &e), &e);
	assert_str(content(&t, "/usr/lib/tmpfiles.d/ashlar-var.conf"),
		   "# What packages hold below /var and /run.\n"
		   "L \"/var/lib/rpm\" - - - - ../../usr/lib/sysimage/rpm\n"
		   "L \"/var/lock\" - - - - ../run/lock\n"
		   "d \"/run/sshd\" 0711 root adm - -\n"
		   "C \"/var/lib/deep/100%%\\\\ \\\"file\" 0640 root adm - -\n"
		   "C \"/var/lib/deep/again\" 0640 root adm - -\n"
		   "d \"/var/log/x y\" 2750 root adm - -\n"
		   "L \"/var/spool/mail\" - - - - ../mail\\x20%%\\x5c\n");
	tree_remove(&t, tree_find(&t, STR("/usr/lib")));
	assert_str(
		tree_dump(a, &t),
		"d 0755 root root - 0 /\n"
		"d 0755 root root - 0 /run\n"
		"d 0755 root root - 0 /usr\n"
		"d 0755 root root - 0 /usr/share\n"
		"d 0755 root root - 0 /usr/share/factory\n"
		"d 0755 root root - 0 /usr/share/factory/var\n"
		"d 0755 root root - 0 /usr/share/factory/var/lib\n"
		"d 0755 root root - 0 /usr/share/factory/var/lib/deep\n"
		"f 0640 root adm 4 77 /usr/share/factory/var/lib/deep/100%\\x5c\\x20\"file <data>\n"
		"f 0640 root adm 4 77 /usr/share/factory/var/lib/deep/again <data>\n"
		"d 0755 root adm - 0 /var\n");
}

static void test_errors(void **state)
{
	struct tree t = parsed("p 0600 root root - 0 /var/pipe\n");

	(void)state;
	assert_err(gen_var(&t, &e), &e,
		   "/var/pipe, from a generator: only files, folders and links");
	t = parsed("d 0700 root root - 0 /var/a\\x0ab\n");
	assert_err(gen_var(&t, &e), &e,
		   "a path with a control character cannot stand in tmpfiles.d");
}

/* What systemd-tmpfiles makes of the lines is what the packages held. */
static void test_judged_by_tmpfiles(void **state)
{
	struct tree t =
		packages(str_z(a, str_printf(a, "%u %u", (unsigned)getuid(), (unsigned)getgid())));
	const char *find[] = {
		"find", NULL, "-mindepth", "1", "-printf", "%y %m %s %P %l\\n", NULL
	};
	struct proc_result res;
	char *root;

	(void)state;
	assert_ok(gen_var(&t, &e), &e);
	root = extract(&t);
	if (proc_run(a,
		     (const char *[]){ "systemd-tmpfiles",
				       str_z(a, str_printf(a, "--root=%s", root)), "--create",
				       "ashlar-var.conf", NULL },
		     STR(""), NULL, &res, &e) < 0)
		skip();
	if (res.status != 0 || res.err.n > 0)
		fail_msg("%.*s", STR_FMT(res.err));
	find[1] = path_join(a, root, "var");
	assert_ok(proc_run(a, find, STR(""), NULL, &res, &e), &e);
	assert_true(str_has(res.out, "f 640 4 lib/deep/100%\\ \"file \n"));
	assert_true(str_has(res.out, "f 640 4 lib/deep/again \n"));
	assert_true(str_has(res.out, " log/x y \n") && str_has(res.out, "d 2750 "));
	assert_true(str_has(res.out, " spool/mail ../mail %\\\n"));
	assert_true(str_has(res.out, " lib/rpm ../../usr/lib/sysimage/rpm\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_lines), TEST(test_errors),
					    TEST(test_judged_by_tmpfiles) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
