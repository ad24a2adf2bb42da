/* SPDX-License-Identifier: MIT */
#include "tree/gen_test.h"
#include "tree/sysusers.h"

#define CONF "/usr/lib/sysusers.d/"

static int users_of(struct tree *t)
{
	struct conf_image image = { 0 };

	return gen_users(t, NULL, 0, &image, &e);
}

static void test_ids(void **state)
{
	struct tree t = parsed("");

	(void)state;
	put(&t, CONF "basic.conf",
	    "# base\n"
	    "u root 0 \"Super User\" /root /bin/bash\n"
	    "g adm 4\ng shadow 42\ng users 100\ng nogroup 65534\n"
	    "u daemon 1\n"
	    "u sync 4:65534 - /bin /bin/sync\n"
	    "u nobody 65534:nogroup 'No body' /nonexistent\n");
	put(&t, CONF "x.conf",
	    "u! zeta\nu alpha - \"100%% alpha\"\nu beta -:users\ng gamma -\nu taken 42\n"
	    "m alpha adm\nm late adm\nm alpha adm\n");
	assert_ok(users_of(&t), &e);
	assert_str(content(&t, "/etc/passwd"),
		   "root:x:0:0:Super User:/root:/bin/bash\n"
		   "daemon:x:1:1::/:/usr/sbin/nologin\n"
		   "sync:x:4:65534::/bin:/bin/sync\n"
		   "zeta:x:994:994::/:/usr/sbin/nologin\n"
		   "taken:x:995:995::/:/usr/sbin/nologin\n"
		   "late:x:996:996::/:/usr/sbin/nologin\n"
		   "beta:x:998:100::/:/usr/sbin/nologin\n"
		   "alpha:x:999:999:100% alpha:/:/usr/sbin/nologin\n"
		   "nobody:x:65534:65534:No body:/nonexistent:/usr/sbin/nologin\n");
	assert_str(content(&t, "/etc/group"),
		   "root:x:0:\ndaemon:x:1:\nadm:x:4:alpha,late\nshadow:x:42:\nusers:x:100:\n"
		   "zeta:x:994:\ntaken:x:995:\nlate:x:996:\ngamma:x:997:\nalpha:x:999:\n"
		   "nogroup:x:65534:\n");
	assert_str(content(&t, "/etc/shadow"),
		   "root:*:::::::\ndaemon:!*:::::::\nsync:!*:::::::\n"
		   "zeta:!*::::::1:\ntaken:!*:::::::\nlate:!*:::::::\n"
		   "beta:!*:::::::\nalpha:!*:::::::\nnobody:!*:::::::\n");
	assert_ok(tree_resolve_owners(&t, &e), &e);
	assert_int_equal(t.nodes.p[tree_find(&t, STR("/etc/shadow"))].gid, 42);
	assert_int_equal(t.nodes.p[tree_find(&t, STR("/etc/shadow"))].mode, S_IFREG | 0640);
}

static const struct {
	const char *text, *message;
} bad[] = {
	{ "x name", "x.conf:1: unknown type, want u, u!, g, m or r: 'x'" },
	{ "\nu 1name", "x.conf:2: not a name of a user or group: '1name'" },
	{ "u aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "not a name" },
	{ "u a 65535", "want '-', a number, UID:GROUP or a path as id: '65535'" },
	{ "u a 5:a/b", "want a primary group's name or number after ':'" },
	{ "u a 5 \"no end", "a quote has no end" },
	{ "u a %b", "the only specifier known at build time is %%: '%b'" },
	{ "u a - a:b", "a description cannot hold ':'" },
	{ "u a - - home", "want an absolute path as home directory: 'home'" },
	{ "u a - - / sh", "want an absolute path as shell: 'sh'" },
	{ "u a - - / /sh more", "more than six fields: 'more'" },
	{ "g a - gecos", "only users have a description" },
	{ "g a a", "want '-', a number or a path as id: 'a'" },
	{ "m a -", "want a group's name: ''" },
	{ "r a 5", "want '-' as name of a range" },
	{ "r - 9-5", "want a range of ids, FROM-TO: '9-5'" },
	{ "u a 5:nogroup",
	  "x.conf:1: the primary group 'nogroup' of user 'a' is declared nowhere" },
	{ "r - 500-501\nu a\nu b\nu c", "x.conf:4: no free id is left for 'c'" },
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tree t = parsed("");

		put(&t, CONF "x.conf", bad[i].text);
		assert_err(users_of(&t), &e, bad[i].message);
	}
}

static void test_files_and_definitions(void **state)
{
	struct conf_user own = { .name = STR("web"), .id = STR("80"), .shell = STR("/bin/sh") };
	struct conf_group group = { STR("data"), STR("-") };
	struct conf_member member = { STR("web"), STR("data") };
	struct conf_package p = { .source = STR("distro/packages/web/package.yaml") };
	struct conf_image image = { 0 };
	struct tree t = parsed("l 0777 root root - 0 /etc/sysusers.d/masked.conf -> /dev/null\n"
			       "d 0755 77 78 - 0 /srv/own\n");

	(void)state;
	vec_push(a, &p.users) = own;
	vec_push(a, &p.groups) = group;
	vec_push(a, &p.members) = member;
	put(&t, CONF "masked.conf", "u masked\n");
	put(&t, CONF "b.conf", "u hidden\n");
	put(&t, "/etc/sysusers.d/b.conf", "u web 99\nr - 300-302\nu shown\nu own /srv/own\n");
	assert_ok(gen_users(&t, &p, 1, &image, &e), &e);
	assert_str(content(&t, "/etc/passwd"), "own:x:77:78::/:/usr/sbin/nologin\n"
					       "web:x:80:80::/:/bin/sh\n"
					       "shown:x:301:301::/:/usr/sbin/nologin\n");
	assert_str(content(&t, "/etc/gshadow"), "own:!*::\nweb:!*::\nshown:!*::\ndata:!*::web\n");
	assert_err(users_of(&t), &e,
		   "/etc/passwd, from a generator: users and groups come from sysusers.d");
}

/* systemd-sysusers gives numbers in the order of lines, to groups first: with names in that order,
 * both agree. Its shadow has the date of today. */
static void test_judged_by_sysusers(void **state)
{
	struct tree t = parsed("d 0755 root root - 0 /etc\n");
	struct proc_result res;
	char *root;

	(void)state;
	put(&t, CONF "basic.conf",
	    "g adm 4\ng tty 5\ng users 100\ng nogroup 65534\nu root 0 - /root /bin/bash\n"
	    "u daemon 1 - /usr/sbin\nu sync 4:65534 - /bin /bin/sync\nu lp 7\n"
	    "u nobody 65534:65534 - /nonexistent\n");
	put(&t, CONF "dyn.conf",
	    "g aa -\nu bb - \"A \\\"quoted\\\" one\"\nu cc -:users\nu dd 5\nm bb adm\nm dd adm\n"
	    "m ee adm\n");
	root = extract(&t);
	if (proc_run(a,
		     (const char *[]){ "systemd-sysusers",
				       str_z(a, str_printf(a, "--root=%s", root)), NULL },
		     STR(""), NULL, &res, &e) < 0)
		skip();
	if (res.status != 0)
		fail_msg("%.*s", STR_FMT(res.err));
	assert_ok(users_of(&t), &e);
	const char *sort[] = { "sort", "-t:", "-k3n", NULL };
	const char *files[] = { "etc/passwd", "etc/group" };

	for (size_t i = 0; i < 2; i++) {
		assert_ok(proc_run(a, sort, read_back(root, files[i]), NULL, &res, &e), &e);
		assert_str(content(&t, str_z(a, str_printf(a, "/%s", files[i]))),
			   str_z(a, res.out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ids),
		TEST(test_errors),
		TEST(test_files_and_definitions),
		TEST(test_judged_by_sysusers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
