/* SPDX-License-Identifier: MIT */
#include "trust/keys.h"

#include <sys/stat.h>

#include "base/test.h"

enum { MADE = 1700000000, YEAR = 31556952 };

/* Every role has a private key already, which keys_generate() then keeps: making nine takes
 * seconds. */
static const char *dir_with_keys(struct arena *a)
{
	const char *dir = path_join(a, test_dir(a), "keys");
	struct str pem;
	struct err e;

	assert_ok(file_read(a, "test/data/rsa-2048.pem", 1 << 20, &pem, &e), &e);
	assert_ok(dir_make(dir, &e), &e);
	for (enum key_role role = 0; role < KEY_ROLES; role++) {
		const char *name = str_z(a, str_printf(a, "%s.pem", key_role_name(role)));

		assert_ok(file_write(path_join(a, dir, name), 0600, pem.p, pem.n, &e), &e);
	}
	return dir;
}

static void generate(const char *dir, const char *organisation)
{
	struct key_generate g = { .dir = dir, .organisation = organisation, .time_sec = MADE };
	struct err e;

	assert_ok(keys_generate(&g, &e), &e);
}

static const char *generated(struct arena *a)
{
	const char *dir = dir_with_keys(a);

	generate(dir, NULL);
	return dir;
}

static void test_generate_and_read(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a);
	struct key_generate g = { .dir = dir, .time_sec = MADE };
	struct keys keys;
	struct str armor;
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(path_join(&a, dir, "db.crt"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(file_exists(path_join(&a, dir, ".gitignore")));
	assert_ok(keys_read(&a, dir, MADE, true, &keys, &e), &e);
	assert_true(keys.development);
	for (enum key_role role = 0; role < KEY_ROLES; role++) {
		assert_non_null(keys.k[role].signer);
		assert_int_equal(keys.trusted[role].n, 1);
	}
	keys_done(&keys);
	assert_ok(file_read(&a, path_join(&a, dir, "package-signing.asc"), 1 << 20, &armor, &e),
		  &e);
	assert_true(str_starts(armor, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"));
	assert_err(keys_generate(&g, &e), &e,
		   "has every key: 'ashlar key rotate' makes a successor");
}

static void test_organisation(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = dir_with_keys(&a);
	struct keys keys;
	struct err e;

	(void)state;
	generate(dir, "Example Ltd");
	assert_ok(keys_read(&a, dir, MADE, true, &keys, &e), &e);
	assert_false(keys.development);
	keys_done(&keys);
}

static void test_missing(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = dir_with_keys(&a);
	struct keys keys;
	struct err e;

	(void)state;
	assert_int_equal(keys_read(&a, "/nonexistent/keys", MADE, true, &keys, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "no keys in '/nonexistent/keys': make development keys"));
	generate(dir, NULL);
	assert_int_equal(unlink(path_join(&a, dir, "db.pem")), 0);
	assert_err(keys_read(&a, dir, MADE, true, &keys, &e), &e,
		   "has a certificate, but no private key 'db'");
	assert_ok(keys_read(&a, dir, MADE, false, &keys, &e), &e);
	assert_null(keys.k[KEY_DB].signer);
	keys_done(&keys);
	assert_int_equal(unlink(path_join(&a, dir, "db.crt")), 0);
	assert_err(keys_read(&a, dir, MADE, true, &keys, &e), &e, "no key 'db' in '");
}

static void test_damaged(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a), *pem_path = path_join(&a, dir, "db.pem");
	struct keys keys;
	struct str pem;
	struct err e;

	(void)state;
	assert_ok(file_read(&a, "test/data/package-signing.pem", 1 << 20, &pem, &e), &e);
	assert_ok(file_write(pem_path, 0600, pem.p, pem.n, &e), &e);
	assert_err(keys_read(&a, dir, MADE, true, &keys, &e), &e,
		   "db.crt' is not the certificate of its private key");
	assert_int_equal(chmod(pem_path, 0644), 0);
	assert_err(keys_read(&a, dir, MADE, true, &keys, &e), &e,
		   "db.pem': every user of this machine may read it; chmod 600 '");
	assert_ok(file_write(pem_path, 0600, "x\n", 2, &e), &e);
	assert_err(keys_read(&a, dir, MADE, true, &keys, &e), &e,
		   "db.pem': private key is no unencrypted PEM");
	assert_ok(file_write(path_join(&a, dir, "db.crt"), 0600, "x\n", 2, &e), &e);
	assert_err(keys_read(&a, dir, MADE, true, &keys, &e), &e,
		   "db.crt': no readable PEM certificate");
}

static void test_expired(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a);
	struct keys keys;
	struct err e;

	(void)state;
	assert_ok(keys_read(&a, dir, MADE + 10ull * YEAR, true, &keys, &e), &e);
	keys_done(&keys);
	assert_err(keys_read(&a, dir, MADE + 10ull * YEAR + 1, true, &keys, &e), &e,
		   "db.crt' has expired on 2033-11-14: 'ashlar key rotate db' makes a successor");
	assert_err(keys_read(&a, dir, MADE - 1, true, &keys, &e), &e,
		   "is valid only from 2023-11-14 on");
}

static void test_role_parse(void **state)
{
	enum key_role role;
	struct err e;

	(void)state;
	assert_ok(key_role_parse(STR("pcr-signing"), &role, &e), &e);
	assert_int_equal(role, KEY_PCR);
	assert_err(key_role_parse(STR("pcr-sining"), &role, &e), &e,
		   "no key 'pcr-sining'; did you mean 'pcr-signing'?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generate_and_read), cmocka_unit_test(test_organisation),
		cmocka_unit_test(test_missing),           cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_expired),           cmocka_unit_test(test_role_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
