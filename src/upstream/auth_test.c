/* SPDX-License-Identifier: MIT */
#include "upstream/auth.h"

#include "base/test.h"
#include "upstream/apt.h"

static const char file[] = "# machine comment login a password b\n"
			   "machine example.org/deb login deb password #1\n"
			   "machine http://plain.example.org:8080\n"
			   "  login me\n\n  password p@ss:w/rd\n"
			   "machine example.org:8443\tlogin port account x password y\r\n"
			   "machine [::1]:80 login six password six\n"
			   "machine https://only.example.org login s password s\n"
			   "default login anybody password z\n"
			   "machine example.org login all password all";

static void login_is(const char *url, const char *login, const char *password)
{
	_cleanup_arena_ struct arena a = { 0 };
	const struct auth *found;
	vec_auth all = { 0 };

	auth_parse(&a, str_c(file), &all);
	found = auth_find(&all, str_c(url));
	if (!login) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_str(found->login, login);
	assert_str(found->password, password);
}

/* The examples of apt_auth.conf(5), and those that it leaves out. */
static void test_file(void **state)
{
	(void)state;
	login_is("https://example.org/debian/dists", "deb", "#1");
	login_is("https://example.org/deb/", "deb", "#1");
	login_is("https://example.org/ubuntu", "all", "all");
	login_is("https://example.org:8443/x", "port", "y");
	login_is("https://example.org:1/x", "all", "all");
	login_is("https://example.orga/", NULL, NULL);
	login_is("https://example.net/", NULL, NULL);
	/* everybody on the way could read it */
	login_is("http://example.org/debian", NULL, NULL);
	login_is("http://plain.example.org:8080/a", "me", "p@ss:w/rd");
	login_is("http://plain.example.org/a", NULL, NULL);
	login_is("https://plain.example.org:8080/a", NULL, NULL);
	login_is("https://[::1]:80/a", "six", "six");
	login_is("http://only.example.org/", NULL, NULL);
	login_is("https://only.example.org/", "s", "s");
	login_is("file:///srv", NULL, NULL);
}

static void test_url(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_auth all = { 0 };

	(void)state;
	auth_parse(&a, STR("machine h login other password other"), &all);
	assert_str(auth_take(&a, STR("https://me%40corp:a%3Ab@h:1/deb//"), &all),
		   "https://h:1/deb//");
	assert_int_equal(all.n, 2);
	assert_str(all.p[1].login, "me@corp");
	assert_str(all.p[1].password, "a:b");
	assert_ptr_equal(auth_find(&all, STR("https://h:1/deb/dists/x")), &all.p[1]);
	assert_ptr_equal(auth_find(&all, STR("https://h:1/debian/")), &all.p[0]);
	assert_ptr_equal(auth_find(&all, STR("https://h:2/deb/")), &all.p[0]);
	assert_null(auth_find(&all, STR("http://h:1/deb/")));
	assert_str(auth_take(&a, STR("https://h/"), &all), "https://h/");
	assert_int_equal(all.n, 2);
}

static void put(struct arena *a, const char *dir, const char *name, const char *text)
{
	struct err e;

	assert_ok(file_write(path_join(a, dir, name), 0600, text, strlen(text), &e), &e);
}

static void test_files(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct apt_conf conf = { 0 };
	const char *dir = test_dir(&a);
	struct err e;

	(void)state;
	assert_ok(dir_make(path_join(&a, dir, "parts"), &e), &e);
	put(&a, dir, "parts/10-b.conf", "machine b login b password b");
	put(&a, dir, "parts/05-c", "machine c login c password c");
	put(&a, dir, "parts/00-d.bak", "machine d login d password d");
	apt_auth_read(&a, path_join(&a, dir, "missing"), path_join(&a, dir, "parts"), &conf);
	assert_int_equal(conf.auth.n, 2);
	assert_str(conf.auth.p[0].machine, "c");
	assert_str(conf.auth.p[1].machine, "b");
	conf.text = STR("Dir \"/x\";\nDir::Etc \"etc/apt\";\nDir::Etc::netrc \"auth.conf\";\n"
			"Dir::Etc::netrcparts \"/y\";\n");
	assert_string_equal(apt_conf_path(&a, &conf, STR("Dir::Etc::netrc"), ""),
			    "/x/etc/apt/auth.conf");
	assert_string_equal(apt_conf_path(&a, &conf, STR("Dir::Etc::netrcparts"), ""), "/y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
