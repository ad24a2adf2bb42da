/* SPDX-License-Identifier: MIT */
#include "tree/setuid.h"

#include "base/test.h"

static struct arena test_arena;
static struct arena *const a = &test_arena;
static struct err e;

/* @rights: a line's mode and what stands behind the content; from a package when @owner is 0. */
static struct tree tree_of(const char *mode, const char *caps, uint32_t owner)
{
	struct str text = str_printf(a,
				     "f 0755 root root - 0 /usr/bin/true <x>\n"
				     "d 2755 root adm - 0 /var/log/journal\n"
				     "l 0777 root root - 0 /bin -> usr/bin\n"
				     "f %s root root - 0 /usr/bin/su <x>%s\n",
				     mode, caps);
	struct tree t;

	assert_ok(tree_parse(a, text, "test.tree", &t, &e), &e);
	vec_push(a, &t.owners) = STR("util-linux");
	t.nodes.p[tree_find(&t, STR("/usr/bin/su"))].owner = owner;
	return t;
}

static void test_setuid(void **state)
{
	struct conf_image image = { .source = STR("images/x.yaml") };
	struct tree plain = tree_of("0755", "", 0), user = tree_of("4755", "", 0),
		    group = tree_of("2755", "", TREE_OWNER_DEFINITION),
		    caps = tree_of("0755", " caps=cap_net_raw=ep", 0);

	(void)state;
	assert_ok(image_check_setuid(a, &image, &plain, &e), &e);
	assert_err(
		image_check_setuid(a, &image, &user, &e), &e,
		"images/x.yaml: /usr/bin/su, from package 'util-linux', has mode 4755 and so more "
		"rights than whoever starts it; take them away in "
		"packages/util-linux/package.yaml ('modes'), or add the path to 'setuid-files' of "
		"the image");
	assert_err(image_check_setuid(a, &image, &group, &e), &e,
		   "/usr/bin/su, from a definition, has mode 2755 and so more rights than whoever "
		   "starts it; take them away where it is defined, or add");
	assert_err(image_check_setuid(a, &image, &caps, &e), &e,
		   "has the capabilities cap_net_raw=ep and so more rights than whoever starts it; "
		   "take them away in packages/util-linux/package.yaml ('caps'), or add");
	vec_push(a, &image.setuid_files) = STR("/usr/bin/nothing");
	assert_err(image_check_setuid(a, &image, &user, &e), &e, "mode 4755");
	vec_push(a, &image.setuid_files) = STR("/bin/su");
	assert_ok(image_check_setuid(a, &image, &user, &e), &e);
	assert_ok(image_check_setuid(a, &image, &caps, &e), &e);
	arena_done(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_setuid) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
