/* SPDX-License-Identifier: MIT */
/* Which keys firmware trusts: db's alone, and what it issued only the kernel does. */
#include "keys/keys.h"

#include "base/io.h"
#include "keys/keys_test.h"
#include "trust/x509.h"

static const enum key_role issued[] = { KEY_VERITY, KEY_IPE, KEY_MODULE };
enum { N_ISSUED = sizeof(issued) / sizeof(*issued) };

static void read_keys(struct arena *a, const char *dir, struct keys *ret)
{
	struct err e;

	assert_ok(keys_read(a, dir, MADE + 10, true, ret, &e), &e);
	keys_done(ret);
}

static struct x509 parsed(struct arena *a, struct str der)
{
	struct x509 x;
	struct err e;

	assert_ok(x509_parse(a, der, &x, &e), &e);
	return x;
}

static vec_efi_revocation revoked(struct arena *a, const char *dir)
{
	vec_efi_revocation ret = { 0 };
	struct err e;

	assert_ok(keys_revoked(a, dir, &ret, &e), &e);
	return ret;
}

/* What firmware takes into dbx: as many revocations as keys_revoked() has. */
static void dbx_check(struct arena *a, const char *dir, size_t n)
{
	vec_efi_revocation got = { 0 };
	struct keys keys;
	struct str list;
	struct err e;

	read_keys(a, dir, &keys);
	keys.trusted[KEY_KEK].n = 1;
	assert_ok(efi_variable_verify(a, "dbx", efi_security_guid, keys.enrol[ENROL_DBX],
				      &keys.trusted[KEY_KEK], &list, &e),
		  &e);
	assert_true(str_eq(list, keys.dbx));
	assert_ok(efi_revocation_lists_parse(a, list, &got, &e), &e);
	assert_int_equal(got.n, n);
	assert_int_equal(revoked(a, dir).n, n);
}

static size_t db_entries(struct arena *a, const char *dir)
{
	const char *path = path_join(a, dir, "enrol/db.auth");
	struct keys keys;

	read_keys(a, dir, &keys);
	return enrolled(a, path, "db", efi_security_guid, &keys.trusted[KEY_KEK]);
}

static void test_issued_by_db(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a);
	struct keys keys;

	(void)state;
	read_keys(&a, dir, &keys);
	assert_int_equal(db_entries(&a, dir), 1);
	for (size_t i = 0; i < N_ISSUED; i++) {
		struct str certificate = keys.k[issued[i]].certificate;

		assert_true(x509_issued_by(certificate, keys.k[KEY_DB].certificate));
		assert_false(x509_issued_by(certificate, keys.k[KEY_KEK].certificate));
		assert_false(parsed(&a, certificate).self_signed);
		assert_false(key_in_db(issued[i], certificate));
	}
	assert_true(parsed(&a, keys.k[KEY_DB].certificate).self_signed);
	assert_false(key_in_db(KEY_PCR, keys.k[KEY_PCR].certificate));
}

/* The same keys by the new db; and no trace of the former one's once it is retired. */
static void test_rotate_db(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a);
	struct keys before, after;
	struct err e;

	(void)state;
	read_keys(&a, dir, &before);
	rotate(dir, KEY_DB);
	read_keys(&a, dir, &after);
	assert_int_equal(db_entries(&a, dir), 2);
	for (size_t i = 0; i < N_ISSUED; i++) {
		struct str was = before.k[issued[i]].certificate,
			   is = after.k[issued[i]].certificate;

		assert_true(x509_issued_by(is, after.k[KEY_DB].certificate));
		assert_false(x509_issued_by(was, after.k[KEY_DB].certificate));
		assert_true(str_eq(parsed(&a, is).public_key, parsed(&a, was).public_key));
		assert_int_equal(after.trusted[issued[i]].n, 2);
		assert_true(str_eq(after.trusted[issued[i]].p[1], was));
	}
	assert_ok(keys_retire(dir, KEY_DB, retired_digits(&a, dir, KEY_DB), MADE + 20, &e), &e);
	read_keys(&a, dir, &after);
	assert_int_equal(db_entries(&a, dir), 1);
	for (size_t i = 0; i < N_ISSUED; i++)
		assert_int_equal(after.trusted[issued[i]].n, 1);
	assert_int_equal(revoked(&a, dir).n, 0);
}

/* The kernel would still take it: nobody is told otherwise. It ends with its db, whatever db issued
 * it first. */
static void test_retire_issued(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a);
	struct keys keys;
	struct err e;

	(void)state;
	rotate(dir, KEY_VERITY);
	assert_int_equal(db_entries(&a, dir), 1);
	assert_err(keys_retire(dir, KEY_VERITY, retired_digits(&a, dir, KEY_VERITY), MADE, &e), &e,
		   "as long as they trust the 'db' that issued it: 'ashlar key rotate db', and");
	rotate(dir, KEY_DB);
	assert_err(keys_retire(dir, KEY_VERITY, retired_digits(&a, dir, KEY_VERITY), MADE, &e), &e,
		   "as long as they trust the retired 'db' that issued it: 'ashlar key retire db ");
	assert_ok(keys_retire(dir, KEY_DB, retired_digits(&a, dir, KEY_DB), MADE + 20, &e), &e);
	read_keys(&a, dir, &keys);
	assert_int_equal(keys.trusted[KEY_VERITY].n, 1);
	assert_int_equal(db_entries(&a, dir), 1);
}

/* As versions before 0.3 made it: each key signed its own certificate, and all stood in db. */
static const char *earlier(struct arena *a)
{
	const char *dir = generated(a);
	struct x509_make m = { .common_name = STR("root hash signing key (development key)"),
			       .organisation = STR("Ashlar"),
			       .not_before_sec = MADE,
			       .not_after_sec = MADE + 1000000,
			       .code_signing = true };
	_cleanup_signer_ struct signer *signer = NULL;
	struct str pem, der;
	struct err e;

	assert_ok(file_read(a, path_join(a, dir, "verity-signing.pem"), 1 << 20, &pem, &e), &e);
	assert_ok(signer_pem_parse(pem, &signer, &e), &e);
	m.public_key = signer_public_key(signer);
	assert_ok(x509_make(a, &m, signer, &der, &e), &e);
	pem = x509_pem(a, der);
	assert_ok(file_write(path_join(a, dir, "verity-signing.crt"), 0600, pem.p, pem.n, &e), &e);
	return dir;
}

static void test_earlier_version(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = earlier(&a);
	struct keys keys;
	struct err e;

	(void)state;
	read_keys(&a, dir, &keys);
	assert_true(key_in_db(KEY_VERITY, keys.k[KEY_VERITY].certificate));
	rotate(dir, KEY_DB);
	read_keys(&a, dir, &keys);
	assert_true(x509_issued_by(keys.k[KEY_VERITY].certificate, keys.k[KEY_DB].certificate));
	assert_int_equal(db_entries(&a, dir), 3); /* its images start as long as it is trusted */
	assert_ok(keys_retire(dir, KEY_VERITY, retired_digits(&a, dir, KEY_VERITY), MADE + 20, &e),
		  &e);
	assert_int_equal(db_entries(&a, dir), 2);
	assert_int_equal(revoked(&a, dir).n, 0);
}

static void test_revoke(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a), *esl = path_join(&a, dir, "enrol/dbx.esl");
	struct efi_revocation one = { .sha256 = "an image's digest, 32 bytes long" };
	vec_efi_revocation some = { 0 };
	struct str vendors;
	size_t n;
	struct err e;

	(void)state;
	vec_push(&a, &some) = one;
	vec_push(&a, &some) = one;
	assert_ok(keys_revoke(dir, &some, MADE + 1, &n, &e), &e);
	assert_int_equal(n, 1);
	dbx_check(&a, dir, 1);
	assert_ok(keys_revoke(dir, &some, MADE + 1, &n, &e), &e);
	assert_int_equal(n, 0);
	/* what somebody else put there stays */
	assert_ok(file_read(&a, esl, 1 << 20, &vendors, &e), &e);
	vendors = str_cat(&a, vendors, vendors);
	((char *)(uintptr_t)vendors.p)[0] ^= 1;
	assert_ok(file_write(esl, 0600, vendors.p, vendors.n, &e), &e);
	some.p[0].sha256[0] ^= 1;
	assert_ok(keys_revoke(dir, &some, MADE + 1, &n, &e), &e);
	assert_int_equal(n, 1);
	dbx_check(&a, dir, 2);
	assert_ok(file_write(esl, 0600, "x", 1, &e), &e);
	assert_err(keys_revoke(dir, &some, MADE + 1, &n, &e), &e,
		   "enrol/dbx.esl': EFI signature list at byte 0 of 1 is damaged");
	assert_int_equal(keys_revoke("/nonexistent", &some, MADE, &n, &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_issued_by_db),  cmocka_unit_test(test_rotate_db),
		cmocka_unit_test(test_retire_issued), cmocka_unit_test(test_earlier_version),
		cmocka_unit_test(test_revoke),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
