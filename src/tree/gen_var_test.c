/* SPDX-License-Identifier: MIT */
#include "tree/gen_test.h"

#define TMPFILES "/usr/lib/tmpfiles.d/ashlar-var.conf"

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

#define UNITS "/usr/lib/systemd/system/"

/* homes as the distribution mounts them, and what else a machine may have */
static const char mounted[] =
	"f 0644 root root - 0 " UNITS
	"home.mount <[Mount]\\nWhat=/var/home\\nWhere=/home\\nOptions=bind\\n>\n"
	"l 0777 root root - 0 /etc/systemd/system/local-fs.target.wants/home.mount -> " UNITS
	"home.mount\n"
	"f 0644 root root - 0 " UNITS "tmp.mount <[Mount]\\nWhere = /tmp/\\nType=tmpfs\\n>\n"
	"l 0777 root root - 0 " UNITS "local-fs.target.wants/tmp.mount -> ../tmp.mount\n"
	"f 0644 root root - 0 " UNITS "data.mount <[Mount]\\nWhere=/data\\nOptions=x,ro\\n>\n"
	"l 0777 root root - 0 " UNITS "x.service.requires/data.automount -> ../data.mount\n"
	"f 0644 root root - 0 " UNITS "srv.mount <[Mount]\\nWhere=/srv\\n>\n"
	"f 0644 root root - 0 " UNITS "opt.mount <[Mount]\\nWhere=/opt\\n>\n"
	"l 0777 root root - 0 " UNITS "x.service.wants/opt.mount -> ../opt.mount\n"
	"l 0777 root root - 0 /etc/systemd/system/opt.mount -> /dev/null\n"
	"f 0644 root root - 0 /etc/fstab <# x\\nLABEL=n\\x5c040a /net nfs defaults\\n/dev/vdb  /disk ext4 rw 0 2\\n/dev/vdc /no ext4 noauto\\n>\n";

/* Where a running system mounts something, content is made after that. */
static void test_mounts(void **state)
{
	struct tree t = parsed(mounted);

	(void)state;
	put(&t, "/home/admin/.ssh/authorized_keys", "key");
	put(&t, "/tmp/x", "x");
	put(&t, "/disk/x", "x");
	put(&t, "/srv/x", "not mounted by itself");
	put(&t, "/opt/x", "masked");
	put(&t, "/no/x", "not mounted by itself");
	assert_ok(gen_var(&t, &e), &e);
	assert_str(content(&t, TMPFILES),
		   "# What packages hold below /var and /run.\n"
		   "L \"/var/lock\" - - - - ../run/lock\nL \"/var/run\" - - - - ../run\n"
		   "C \"/home/admin/.ssh/authorized_keys\" 0644 root root - -\n"
		   "C \"/tmp/x\" 0644 root root - -\n"
		   "C \"/disk/x\" 0644 root root - -\n");
	assert_str(content(&t, "/usr/share/factory/home/admin/.ssh/authorized_keys"), "key");
	assert_int_equal(tree_find(&t, STR("/home/admin")), TREE_NONE);
	assert_str(content(&t, "/srv/x"), "not mounted by itself");
	assert_str(content(&t, "/opt/x"), "masked");
	assert_str(content(&t, "/no/x"), "not mounted by itself");
}

/* systemd's provision.conf makes root's keys from a credential, where there is one. */
static void test_provisioned(void **state)
{
	struct tree t = parsed("");
	uint32_t id;

	(void)state;
	put(&t, "/usr/lib/tmpfiles.d/provision.conf",
	    "f^ /var/r/.ssh/authorized_keys 0600 root :root - x\n"
	    "f /var/theirs\n");
	put(&t, "/var/theirs", "");
	assert_ok(tree_put(&t, STR("/var/r/.ssh/authorized_keys"), S_IFREG | 0600, STR("key"),
			   TREE_OWNER_DEFINITION, &id, &e),
		  &e);
	assert_ok(gen_var(&t, &e), &e);
	assert_true(str_has(content(&t, TMPFILES),
			    "\nC \"/var/r/.ssh/authorized_keys\" 0600 root root - -\n"));
	assert_false(str_has(content(&t, TMPFILES), "theirs"));
}

static void test_hidden(void **state)
{
	static const struct {
		const char *path, *message;
	} hidden[] = {
		{ "/data/x", "/data/x, from package '', would never be seen: " UNITS
			     "data.mount mounts something else on /data; put it" },
		{ "/net/d/x", "/etc/fstab mounts something else on /net" },
		{ "/proc/x", "the kernel mounts something else on /proc" },
		{ "/sys/a/b/c", "the kernel mounts something else on /sys" },
		{ "/dev/x", "the kernel mounts something else on /dev" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
		struct tree t = parsed(mounted);

		vec_push(a, &t.owners) = STR("");
		put(&t, hidden[i].path, "x");
		assert_err(gen_var(&t, &e), &e, hidden[i].message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines),  TEST(test_errors), TEST(test_judged_by_tmpfiles),
		TEST(test_mounts), TEST(test_hidden), TEST(test_provisioned)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
