/* SPDX-License-Identifier: MIT */
#include "tree/gen_test.h"

static struct conf_package package(const char *name)
{
	return (struct conf_package){ .name = str_c(name),
				      .source = str_printf(a, "distro/packages/%s/package.yaml",
							   name) };
}

static int define(struct tree *t, struct conf_package p)
{
	struct conf_image image = { 0 };

	return gen_definition_files(t, &p, 1, &image, &e);
}

static void test_files(void **state)
{
	struct conf_package p = package("ping");
	struct conf_feature part = { .source = STR("distro/features/x.yaml") };
	struct conf_image image = { 0 };
	struct tree t = parsed("l 0777 root root - 0 /bin -> usr/bin\n"
			       "f 0755 root root - 9 /usr/bin/ping <ping>\n"
			       "f 0644 root root - 9 /etc/x <theirs>\n");

	(void)state;
	vec_push(a, &p.files) = (struct conf_file){ .path = STR("/etc/x"), .content = STR("ours") };
	vec_push(a, &p.files) =
		(struct conf_file){ .path = STR("/srv/d"), .mode = STR("1777"), .directory = true };
	vec_push(a, &p.links) = (struct conf_link){ STR("/usr/bin/p"), STR("ping") };
	vec_push(a, &part.files) = (struct conf_file){ .path = STR("/etc/y"),
						       .mode = STR("0600"),
						       .content = STR("y") };
	vec_push(a, &part.links) = (struct conf_link){ STR("/etc/z"), STR("y") };
	vec_push(a, &image.parts) = part;
	assert_ok(gen_definition_files(&t, &p, 1, &image, &e), &e);
	assert_str(tree_dump(a, &t), "d 0755 root root - 0 /\n"
				     "l 0777 root root - 0 /bin -> usr/bin\n"
				     "d 0755 root root - 0 /etc\n"
				     "f 0644 root root 4 0 /etc/x <ours>\n"
				     "f 0600 root root 1 0 /etc/y <y>\n"
				     "l 0777 root root - 0 /etc/z -> y\n"
				     "d 0755 root root - 0 /srv\n"
				     "d 1777 root root - 0 /srv/d\n"
				     "d 0755 root root - 0 /usr\n"
				     "d 0755 root root - 0 /usr/bin\n"
				     "l 0777 root root - 0 /usr/bin/p -> ping\n"
				     "f 0755 root root 4 9 /usr/bin/ping <ping>\n");
}

/* Who logs in there can write there, and nobody else. */
static void test_owners(void **state)
{
	struct conf_feature part = { .source = STR("image.yaml") };
	struct conf_user admin = { .name = STR("admin"),
				   .id = STR("1000"),
				   .home = STR("/home/admin") },
			 app = { .name = STR("app"), .id = STR("-"), .home = STR("/home/app") };
	struct conf_image image = { 0 };
	struct tree t = parsed("");

	(void)state;
	vec_push(a, &part.users) = admin;
	vec_push(a, &part.users) = app;
	vec_push(a, &part.files) =
		(struct conf_file){ .path = STR("/home/admin/.ssh/authorized_keys"),
				    .mode = STR("0600"),
				    .content = STR("key") };
	vec_push(a, &part.files) =
		(struct conf_file){ .path = STR("/home/admin2/x"), .content = STR("") };
	vec_push(a, &part.files) = (struct conf_file){ .path = STR("/var/lib/x/y"),
						       .content = STR(""),
						       .user = STR("app"),
						       .group = STR("adm") };
	vec_push(a, &image.parts) = part;
	assert_ok(gen_definition_files(&t, NULL, 0, &image, &e), &e);
	assert_str(tree_dump(a, &t),
		   "d 0755 root root - 0 /\n"
		   "d 0755 root root - 0 /home\n"
		   "d 0700 admin admin - 0 /home/admin\n"
		   "d 0700 admin admin - 0 /home/admin/.ssh\n"
		   "f 0600 admin admin 3 0 /home/admin/.ssh/authorized_keys <key>\n"
		   "d 0755 root root - 0 /home/admin2\n"
		   "f 0644 root root 0 0 /home/admin2/x <>\n"
		   "d 0700 app app - 0 /home/app\n"
		   "d 0755 root root - 0 /var\n"
		   "d 0755 root root - 0 /var/lib\n"
		   "d 0755 root root - 0 /var/lib/x\n"
		   "f 0644 app adm 0 0 /var/lib/x/y <>\n");
}

static void test_file_errors(void **state)
{
	struct conf_package mode = package("m"), path = package("p");
	struct tree t = parsed("");

	(void)state;
	vec_push(a, &mode.files) = (struct conf_file){ .path = STR("/x"), .mode = STR("0699") };
	assert_err(
		define(&t, mode), &e,
		"distro/packages/m/package.yaml: /x: mode '0699': want at most four octal digits");
	vec_push(a, &path.links) = (struct conf_link){ STR("x/y"), STR("") };
	assert_err(define(&t, path), &e,
		   "distro/packages/p/package.yaml: path 'x/y': want an absolute path");
}

static void test_alternatives(void **state)
{
	struct conf_package more = package("more"), less = package("less");
	struct tree t = parsed("f 0755 root root - 0 /usr/bin/less <>\n"
			       "f 0755 root root - 0 /usr/bin/more <>\n");

	(void)state;
	vec_push(a, &more.alternatives) =
		(struct conf_alternative){ STR("/usr/bin/pager"), STR("pager"),
					   STR("/usr/bin/more"), 50 };
	vec_push(a, &less.alternatives) =
		(struct conf_alternative){ STR("/usr/bin/pager"), STR("pager"),
					   STR("/usr/bin/less"), 77 };
	vec_push(a, &less.alternatives) =
		(struct conf_alternative){ STR("/usr/bin/pager"), STR("pager"),
					   STR("/usr/bin/most"), 99 };
	vec_push(a, &less.alternatives) =
		(struct conf_alternative){ STR("/usr/bin/vi"), STR("vi"), STR("/usr/bin/vim"), 99 };
	assert_ok(gen_alternatives(&t, (struct conf_package[]){ more, less }, 2, &e), &e);
	assert_str(link_of(&t, "/usr/bin/pager"), "/etc/alternatives/pager");
	assert_str(link_of(&t, "/etc/alternatives/pager"), "/usr/bin/less");
	assert_int_equal(tree_find_exact(&t, STR("/usr/bin/vi")), TREE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_files), TEST(test_file_errors),
					    TEST(test_owners), TEST(test_alternatives) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
