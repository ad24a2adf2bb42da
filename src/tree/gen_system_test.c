/* SPDX-License-Identifier: MIT */
#include "tree/gen_test.h"

static const struct conf_release release = {
	.id = { "ashlar", 6 },
	.name = { "Ashlar Linux", 12 },
	.version = { "1.0", 3 },
	.codename = { "a \"$b\\`", 7 },
	.home_url = { "https://example.org", 19 },
};

static int run(struct tree *t)
{
	struct conf_image image = { .name = STR("server"), .hostname = STR("box") };

	return gen_system(t, &release, &image, "1.0.20260101", true, &e);
}

static void test_system(void **state)
{
	struct tree t = parsed("d 0711 root root - 0 /home\n"
			       "d 0755 root root - 0 /tmp/x\n"
			       "f 0755 root root - 0 /usr/lib/systemd/systemd-resolved <>\n"
			       "f 0644 root root - 0 /usr/lib/os-release <ID=theirs\\n>\n");
	uint32_t id;

	(void)state;
	assert_ok(tree_put(&t, STR("/etc/issue"), S_IFREG | 0644, STR("mine\n"),
			   TREE_OWNER_DEFINITION, &id, &e),
		  &e);
	tree_remove(&t, tree_find(&t, STR("/tmp/x")));
	assert_ok(run(&t), &e);
	assert_str(content(&t, "/etc/os-release"),
		   "NAME=\"Ashlar Linux\"\n"
		   "ID=\"ashlar\"\n"
		   "VERSION_ID=\"1.0\"\n"
		   "VERSION_CODENAME=\"a \\\"\\$b\\\\\\`\"\n"
		   "PRETTY_NAME=\"Ashlar Linux 1.0 (a \\\"\\$b\\\\\\`)\"\n"
		   "HOME_URL=\"https://example.org\"\n"
		   "IMAGE_ID=\"server\"\n"
		   "IMAGE_VERSION=\"1.0.20260101\"\n"
		   "ASHLAR_DEVELOPMENT_KEYS=\"1\"\n");
	t.nodes.p[tree_find(&t, STR("/usr/lib/os-release"))].data = STR("");
	t.nodes.p[tree_find(&t, STR("/etc/issue.net"))].data = STR("");
	assert_str(
		tree_dump(a, &t),
		"d 0755 root root - 0 /\n"
		"d 0755 root root - 0 /dev\n"
		"d 0755 root root - 0 /etc\n"
		"f 0644 root root 32 0 /etc/.updated <# /etc was made with this /usr.\\n>\n"
		"f 0644 root root 4 0 /etc/hostname <box\\n>\n"
		"f 0644 root root 5 0 /etc/issue <mine\\n>\n"
		"f 0644 root root 0 0 /etc/issue.net <>\n"
		"f 0644 root root 13 0 /etc/locale.conf <LANG=C.UTF-8\\n>\n"
		"f 0444 root root 14 0 /etc/machine-id <uninitialized\\n>\n"
		"l 0777 root root - 0 /etc/mtab -> ../proc/self/mounts\n"
		"l 0777 root root - 0 /etc/os-release -> ../usr/lib/os-release\n"
		"l 0777 root root - 0 /etc/resolv.conf -> ../run/systemd/resolve/stub-resolv.conf\n"
		"d 0711 root root - 0 /home\n"
		"d 0755 root root - 0 /mnt\n"
		"d 0555 root root - 0 /proc\n"
		"d 0700 root root - 0 /root\n"
		"d 0755 root root - 0 /run\n"
		"d 0755 root root - 0 /srv\n"
		"d 0555 root root - 0 /sys\n"
		"d 1777 root root - 0 /tmp\n"
		"d 0755 root root - 0 /usr\n"
		"d 0755 root root - 0 /usr/lib\n"
		"f 0644 root root 0 0 /usr/lib/clock-epoch <>\n"
		"f 0644 root root 0 0 /usr/lib/os-release <>\n"
		"d 0755 root root - 0 /usr/lib/systemd\n"
		"f 0755 root root 0 0 /usr/lib/systemd/systemd-resolved <>\n"
		"d 0755 root root - 0 /var\n");
}

/* A shell reads os-release as we mean it (os-release(5)). */
static void test_judged_by_shell(void **state)
{
	const char *argv[] = { "sh", "-c",
			       ". \"$0\"; printf '%s|%s' \"$PRETTY_NAME\" \"$IMAGE_ID\"", NULL,
			       NULL };
	struct tree t = parsed("");
	struct proc_result res;

	(void)state;
	assert_ok(run(&t), &e);
	argv[3] = path_join(a, extract(&t), "usr/lib/os-release");
	assert_ok(proc_run(a, argv, STR(""), NULL, &res, &e), &e);
	assert_str(res.out, "Ashlar Linux 1.0 (a \"$b\\`)|server");
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_system), TEST(test_judged_by_shell) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
