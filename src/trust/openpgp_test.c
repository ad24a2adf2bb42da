/* SPDX-License-Identifier: MIT */
#include "trust/openpgp.h"

#include "base/proc.h"
#include "base/test.h"

enum { KEY_TIME = 1700000000, SIGN_TIME = 1710000000 };

static const struct str user_id = { "Test (development key) <test@ashlar.invalid>", 44 };

/* Of an RSA key of 4096 bits, which takes seconds to make. */
static struct openpgp_key *key_read(struct arena *a)
{
	static struct signer *signer; /* outlives every key */
	struct openpgp_key *key;
	struct str pem;
	struct err e;

	assert_ok(file_read(a, "test/data/package-signing.pem", 1 << 20, &pem, &e), &e);
	if (!signer)
		assert_ok(signer_pem_parse(pem, &signer, &e), &e);
	assert_ok(openpgp_new(signer, user_id, KEY_TIME, &key, &e), &e);
	return key;
}

static struct signer *other_signer(struct arena *a)
{
	struct signer *signer;
	struct str pem;
	struct err e;

	assert_ok(file_read(a, "test/data/rsa-2048.pem", 1 << 20, &pem, &e), &e);
	assert_ok(signer_pem_parse(pem, &signer, &e), &e);
	return signer;
}

static void test_new_errors(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_signer_ struct signer *signer = other_signer(&a);
	struct openpgp_key *key;
	struct err e;

	(void)state;
	assert_err(openpgp_new(signer, STR(""), KEY_TIME, &key, &e), &e, "user id is empty");
	assert_err(openpgp_new(signer, STR("a\nb"), KEY_TIME, &key, &e), &e, "several lines");
	assert_err(openpgp_new(signer, user_id, 1ull << 32, &key, &e), &e,
		   "OpenPGP's seconds end at 4294967295");
}

static void test_public_round_trip(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *key = key_read(&a), *public = NULL;
	uint8_t fingerprint[20], fingerprint_again[20];
	struct str armor = openpgp_public_armor(&a, key), sig;
	struct err e;

	(void)state;
	assert_ok(openpgp_public_parse(armor, &public, &e), &e);
	openpgp_fingerprint(key, fingerprint);
	openpgp_fingerprint(public, fingerprint_again);
	assert_memory_equal(fingerprint, fingerprint_again, 20);
	assert_str(openpgp_user_id(public), "Test (development key) <test@ashlar.invalid>");
	assert_true(str_eq(openpgp_public_armor(&a, public), armor));
	assert_err(openpgp_sign(&a, public, STR("x"), SIGN_TIME, &sig, &e), &e,
		   "the private key of 'Test (development key) <test@ashlar.invalid>' is not here");
}

static void test_signer_set(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_signer_ struct signer *signer = other_signer(&a);
	_cleanup_openpgp_ struct openpgp_key *key = NULL, *public = NULL, *other = key_read(&a);
	struct str sig;
	struct err e;

	(void)state;
	assert_ok(openpgp_new(signer, user_id, KEY_TIME, &key, &e), &e);
	assert_ok(openpgp_public_parse(openpgp_public_armor(&a, key), &public, &e), &e);
	assert_ok(openpgp_signer_set(public, signer, &e), &e);
	assert_ok(openpgp_sign(&a, public, STR("x"), SIGN_TIME, &sig, &e), &e);
	assert_ok(openpgp_verify(key, STR("x"), sig, &e), &e);
	assert_int_equal(openpgp_signer_set(other, signer, &e), -EKEYREJECTED);
}

/* Made by gpg 2.2: legacy packet headers, signed with SHA-512. */
static void test_public_of_gpg(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *key = NULL;
	struct str armor;
	struct err e;

	(void)state;
	assert_ok(file_read(&a, "test/fuzz/corpus/openpgp_public/gpg.asc", 1 << 20, &armor, &e),
		  &e);
	assert_ok(openpgp_public_parse(armor, &key, &e), &e);
	assert_str(openpgp_user_id(key), "Other <other@ashlar.invalid>");
}

static void test_public_errors(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *key = key_read(&a), *public = NULL;
	struct str armor;
	char *text;
	struct err e;

	(void)state;
	armor = openpgp_public_armor(&a, key);
	assert_err(openpgp_public_parse(str_head(armor, armor.n / 2), &public, &e), &e,
		   "no '-----END PGP PUBLIC KEY BLOCK-----'");
	text = str_z(&a, armor);
	text[200] = text[200] == 'A' ? 'B' : 'A';
	assert_err(openpgp_public_parse(str_c(text), &public, &e), &e,
		   "OpenPGP public key: armour is damaged at '=");
	assert_err(openpgp_public_parse(STR("hello\n"), &public, &e), &e,
		   "no '-----BEGIN PGP PUBLIC KEY BLOCK-----'");
	assert_null(public);
}

static void test_signature(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *key = key_read(&a);
	struct str sig, again;
	char *damaged;
	struct err e;

	(void)state;
	assert_ok(openpgp_sign(&a, key, STR("text"), SIGN_TIME, &sig, &e), &e);
	assert_ok(openpgp_sign(&a, key, STR("text"), SIGN_TIME, &again, &e), &e);
	assert_true(str_eq(sig, again));
	assert_ok(openpgp_verify(key, STR("text"), sig, &e), &e);
	assert_err(openpgp_verify(key, STR("test"), sig, &e), &e,
		   "signature does not match the data");
	assert_err(openpgp_verify(key, STR("text"), str_head(sig, 20), &e), &e, "is cut short");
	assert_err(openpgp_verify(key, STR("text"), str_cat(&a, sig, sig), &e), &e,
		   "want exactly one signature packet");
	damaged = str_z(&a, sig);
	damaged[40] ^= 1; /* within the unhashed issuer or the hashed fields */
	assert_true(openpgp_verify(key, STR("text"), (struct str){ damaged, sig.n }, &e) < 0);
}

/* A signature dated before its key is refused everywhere: it is moved up. */
static void test_signature_not_before_key(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *key = key_read(&a);
	struct str early, at_key;
	struct err e;

	(void)state;
	assert_ok(openpgp_sign(&a, key, STR("text"), 1, &early, &e), &e);
	assert_ok(openpgp_sign(&a, key, STR("text"), KEY_TIME, &at_key, &e), &e);
	assert_true(str_eq(early, at_key));
}

static void assert_run(struct arena *a, const char *const *argv, const char *text)
{
	struct proc_result result;
	struct err e;

	assert_ok(proc_run(a, argv, STR(""), NULL, &result, &e), &e);
	if (result.status != 0 || !(str_has(result.out, text) || str_has(result.err, text)))
		fail_msg("%s: status %d, %.*s%.*s", argv[0], result.status, STR_FMT(result.out),
			 STR_FMT(result.err));
}

/* Key, data and signature as files in a folder of their own. */
static const char *signed_dir(struct arena *a)
{
	_cleanup_openpgp_ struct openpgp_key *key = key_read(a);
	const char *dir = test_dir(a);
	struct str armor, sig;
	struct err e;

	armor = openpgp_public_armor(a, key);
	assert_ok(openpgp_sign(a, key, STR("text"), SIGN_TIME, &sig, &e), &e);
	assert_ok(file_write(path_join(a, dir, "k.asc"), 0600, armor.p, armor.n, &e), &e);
	assert_ok(file_write(path_join(a, dir, "data"), 0600, "text", 4, &e), &e);
	assert_ok(file_write(path_join(a, dir, "data.sig"), 0600, sig.p, sig.n, &e), &e);
	return dir;
}

static void test_gpg(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = signed_dir(&a), *asc = path_join(&a, dir, "k.asc");
	const char *sig = path_join(&a, dir, "data.sig"), *data = path_join(&a, dir, "data");

	(void)state;
	if (access("/usr/bin/gpg", X_OK) < 0)
		skip();
	assert_run(&a,
		   (const char *[]){ "gpg", "--homedir", dir, "--batch", "--import", asc, NULL },
		   "imported: 1");
	assert_run(&a,
		   (const char *[]){ "gpg", "--homedir", dir, "--batch", "--verify", sig, data,
				     NULL },
		   "Good signature from \"Test (development key) <test@ashlar.invalid>\"");
}

/* rpm since 4.20 verifies with Sequoia, which is stricter than rpm's own parser was. */
static void test_sequoia(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = signed_dir(&a), *asc = path_join(&a, dir, "k.asc");
	const char *sig = path_join(&a, dir, "data.sig"), *data = path_join(&a, dir, "data");

	(void)state;
	if (access("/usr/bin/sqv", X_OK) < 0)
		skip();
	assert_run(&a, (const char *[]){ "sqv", "--keyring", asc, sig, data, NULL },
		   "932883DBC77FC697");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_errors),
		cmocka_unit_test(test_public_round_trip),
		cmocka_unit_test(test_signer_set),
		cmocka_unit_test(test_public_errors),
		cmocka_unit_test(test_public_of_gpg),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_signature_not_before_key),
		cmocka_unit_test(test_gpg),
		cmocka_unit_test(test_sequoia),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
