/* SPDX-License-Identifier: MIT */
#include "tree/gen_test.h"
#include "tree/unit.h"

#define UNITS "/usr/lib/systemd/system/"
#define ETC   "/etc/systemd/system/"

static struct tree units(void)
{
	struct tree t =
		parsed("d 0755 root root - 0 /etc\n"
		       "l 0777 root root - 0 " UNITS "dbus.service -> dbus-broker.service\n"
		       "l 0777 root root - 0 " UNITS "autovt@.service -> getty@.service\n"
		       "l 0777 root root - 0 " UNITS "dead.service -> /dev/null\n"
		       "l 0777 root root - 0 " UNITS "default.target -> graphical.target\n");

	put(&t, UNITS "multi-user.target", "[Unit]\nDescription=x\n");
	put(&t, UNITS "graphical.target", "[Unit]\nDescription=x\n");
	put(&t, UNITS "getty.target", "[Unit]\nDescription=x\n");
	put(&t, UNITS "sockets.target", "[Unit]\nDescription=x\n");
	put(&t, UNITS "ssh.service",
	    "[Service]\nExecStart=/bin/true\nWantedBy=not-here.target\n"
	    "[Install]\n# a note\nWantedBy=multi-user.target \\\n; more\n graphical.target\n"
	    "Alias=sshd.service\n");
	put(&t, UNITS "dbus-broker.service",
	    "[Service]\nExecStart=/bin/true\n[Install]\nAlias=dbus.service\n"
	    "Also=dbus.socket gone.socket\n");
	put(&t, UNITS "dbus.socket",
	    "[Socket]\nListenStream=/x\n[Install]\nRequiredBy=sockets.target\n");
	put(&t, UNITS "getty@.service",
	    "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=getty.target\n"
	    "DefaultInstance=tty1\n");
	put(&t, UNITS "share@.service",
	    "[Service]\nExecStart=/bin/true\n"
	    "[Install]\nWantedBy=multi-user.target\nUpheldBy=mount-%i.target\n");
	put(&t, UNITS "static.service", "[Service]\nExecStart=/bin/true\n");
	put(&t, UNITS "extra.timer",
	    "[Timer]\nOnBootSec=1\n[Install]\nWantedBy=multi-user.target\n");
	put(&t, UNITS "quiet.timer",
	    "[Timer]\nOnBootSec=1\n[Install]\nWantedBy=multi-user.target\n");
	put(&t, UNITS "other.timer",
	    "[Timer]\nOnBootSec=1\n[Install]\nWantedBy=multi-user.target\n");
	put(&t, "/usr/lib/systemd/system-preset/90-x.preset",
	    "# x\nenable getty@.service\nenable *.timer\n");
	return t;
}

static struct conf_feature feature(const char *const *enable, const char *disable, const char *mask)
{
	struct conf_feature f = { .source = STR("distro/features/x.yaml") };

	for (; *enable; enable++)
		vec_push(a, &f.enable_units) = str_c(*enable);
	if (disable)
		vec_push(a, &f.disable_units) = str_c(disable);
	if (mask)
		vec_push(a, &f.mask_units) = str_c(mask);
	return f;
}

#define LIST(...) ((const char *[]){ __VA_ARGS__, NULL })

static int run(struct tree *t, struct conf_feature f, const char *default_unit)
{
	struct conf_image image = { .default_unit = str_c(default_unit),
				    .source = STR("server.yaml") };

	vec_push(a, &image.parts) = f;
	return gen_units(t, NULL, 0, &image, &e);
}

static struct tree enabled(void)
{
	struct tree t = units();

	assert_ok(run(&t,
		      feature(LIST("ssh.service", "dbus.service", "share@b.service",
				   "share@a.service"),
			      "quiet.timer", "other.timer"),
		      "multi-user.target"),
		  &e);
	return t;
}

static void test_links(void **state)
{
	struct tree t = enabled();
	uint32_t etc = tree_find(&t, STR("/etc"));
	vec_id ids;
	struct buf b = { .a = a };

	(void)state;
	tree_walk(a, &t, &ids);
	vec_each(id, &ids) {
		struct str path = tree_path(a, &t, *id);

		if (*id != etc && str_starts(path, ETC) && S_ISLNK(t.nodes.p[*id].mode))
			buf_printf(&b, "%.*s %.*s\n", STR_FMT(str_from(path, 20)),
				   STR_FMT(t.nodes.p[*id].data));
	}
	assert_str(((struct str){ (const char *)b.v.p, b.v.n }),
		   "dbus.service " UNITS "dbus-broker.service\n"
		   "default.target " UNITS "multi-user.target\n"
		   "getty.target.wants/getty@tty1.service " UNITS "getty@.service\n"
		   "graphical.target.wants/ssh.service " UNITS "ssh.service\n"
		   "mount-a.target.upholds/share@a.service " UNITS "share@.service\n"
		   "mount-b.target.upholds/share@b.service " UNITS "share@.service\n"
		   "multi-user.target.wants/extra.timer " UNITS "extra.timer\n"
		   "multi-user.target.wants/share@a.service " UNITS "share@.service\n"
		   "multi-user.target.wants/share@b.service " UNITS "share@.service\n"
		   "multi-user.target.wants/ssh.service " UNITS "ssh.service\n"
		   "other.timer /dev/null\n"
		   "sockets.target.requires/dbus.socket " UNITS "dbus.socket\n"
		   "sshd.service " UNITS "ssh.service\n");
	assert_str(content(&t, "/usr/lib/systemd/system-preset/00-ashlar.preset"),
		   "# What the definitions of this image enable and disable.\n"
		   "enable multi-user.target\n"
		   "enable dbus-broker.service\n"
		   "disable other.timer\n"
		   "disable quiet.timer\n"
		   "enable share@.service a b\n"
		   "enable ssh.service\n");
}

static void test_errors(void **state)
{
	static const struct {
		const char *unit, *message;
	} bad[] = {
		{ "shh.service",
		  "distro/features/x.yaml: unit 'shh.service' is in no chosen package; "
		  "did you mean 'ssh.service'?" },
		{ "ssh",
		  "distro/features/x.yaml: 'ssh' is not a unit's name, such as 'x.service'" },
		{ "dead.service",
		  "unit 'dead.service' cannot be enabled: " UNITS "dead.service masks it" },
		{ "static.service", "unit 'static.service' has no [Install] section" },
		{ "share@.service", "unit 'share@.service' is a template: name an instance of it" },
	};
	struct tree t;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		t = units();
		assert_err(run(&t, feature(LIST(bad[i].unit), NULL, NULL), ""), &e, bad[i].message);
	}
	t = units();
	assert_err(
		run(&t, feature(LIST("ssh.service"), NULL, NULL), "multiuser.target"), &e,
		"server.yaml: unit 'multiuser.target' is in no chosen package; did you mean 'multi-user.target'?");
	t = units();
	put(&t, UNITS "odd.timer", "[Install]\nWantedBy=%H.target\n");
	assert_err(
		run(&t, feature(LIST("ssh.service"), NULL, NULL), ""), &e,
		UNITS
		"odd.timer: [Install] names '%H.target', which is not a unit known when the image is made");
}

static void test_last_wish_counts(void **state)
{
	struct conf_image image = { 0 };
	struct tree t = units();

	(void)state;
	vec_push(a, &image.parts) = feature(LIST("ssh.service"), NULL, "quiet.timer");
	vec_push(a, &image.parts) = feature(LIST("quiet.timer"), "ssh.service", "getty@.service");
	assert_ok(gen_units(&t, NULL, 0, &image, &e), &e);
	assert_str(link_of(&t, ETC "multi-user.target.wants/ssh.service"), "");
	assert_str(link_of(&t, ETC "getty.target.wants/getty@tty1.service"), "");
	assert_str(link_of(&t, ETC "multi-user.target.wants/quiet.timer"), UNITS "quiet.timer");
	assert_str(link_of(&t, ETC "getty@.service"), "/dev/null");
}

/* systemctl sees the same states, and has nothing to change. */
/* reboot.target has such an alias: ctrl-alt-del.target. */
static void test_masked_alias(void **state)
{
	struct tree t = units();

	(void)state;
	assert_ok(run(&t, feature(LIST("ssh.service"), NULL, "sshd.service"), ""), &e);
	assert_str(link_of(&t, ETC "sshd.service"), "/dev/null");
}

static void test_judged_by_systemctl(void **state)
{
	static const char *const states[][2] = {
		{ "ssh.service", "enabled\n" },     { "dbus-broker.service", "enabled\n" },
		{ "dbus.socket", "enabled\n" },     { "getty@tty1.service", "enabled\n" },
		{ "share@a.service", "enabled\n" }, { "quiet.timer", "disabled\n" },
		{ "other.timer", "masked\n" },      { "static.service", "static\n" },
		{ "extra.timer", "enabled\n" },     { "sshd.service", "alias\n" },
	};
	struct tree t = enabled();
	char *root = extract(&t), *option = str_z(a, str_printf(a, "--root=%s", root));
	const char *find[] = {
		"find", path_join(a, root, "etc"), "-type", "l", "-printf", "%P %l\n", NULL
	};
	struct proc_result before, after;

	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (proc_run(a,
			     (const char *[]){ "systemctl", option, "is-enabled", states[i][0],
					       NULL },
			     STR(""), NULL, &after, &e) < 0)
			skip();
		if (!str_eqz(after.out, states[i][1]))
			fail_msg("%s: %.*s%.*s", states[i][0], STR_FMT(after.out),
				 STR_FMT(after.err));
	}
	assert_ok(proc_run(a, find, STR(""), NULL, &before, &e), &e);
	assert_ok(proc_run(a, (const char *[]){ "systemctl", option, "preset-all", NULL }, STR(""),
			   NULL, &after, &e),
		  &e);
	assert_int_equal(after.status, 0);
	assert_ok(proc_run(a, find, STR(""), NULL, &after, &e), &e);
	assert_int_equal(after.out.n, before.out.n);
	while (before.out.n > 0)
		if (!str_has(after.out, str_z(a, str_cut(&before.out, '\n'))))
			fail_msg("preset-all changed links: %.*s", STR_FMT(after.out));
}

/* Links that preset-all would not make: what is masked, the default target, and what systemd 252
 * does not know. */
static bool not_of_presets(struct str link)
{
	return str_has(link, "/dev/null") || str_has(link, "default.target") ||
	       str_has(link, "upholds");
}

/* From nothing but the preset files, systemctl makes the same links. */
static void test_judged_from_nothing(void **state)
{
	struct tree t = enabled();
	char *root = extract(&t), *etc = path_join(a, root, "etc/systemd/system");
	char *option = str_z(a, str_printf(a, "--root=%s", root));
	const char *find[] = {
		"find", path_join(a, root, "etc"), "-type", "l", "-printf", "%P %l\n", NULL
	};
	struct proc_result ours, theirs;
	size_t n = 0;

	(void)state;
	assert_ok(proc_run(a, find, STR(""), NULL, &ours, &e), &e);
	assert_ok(dir_remove(etc, &e), &e);
	assert_ok(dir_make(etc, &e), &e);
	assert_int_equal(symlink("/dev/null", path_join(a, etc, "other.timer")), 0);
	if (proc_run(a, (const char *[]){ "systemctl", option, "preset-all", NULL }, STR(""), NULL,
		     &theirs, &e) < 0)
		skip();
	assert_ok(proc_run(a, find, STR(""), NULL, &theirs, &e), &e);
	while (ours.out.n > 0) {
		struct str link = str_cut(&ours.out, '\n');

		if (!not_of_presets(link) && !str_has(theirs.out, str_z(a, link)))
			fail_msg("systemctl does not make %.*s", STR_FMT(link));
		n += !not_of_presets(link);
	}
	while (theirs.out.n > 0)
		n -= !not_of_presets(str_cut(&theirs.out, '\n'));
	assert_int_equal(n, 0);
}

static void test_install_parse(void **state)
{
	struct unit_install in;
	struct unit_name n;
	struct str s;

	(void)state;
	unit_install_parse(
		a,
		STR("[Install]\nAlias=a.service b.service\nAlias=\nAlias=\"c.service\"\nAlso=d\\\n"),
		&in);
	assert_int_equal(in.alias.n, 1);
	assert_str(in.alias.p[0], "c.service");
	assert_str(in.also.p[0], "d");
	unit_install_parse(a, STR("WantedBy=x\n[Unit]\nWantedBy=x\n"), &in);
	assert_false(in.any);
	assert_true(unit_name_parse(a, STR("a-b@c.service"), &n));
	assert_true(unit_expand(a, STR("%p %i %n %N %j %%"), &n, &s));
	assert_str(s, "a-b c a-b@c.service a-b@c b %");
	assert_false(unit_expand(a, STR("%"), &n, &s));
	assert_false(unit_expand(a, STR("%H"), &n, &s));
	assert_false(unit_name_parse(a, STR(".service"), &n));
	assert_false(unit_name_parse(a, STR("a/b.service"), &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_links),
		TEST(test_errors),
		TEST(test_last_wish_counts),
		TEST(test_masked_alias),
		TEST(test_judged_by_systemctl),
		TEST(test_judged_from_nothing),
		TEST(test_install_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
