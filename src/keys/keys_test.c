/* SPDX-License-Identifier: MIT */
#include "keys/keys.h"

#include <sys/stat.h>

#include "keys/keys_test.h"

enum { YEAR = 31556952 };

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

/* As ssh has it: whoever may change a folder or file of keys decides what is signed and trusted. */
static void test_places(void **state)
{
	static const struct {
		const char *name;
		mode_t bad, good;
		const char *message;
	} places[] = {
		{ "", 0777, 0700, "every user of this machine may change '" },
		{ "", 0770, 0700, "others of its group may change '" },
		{ "enrol", 0775, 0700, "enrol'; chmod go-w '" },
		{ "db.crt", 0620, 0600, "others of its group may change '" },
		{ "db.pem", 0640, 0600, "db.pem': others of its group may read it; chmod 600 '" },
		{ "db.pem", 0620, 0600, "db.pem': others of its group may change it; chmod 600 '" },
	};
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a);
	struct keys keys;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const char *path = path_join(&a, dir, places[i].name);

		assert_int_equal(chmod(path, places[i].bad), 0);
		assert_err(keys_read(&a, dir, MADE, true, &keys, &e), &e, places[i].message);
		assert_int_equal(chmod(path, places[i].good), 0);
	}
	assert_int_equal(chmod(dir, 0755), 0); /* whoever may look */
	assert_ok(keys_read(&a, dir, MADE, true, &keys, &e), &e);
	keys_done(&keys);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(path_join(&a, dir, "db.pem"), 65534, 0), 0);
	assert_err(keys_read(&a, dir, MADE, true, &keys, &e), &e,
		   "belongs to user 65534, who may change it");
	assert_int_equal(chown(path_join(&a, dir, "db.pem"), 0, 0), 0);
	assert_int_equal(chown(dir, 65534, 0), 0);
	assert_err(keys_read(&a, dir, MADE, true, &keys, &e), &e,
		   "belongs to user 65534, who may change it");
	assert_int_equal(chown(dir, 0, 0), 0);
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

static const char *retired_file(struct arena *a, const char *dir, enum key_role role,
				const char *extension)
{
	return str_z(a, str_printf(a, "%s/retired/%s-%.*s.%s", dir, key_role_name(role),
				   STR_FMT(retired_digits(a, dir, role)), extension));
}

static void test_rotate_and_retire(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = dir_with_keys(&a), *old_pem;
	struct keys before, after;
	struct str digits;
	struct err e;

	(void)state;
	generate(dir, "Example Ltd");
	assert_ok(keys_read(&a, dir, MADE, true, &before, &e), &e);
	rotate(dir, KEY_PCR);
	assert_ok(keys_read(&a, dir, MADE + 10, true, &after, &e), &e);
	assert_int_equal(after.trusted[KEY_PCR].n, 2);
	assert_true(str_eq(after.trusted[KEY_PCR].p[0], after.k[KEY_PCR].certificate));
	assert_true(str_eq(after.trusted[KEY_PCR].p[1], before.k[KEY_PCR].certificate));
	assert_false(str_eq(signer_public_key(after.k[KEY_PCR].signer),
			    signer_public_key(before.k[KEY_PCR].signer)));
	assert_false(after.development); /* the organisation's, as the other keys */
	keys_done(&before);
	keys_done(&after);
	digits = retired_digits(&a, dir, KEY_PCR);
	old_pem = retired_file(&a, dir, KEY_PCR, "pem");
	assert_true(file_exists(old_pem));
	assert_err(keys_retire(dir, KEY_PCR, STR("1234567"), MADE, &e), &e,
		   "fingerprint '1234567'; want at least 8 digits of it");
	assert_err(keys_retire(dir, KEY_DB, digits, MADE, &e), &e, "no retired key 'db' has");
	assert_ok(keys_retire(dir, KEY_PCR, digits, MADE + 20, &e), &e);
	assert_false(file_exists(old_pem));
	assert_ok(keys_read(&a, dir, MADE + 10, true, &after, &e), &e);
	assert_int_equal(after.trusted[KEY_PCR].n, 1);
	keys_done(&after);
}

static void test_retire_present(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a);
	vec_key_info list;
	struct err e;

	(void)state;
	assert_ok(keys_list(&a, dir, &list, &e), &e);
	assert_int_equal(list.n, KEY_ROLES);
	assert_str(list.p[KEY_PK].where, "file");
	assert_str(list.p[KEY_PK].algorithm, "RSA 2048");
	assert_str(list.p[KEY_PK].subject,
		   "CN=Secure Boot platform key (development key), O=Ashlar");
	assert_err(keys_retire(dir, KEY_PK, hex_encode(&a, list.p[KEY_PK].sha256, 32), MADE, &e),
		   &e, "that is the present key 'PK': 'ashlar key rotate PK' first");
}

static void test_enrol(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a), *update;
	struct keys before, after;
	vec_str old_pk = { 0 };
	struct err e;

	(void)state;
	assert_ok(keys_read(&a, dir, MADE, true, &before, &e), &e);
	assert_int_equal(enrolled(&a, path_join(&a, dir, "enrol/PK.auth"), "PK", efi_global_guid,
				  &before.trusted[KEY_PK]),
			 1);
	assert_int_equal(enrolled(&a, path_join(&a, dir, "enrol/db.auth"), "db", efi_security_guid,
				  &before.trusted[KEY_KEK]),
			 1);
	rotate(dir, KEY_PK);
	rotate(dir, KEY_KEK);
	rotate(dir, KEY_DB);
	assert_ok(keys_read(&a, dir, MADE + 10, true, &after, &e), &e);
	for (size_t i = KEY_KEK; i <= KEY_DB; i++)
		after.trusted[i].n = 1; /* signed by the present ones */
	assert_int_equal(enrolled(&a, path_join(&a, dir, "enrol/KEK.auth"), "KEK", efi_global_guid,
				  &after.trusted[KEY_PK]),
			 2);
	assert_int_equal(enrolled(&a, path_join(&a, dir, "enrol/db.auth"), "db", efi_security_guid,
				  &after.trusted[KEY_KEK]),
			 2);
	/* A machine in user mode takes the new PK from the old one only. */
	update = str_z(&a, str_printf(&a, "%s/enrol/update/PK-%.*s.auth", dir,
				      STR_FMT(retired_digits(&a, dir, KEY_PK))));
	vec_push(&a, &old_pk) = before.k[KEY_PK].certificate;
	assert_int_equal(enrolled(&a, update, "PK", efi_global_guid, &old_pk), 1);
	assert_ok(keys_retire(dir, KEY_PK, retired_digits(&a, dir, KEY_PK), MADE + 20, &e), &e);
	assert_false(file_exists(update));
	keys_done(&before);
	keys_done(&after);
}

/* db cannot be changed without KEK: nothing is. */
static void test_rotate_without_kek(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a);
	struct key_generate g = { .dir = dir, .time_sec = MADE };
	struct keys keys;
	struct err e;

	(void)state;
	assert_int_equal(unlink(path_join(&a, dir, "KEK.pem")), 0);
	assert_err(keys_rotate(&g, KEY_DB, &e), &e, "the private key 'KEK' is not in '");
	assert_false(file_exists(path_join(&a, dir, "retired")));
	assert_ok(keys_read(&a, dir, MADE, true, &keys, &e), &e);
	keys_done(&keys);
}

static void test_rotate_package(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *old = NULL;
	const char *dir = generated(&a), *asc = path_join(&a, dir, "package-signing.asc");
	struct str before, alone, after;
	struct keys keys;
	struct err e;

	(void)state;
	assert_ok(file_read(&a, asc, 1 << 20, &before, &e), &e);
	rotate(dir, KEY_PACKAGE);
	assert_ok(file_read(&a, retired_file(&a, dir, KEY_PACKAGE, "asc"), 1 << 20, &alone, &e),
		  &e);
	assert_true(str_eq(before, alone));
	assert_ok(file_read(&a, asc, 1 << 20, &after, &e), &e);
	assert_true(str_ends(after, str_z(&a, before)));
	assert_ok(keys_read(&a, dir, MADE + 10, true, &keys, &e), &e);
	assert_ok(openpgp_public_parse(after, &old, &e), &e);
	assert_ok(openpgp_signer_set(old, keys.k[KEY_PACKAGE].signer, &e), &e);
	keys_done(&keys);
}

/* Version 0.1.0 had a key for packages only. */
static void test_earlier_version(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a), *asc = path_join(&a, dir, "package-signing.asc");
	struct str before, after;
	struct err e;

	(void)state;
	assert_ok(file_read(&a, asc, 1 << 20, &before, &e), &e);
	assert_int_equal(unlink(path_join(&a, dir, "package-signing.crt")), 0);
	assert_ok(dir_remove(path_join(&a, dir, "enrol"), &e), &e);
	generate(dir, NULL);
	assert_ok(file_read(&a, asc, 1 << 20, &after, &e), &e);
	assert_true(str_eq(before, after));
	assert_true(file_exists(path_join(&a, dir, "enrol/db.auth")));
}

/* Cut off after its decision: the next one who reads finishes it. */
static void test_interrupted(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a), *other = generated(&a), *next;
	static const char *const names[] = { "db.crt", "db.pem" };
	struct keys keys;
	struct str bytes;
	struct err e;

	(void)state;
	rotate(other, KEY_DB);
	next = path_join(&a, dir, ".next");
	assert_ok(dir_make(next, &e), &e);
	for (size_t i = 0; i < 2; i++) {
		assert_ok(file_read(&a, path_join(&a, other, names[i]), 1 << 20, &bytes, &e), &e);
		assert_ok(file_write(path_join(&a, next, names[i]), 0600, bytes.p, bytes.n, &e),
			  &e);
	}
	assert_ok(file_write(path_join(&a, next, "enrol+db.auth"), 0600, "", 0, &e), &e);
	assert_ok(file_write(path_join(&a, next, "retired+x.pem"), 0600, "x", 1, &e), &e);
	assert_ok(keys_read(&a, dir, MADE + 10, true, &keys, &e), &e);
	keys_done(&keys);
	assert_false(file_exists(next));
	assert_false(file_exists(path_join(&a, dir, "enrol/db.auth")));
	assert_true(file_exists(path_join(&a, dir, "retired/x.pem")));
}

static void test_two_private_keys(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = generated(&a);
	struct keys keys;
	struct err e;

	(void)state;
	assert_ok(file_write(path_join(&a, dir, "db.uri"), 0600, "pkcs11:token=x\n", 15, &e), &e);
	assert_err(keys_read(&a, dir, MADE, true, &keys, &e), &e, "which is the private key, '");
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
		cmocka_unit_test(test_generate_and_read),
		cmocka_unit_test(test_organisation),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_rotate_and_retire),
		cmocka_unit_test(test_retire_present),
		cmocka_unit_test(test_enrol),
		cmocka_unit_test(test_rotate_without_kek),
		cmocka_unit_test(test_rotate_package),
		cmocka_unit_test(test_earlier_version),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_two_private_keys),
		cmocka_unit_test(test_role_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
