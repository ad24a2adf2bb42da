/* SPDX-License-Identifier: MIT */
/* All of it in the order of a build, over a small tree. The golden shows what an image gets beside
 * its packages' files. */
#include "tree/gen_test.h"

#define GOLDEN "test/golden/tree/server"

static int generate(struct tree *t, const struct conf_package *p, const struct conf_image *image)
{
	const struct conf_release release = { .id = STR("ashlar"),
					      .name = STR("Ashlar Linux"),
					      .version = STR("1.0") };
	int r = gen_definition_files(t, p, 1, image, &e);

	if (r == 0)
		r = gen_users(t, p, 1, image, &e);
	if (r == 0)
		r = gen_alternatives(t, p, 1, &e);
	if (r == 0)
		r = gen_system(t, &release, image, "1.0.1", false, &e);
	if (r == 0)
		r = gen_units(t, p, 1, image, &e);
	if (r == 0)
		r = gen_var(t, &e);
	return r == 0 ? tree_resolve_owners(t, &e) : r;
}

static void test_golden(void **state)
{
	struct conf_package p = { .name = STR("ssh"), .source = STR("ssh/package.yaml") };
	struct conf_image image = { .name = STR("server"),
				    .default_unit = STR("multi-user.target") };
	struct str input, golden, dump;
	struct tree t;

	(void)state;
	vec_push(a, &p.enable_units) = STR("ssh.service");
	vec_push(a, &p.alternatives) =
		(struct conf_alternative){ STR("/usr/bin/x"), STR("x"), STR("/bin/sh"), 1 };
	assert_ok(file_read(a, GOLDEN ".input", 1 << 20, &input, &e), &e);
	assert_ok(tree_parse(a, input, GOLDEN ".input", &t, &e), &e);
	assert_ok(generate(&t, &p, &image), &e);
	dump = tree_dump(a, &t);
	assert_ok(file_read(a, GOLDEN ".tree", 1 << 20, &golden, &e), &e);
	if (!str_eq(dump, golden)) {
		char *path = path_join(a, test_dir(a), "server.tree");

		assert_ok(file_write(path, 0644, dump.p, dump.n, &e), &e);
		fail_msg("the tree differs: compare " GOLDEN ".tree with %s", path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_golden) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
