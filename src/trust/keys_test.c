/* SPDX-License-Identifier: MIT */
#include "trust/keys.h"

#include <sys/stat.h>

#include "base/test.h"

static void test_generate_and_read(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = path_join(&a, test_dir(&a), "keys");
	struct keys keys;
	struct str armor;
	struct stat st;
	struct err e;

	(void)state;
	assert_ok(keys_generate(dir, 1700000000, &e), &e);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(path_join(&a, dir, "package-signing.pem"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_ok(keys_read(&a, dir, &keys, &e), &e);
	assert_true(keys.development);
	assert_ok(file_read(&a, path_join(&a, dir, "package-signing.asc"), 1 << 20, &armor, &e),
		  &e);
	assert_true(str_starts(armor, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"));
	keys_done(&keys);
	assert_err(keys_generate(dir, 1700000000, &e), &e,
		   "exists: remove it first if you mean to replace it");
}

static void test_missing(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct keys keys;
	struct err e;

	(void)state;
	assert_int_equal(keys_read(&a, "/nonexistent/keys", &keys, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "no keys in '/nonexistent/keys': make development keys"));
}

static void test_damaged(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a);
	struct keys keys;
	struct err e;

	(void)state;
	assert_ok(file_write(path_join(&a, dir, "package-signing.pem"), 0600, "x\n", 2, &e), &e);
	assert_err(keys_read(&a, dir, &keys, &e), &e,
		   "package-signing.pem': private key does not begin with");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generate_and_read),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
