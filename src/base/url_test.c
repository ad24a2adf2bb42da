/* SPDX-License-Identifier: MIT */
#include "base/url.h"

#include "base/test.h"

static void test_parts(void **state)
{
	static const char *const rows[][5] = {
		/* text, user, host, port, path */
		{ "http://h", "", "h", "", "" },
		{ "http://h/", "", "h", "", "/" },
		{ "https://h:8443/a/b", "", "h", "8443", "/a/b" },
		{ "http://[::1]:8080/debian", "", "::1", "8080", "/debian" },
		{ "http://[fe80::1%25eth0]", "", "fe80::1%25eth0", "", "" },
		{ "http://me:secret@h:1/a@b", "me", "h", "1", "/a@b" },
		{ "http://me@h", "me", "h", "", "" },
		{ "http://me:a@b@h/x", "me", "h", "", "/x" },
		{ "file:///srv/d@e:f", "", "", "", "/srv/d@e:f" },
		{ "file:/srv", "", "", "", "/srv" },
	};
	struct url u;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(url_parse(str_c(rows[i][0]), &u));
		assert_str(u.user, rows[i][1]);
		assert_str(u.host, rows[i][2]);
		assert_str(u.port, rows[i][3]);
		assert_str(u.path, rows[i][4]);
	}
}

static void test_refused(void **state)
{
	static const char *const rows[] = {
		"",           "system",      "http:/h",         "http://",         "http://:80/",
		"http://h:/", "http://h:0/", "http://h:99999/", "http://[::1",     "http://[::1]x/",
		"file://h/a", "file:srv",    "a/b://c",         "http://u:p/w@h/",
	};
	struct url u;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_false(url_parse(str_c(rows[i]), &u));
}

static void test_shown(void **state)
{
	static const char *const rows[][2] = {
		{ "http://me:secret@h:1/a", "http://h:1/a" },
		{ "http://me:sec@ret@[::1]:1/a@b", "http://[::1]:1/a@b" },
		{ "http://h/a@b", "http://h/a@b" },
		{ "http://me:sec/ret@h/", "http:..." },
		{ "htp//me:secret@h", "htp//me:..." },
		{ "http://me:se#cret@h", "http:..." },
		{ "plain words", "plain words" },
	};
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_str(url_shown(&a, str_c(rows[i][0])), rows[i][1]);
}

static void test_escapes(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	assert_str(url_unescape(&a, STR("me%40corp%2F%zz%4")), "me@corp/%zz%4");
	assert_str(url_escape_path(&a, STR("pool/g/libg++ 1%3a2_a~b.deb?#")),
		   "pool/g/libg%2b%2b%201%253a2_a~b.deb%3f%23");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
