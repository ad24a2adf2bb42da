/* SPDX-License-Identifier: MIT */
#include "tree/accounts.h"
#include "tree/gen_test.h"
#include "tree/sysusers.h"

#define CONF "/usr/lib/sysusers.d/"

static int users_kept(struct tree *t, const struct conf_ids *ids)
{
	struct conf_image image = { .ids = *ids };

	return gen_users(t, NULL, 0, &image, &e);
}

static int users_of(struct tree *t)
{
	const struct conf_ids none = { .source = "distro/ids.yaml" };

	return users_kept(t, &none);
}

static struct conf_ids kept(const char *names, uint64_t first)
{
	struct conf_ids ids = { .source = "distro/ids.yaml" };
	struct str rest = str_c(names);

	while (rest.n > 0)
		vec_push(a, &ids.v) = (struct conf_id){ str_word(&rest), first-- };
	return ids;
}

/* Of a line of /etc/passwd or /etc/group. */
static struct str id_of(struct tree *t, const char *file, const char *name)
{
	struct str text = content(t, file);

	while (text.n > 0) {
		struct str row = str_cut(&text, '\n');

		if (!str_eqz(str_cut(&row, ':'), name))
			continue;
		str_cut(&row, ':');
		return str_cut(&row, ':');
	}
	return (struct str){ 0 };
}

static void test_ids(void **state)
{
	struct tree t = parsed("");
	struct conf_ids ids;

	(void)state;
	put(&t, CONF "basic.conf",
	    "# base\n"
	    "u root 0 \"Super User\" /root /bin/bash\n"
	    "g adm 4\ng shadow 42\ng users 100\ng nogroup 65534\n"
	    "u daemon 1\n"
	    "u sync 4:65534 - /bin /bin/sync\n"
	    "u nobody 65534:nogroup 'No body' /nonexistent\n");
	put(&t, CONF "x.conf",
	    "u! zeta\nu alpha - \"100%% alpha\"\nu beta -:users\ng gamma -\n"
	    "m alpha adm\nm late adm\nm alpha adm\n");
	ids = kept("alpha beta gamma late zeta", 999);
	assert_ok(users_kept(&t, &ids), &e);
	assert_str(content(&t, "/etc/passwd"),
		   "root:x:0:0:Super User:/root:/bin/bash\n"
		   "daemon:x:1:1::/:/usr/sbin/nologin\n"
		   "sync:x:4:65534::/bin:/bin/sync\n"
		   "zeta:x:995:995::/:/usr/sbin/nologin\n"
		   "late:x:996:996::/:/usr/sbin/nologin\n"
		   "beta:x:998:100::/:/usr/sbin/nologin\n"
		   "alpha:x:999:999:100% alpha:/:/usr/sbin/nologin\n"
		   "nobody:x:65534:65534:No body:/nonexistent:/usr/sbin/nologin\n");
	assert_str(content(&t, "/etc/group"),
		   "root:x:0:\ndaemon:x:1:\nadm:x:4:alpha,late\nshadow:x:42:\nusers:x:100:\n"
		   "zeta:x:995:\nlate:x:996:\ngamma:x:997:\nalpha:x:999:\n"
		   "nogroup:x:65534:\n");
	assert_str(content(&t, "/etc/shadow"),
		   "root:*:::::::\ndaemon:!*:::::::\nsync:!*:::::::\n"
		   "zeta:!*::::::1:\nlate:!*:::::::\n"
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
	/* whose files would whose be? */
	{ "u a 33\nu b 33",
	  "user 'b' (/usr/lib/sysusers.d/x.conf:2) and user 'a' (/usr/lib/sysusers.d/x.conf:1) both want the id 33" },
	{ "g a 33\ng b 33", "group 'b' (/usr/lib/sysusers.d/x.conf:2) and group 'a' (" },
	{ "g shadow 42\nu taken 42",
	  "group 'taken' (/usr/lib/sysusers.d/x.conf:2) and group 'shadow' (" },
	{ "u a 5\nu a 6",
	  "x.conf:2: user 'a' wants the id 6 here and 5 in /usr/lib/sysusers.d/x.conf:1" },
	{ "g a 5\ng a 6",
	  "x.conf:2: group 'a' wants the id 6 here and 5 in /usr/lib/sysusers.d/x.conf:1" },
	/* root is one, and no other */
	{ "u toor 0", "x.conf:1: user 'toor' wants the id 0, which is root's; want another one" },
	{ "g wheel 0",
	  "x.conf:1: group 'wheel' wants the id 0, which is root's; want another one" },
	{ "u root 5", "x.conf:1: user 'root' wants the id 5; want 0" },
	{ "u a 65534",
	  "x.conf:1: user 'a' wants the id 65534, which is nobody's; want another one" },
	{ "u a 61184", "those from 61184 to 65519 are for services with DynamicUser=" },
	{ "u a 60001", "those from 60001 to 60513 are for homes of systemd-homed" },
	{ "g a 524288", "are for containers; want one of 1000 to 60000" },
	{ "u a 4294967294", "are for nobody" },
	{ "u a 4294967295", "want '-', a number, UID:GROUP or a path as id: '4294967295'" },
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
	image.ids = kept("data shown", 302);
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
	struct conf_ids ids;
	char *root;

	(void)state;
	put(&t, CONF "basic.conf",
	    "g adm 4\ng tty 5\ng users 100\ng nogroup 65534\nu root 0 - /root /bin/bash\n"
	    "u daemon 1 - /usr/sbin\nu sync 4:65534 - /bin /bin/sync\nu lp 7\n"
	    "u nobody 65534:65534 - /nonexistent\n");
	put(&t, CONF "dyn.conf",
	    "g aa -\nu bb - \"A \\\"quoted\\\" one\"\nu cc -:users\nu dd 5:users\nm bb adm\nm dd adm\n"
	    "m ee adm\n");
	root = extract(&t);
	if (proc_run(a,
		     (const char *[]){ "systemd-sysusers",
				       str_z(a, str_printf(a, "--root=%s", root)), NULL },
		     STR(""), NULL, &res, &e) < 0)
		skip();
	if (res.status != 0)
		fail_msg("%.*s", STR_FMT(res.err));
	ids = kept("aa bb cc ee", 999);
	assert_ok(users_kept(&t, &ids), &e);
	const char *sort[] = { "sort", "-t:", "-k3n", NULL };
	const char *files[] = { "etc/passwd", "etc/group" };

	for (size_t i = 0; i < 2; i++) {
		assert_ok(proc_run(a, sort, read_back(root, files[i]), NULL, &res, &e), &e);
		assert_str(content(&t, str_z(a, str_printf(a, "/%s", files[i]))),
			   str_z(a, res.out));
	}
}

/* Whoever else is there. */
static void test_ids_stay(void **state)
{
	struct str first = { 0 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		static const char *const others[] = { "", "u _metrics\nu zz\n",
						      "g aa\nr - 300-302\n" };
		struct tree t = parsed("");
		struct str id;

		put(&t, CONF "a.conf", "u appdb\n");
		put(&t, CONF "b.conf", others[i]);
		assert_ok(users_of(&t), &e);
		id = id_of(&t, "/etc/passwd", "appdb");
		if (i == 0)
			first = id;
		assert_true(first.n == 3 && str_eq(id, first));
		assert_true(str_eq(id_of(&t, "/etc/group", "appdb"), first));
	}
}

static struct str number_of(const char *name)
{
	struct tree t = parsed("");

	put(&t, CONF "x.conf", str_z(a, str_printf(a, "u %s\n", name)));
	assert_ok(users_of(&t), &e);
	return id_of(&t, "/etc/passwd", name);
}

/* Of 899 numbers, so a few dozen names are enough. */
static void clash_find(char *x, char *y, size_t n)
{
	vec_str ids = { 0 };

	for (unsigned i = 0; i < 200; i++) {
		struct str id;

		snprintf(y, n, "n%u", i);
		id = number_of(y);
		for (unsigned k = 0; k < i; k++)
			if (str_eq(ids.p[k], id)) {
				snprintf(x, n, "n%u", k);
				return;
			}
		vec_push(a, &ids) = id;
	}
	fail_msg("no two names have one number");
}

/* x and y have one number by their names: neither gets another one by the way, and what was given
 * once is not given again. */
static void test_ids_clash(void **state)
{
	struct conf_ids ids = { .source = "distro/ids.yaml" };
	char x[16], y[16], text[64];
	struct str id;

	(void)state;
	clash_find(x, y, sizeof(x));
	snprintf(text, sizeof(text), "u %s\nu %s\n", x, y);
	struct tree t = parsed("");
	put(&t, CONF "x.conf", text);
	assert_err(
		users_of(&t), &e,
		"'ashlar build IMAGE --update-ids' chooses another one and keeps it in 'distro/ids.yaml'");
	ids.extend = true;
	assert_ok(users_kept(&t, &ids), &e);
	id = id_of(&t, "/etc/passwd", x);
	assert_false(str_eq(id, id_of(&t, "/etc/passwd", y)));
	/* x is gone, its number is not */
	t = parsed("");
	snprintf(text, sizeof(text), "u %s\n", y);
	put(&t, CONF "x.conf", text);
	ids.extend = false;
	vec_push(a, &ids.v) = (struct conf_id){ str_c(x), 0 };
	assert_true(str_u64(id, 999, &ids.v.p[0].id));
	assert_err(users_kept(&t, &ids), &e, str_z(a, str_printf(a, "which is that of '%s'", x)));
}

static void test_ids_kept(void **state)
{
	static const struct {
		const char *text, *message;
	} refused[] = {
		{ "u new 500\n",
		  "user 'new' (/usr/lib/sysusers.d/x.conf:1) wants the id 500, which 'distro/ids.yaml' keeps for 'old'" },
		{ "g new 500\n", "group 'new' (/usr/lib/sysusers.d/x.conf:1) wants the id 500" },
		{ "u old 501\n",
		  "user 'old' (/usr/lib/sysusers.d/x.conf:1) wants the id 501, and 'distro/ids.yaml' keeps 500 for it" },
	};
	struct conf_ids ids = kept("old", 500);

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct tree t = parsed("");

		put(&t, CONF "x.conf", refused[i].text);
		assert_err(users_kept(&t, &ids), &e, refused[i].message);
	}
	struct tree t = parsed("");
	put(&t, CONF "x.conf", "u old\nu other 1000\n");
	assert_ok(users_kept(&t, &ids), &e);
	assert_str(id_of(&t, "/etc/passwd", "old"), "500");
	assert_str(id_of(&t, "/etc/group", "old"), "500");
}

/* Parts of an image come before packages, and the last part before others. */
static void test_ranks(void **state)
{
	struct conf_user first = { .name = STR("x"), .id = STR("1000") },
			 last = { .name = STR("x"), .id = STR("1001") };
	struct conf_feature parts[2] = { { .source = STR("feature") }, { .source = STR("image") } };
	struct conf_image image = { .ids.source = "distro/ids.yaml" };
	struct tree t = parsed("");

	(void)state;
	vec_push(a, &parts[0].users) = first;
	vec_push(a, &parts[1].users) = last;
	vec_push(a, &image.parts) = parts[0];
	vec_push(a, &image.parts) = parts[1];
	put(&t, CONF "x.conf", "u x 33\nu y 33\n");
	assert_ok(gen_users(&t, NULL, 0, &image, &e), &e);
	assert_str(id_of(&t, "/etc/passwd", "x"), "1001");
	assert_str(id_of(&t, "/etc/passwd", "y"), "33");
}

static void test_accounts(void **state)
{
	static const struct {
		const char *passwd, *group, *message;
	} bad_accounts[] = {
		{ "root:x:0:0::/:/\na:x:5:5::/:/\nb:x:5:5::/:/\n", "",
		  "/etc/passwd: 'a' and 'b' have the id 5" },
		{ "root:x:0:0::/:/\na:x:5:5::/:/\na:x:6:5::/:/\n", "",
		  "/etc/passwd: 'a' stands there twice" },
		{ "toor:x:0:0::/:/\n", "", "/etc/passwd: 'toor' has the id 0" },
		{ "root:x:994:0::/:/\n", "", "/etc/passwd: 'root' has the id 994" },
		{ "", "a:x:7:\nb:x:7:\n", "/etc/group: 'a' and 'b' have the id 7" },
		{ "", "wheel:x:0:\n", "/etc/group: 'wheel' has the id 0" },
	};
	struct conf_user own = { .name = STR("x"), .id = STR("1000"), .shell = STR("/bin/zsh") };
	struct conf_feature part = { .source = STR("image.yaml") };
	struct conf_image image = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad_accounts) / sizeof(*bad_accounts); i++) {
		struct tree t = parsed("");

		put(&t, "/etc/passwd", bad_accounts[i].passwd);
		put(&t, "/etc/group", bad_accounts[i].group);
		assert_err(image_check_accounts(a, &image, &t, &e), &e, bad_accounts[i].message);
	}
	struct tree t = parsed("");
	vec_conf_id new;
	put(&t, "/etc/passwd",
	    "root:x:0:0::/:/\nz:x:999:999::/:/\nu:x:1000:1000::/:/\nk:x:998:998::/:/\n");
	put(&t, "/etc/group", "root:x:0:\nusers:x:100:\ng:x:500:\nz:x:999:\n");
	assert_ok(image_check_accounts(a, &image, &t, &e), &e);
	image.ids = kept("k", 998);
	assert_ok(image_new_ids(a, &image, &t, &new, &e), &e);
	assert_int_equal(new.n, 2);
	assert_str(new.p[0].name, "g");
	assert_str(new.p[1].name, "z");
	assert_int_equal(new.p[1].id, 999);
	vec_push(a, &part.users) = own;
	vec_push(a, &image.parts) = part;
	assert_err(image_check_accounts(a, &image, &t, &e), &e,
		   "image.yaml: the shell '/bin/zsh' of user 'x' is in no chosen package");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ids),
		TEST(test_errors),
		TEST(test_files_and_definitions),
		TEST(test_judged_by_sysusers),
		TEST(test_ids_stay),
		TEST(test_ids_clash),
		TEST(test_ids_kept),
		TEST(test_ranks),
		TEST(test_accounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
