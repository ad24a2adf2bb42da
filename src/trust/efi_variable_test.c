/* SPDX-License-Identifier: MIT */
#include "trust/efi_variable.h"

#include "trust/signed_data.h"
#include "trust/signed_test.h"

enum { SIGN_TIME = 1710000000, TIME_BYTES = 16, AUTH_BYTES = TIME_BYTES + 8 + 16 };

static const uint8_t owner[16] = "ashlar's owner!!";

static struct str lists(struct arena *a, const char *first, const char *second)
{
	vec_str certificates = { 0 };

	vec_push(a, &certificates) = test_certificate(a, first);
	if (second)
		vec_push(a, &certificates) = test_certificate(a, second);
	return efi_signature_lists(a, owner, &certificates);
}

static void test_lists(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str data = lists(&a, "signer", "other");
	vec_str got = { 0 };
	struct err e;

	(void)state;
	assert_ok(efi_signature_lists_parse(&a, data, &got, &e), &e);
	assert_int_equal(got.n, 2);
	assert_true(str_eq(got.p[0], test_certificate(&a, "signer")));
	assert_true(str_eq(got.p[1], test_certificate(&a, "other")));
	assert_ok(efi_signature_lists_parse(&a, STR(""), &got, &e), &e);
	assert_int_equal(got.n, 0);
}

/* A digest in db has firmware start the executable, whoever signed it. */
static void test_lists_other_type(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str data = lists(&a, "signer", "other");
	vec_str got = { 0 };
	struct err e;

	(void)state;
	((char *)(uintptr_t)data.p)[0] ^= 1;
	assert_err(efi_signature_lists_parse(&a, data, &got, &e), &e,
		   "names what is no certificate");
}

static void test_revocations(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_efi_revocation in = { 0 }, got = { 0 };
	vec_str certificates = { 0 };
	struct str data;
	struct err e;

	(void)state;
	vec_push(&a, &in) = (struct efi_revocation){ "an executable's digest, 32 bytes" };
	vec_push(&a, &in) = (struct efi_revocation){ "another one's, also of 32 bytes" };
	data = str_cat(&a, lists(&a, "signer", NULL), efi_revocation_lists(&a, owner, &in));
	assert_ok(efi_revocation_lists_parse(&a, data, &got, &e), &e);
	assert_int_equal(got.n, 2);
	for (size_t i = 0; i < 2; i++)
		assert_memory_equal(got.p[i].sha256, in.p[i].sha256, SHA256_BYTES);
	assert_err(efi_signature_lists_parse(&a, data, &certificates, &e), &e,
		   "names what is no certificate");
	assert_err(efi_revocation_lists_parse(&a, str_head(data, data.n - 1), &got, &e), &e,
		   "is damaged");
}

static void lists_damage(struct arena *a, size_t offset, uint32_t value)
{
	struct str data = lists(a, "signer", NULL);
	vec_str got = { 0 };
	struct err e;

	memcpy((char *)(uintptr_t)data.p + offset, &value, sizeof(value));
	assert_err(efi_signature_lists_parse(a, data, &got, &e), &e,
		   "EFI signature list at byte 0 of ");
	assert_null(got.p);
}

static void test_lists_damage(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str data = lists(&a, "signer", "other"), first = lists(&a, "signer", NULL);
	vec_str got;
	struct err e;

	(void)state;
	lists_damage(&a, 16, 0);
	lists_damage(&a, 16, 0xffffffff);
	lists_damage(&a, 20, 0xffffffff);
	lists_damage(&a, 24, 0);
	lists_damage(&a, 24, 16);
	lists_damage(&a, 24, 17);
	for (size_t n = 1; n < data.n; n++)
		if (n != first.n)
			assert_err(efi_signature_lists_parse(&a, str_head(data, n), &got, &e), &e,
				   "is damaged");
}

/* The owner as sbsiglist takes it. */
static void test_sbsiglist(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a), *out = path_join(&a, dir, "out");

	(void)state;
	test_judge(&a,
		   (const char *[]){ "sbsiglist", "--owner", "6173686c-6172-2773-206f-776e65722121",
				     "--type", "x509", "--output", out, "test/data/signer.der",
				     NULL },
		   NULL);
	assert_true(str_eq(test_file(&a, out), lists(&a, "signer", NULL)));
}

static struct str sign(struct arena *a, uint64_t time_sec)
{
	_cleanup_signer_ struct signer *signer = test_signer(a, "signer");
	struct str auth;
	struct err e;

	assert_ok(efi_variable_sign(a, "db", efi_security_guid, lists(a, "other", NULL), time_sec,
				    signer, test_certificate(a, "signer"), &auth, &e),
		  &e);
	return auth;
}

static void test_structure(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str auth = sign(&a, SIGN_TIME), data = lists(&a, "other", NULL);
	/* 2024-03-09 16:00:00 */
	static const uint8_t want[] = { 0xe8, 0x07, 3, 9, 16 };
	/* where EDK II looks for the length of two bytes, and for SHA-256 */
	static const uint8_t sha256_oid[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 1 };
	uint32_t n;

	(void)state;
	assert_true(str_eq(auth, sign(&a, SIGN_TIME)));
	assert_memory_equal(auth.p, want, sizeof(want));
	for (size_t i = sizeof(want); i < TIME_BYTES; i++)
		assert_int_equal(auth.p[i], 0);
	memcpy(&n, auth.p + TIME_BYTES, sizeof(n));
	assert_memory_equal(auth.p + TIME_BYTES + 4, "\x00\x02\xf1\x0e", 4);
	assert_int_equal((uint8_t)auth.p[AUTH_BYTES + 1], 0x82);
	assert_memory_equal(auth.p + AUTH_BYTES + 13, sha256_oid, sizeof(sha256_oid));
	assert_true(str_eq(str_from(auth, TIME_BYTES + n), data));
}

/* What is signed of "db" with that descriptor, put together by another hand. */
static struct str content(struct arena *a, struct str auth, struct str data)
{
	static const char head[] = "d\0b\0\xcb\xb2\x19\xd7\x3a\x3d\x96\x45\xa3\xbc\xda\xd0\x0e\x67"
				   "\x65\x6f\x27\0\0";
	struct buf b = { .a = a };

	buf_put(&b, head, sizeof(head));
	buf_put(&b, auth.p, TIME_BYTES);
	buf_put(&b, data.p, data.n);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static struct str signature(struct arena *a, struct str auth, struct str data)
{
	return signed_data_wrap(a,
				str_head(str_from(auth, AUTH_BYTES), auth.n - AUTH_BYTES - data.n));
}

/* sbvarsign signs attributes, a time among them, where we sign the content itself: so the bytes
 * differ; but it is the same content, in the same descriptor. */
static void test_sbvarsign(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a), *pem = test_pem(&a, dir, "signer");
	struct str data = lists(&a, "other", NULL), ours = sign(&a, SIGN_TIME), theirs;
	const char *path = test_put(&a, dir, "data", data), *out = path_join(&a, dir, "out");
	vec_str trusted = { 0 };
	struct signed_data s;
	struct err e;
	size_t by;

	(void)state;
	test_judge(&a,
		   (const char *[]){ "sbvarsign", "--key", "test/data/signer.pem", "--cert", pem,
				     "--guid", "d719b2cb-3d3a-4596-a3bc-dad00e67656f", "--attrs",
				     "NON_VOLATILE,BOOTSERVICE_ACCESS,RUNTIME_ACCESS", "--output",
				     out, "db", path, NULL },
		   NULL);
	theirs = test_file(&a, out);
	assert_memory_equal(ours.p + TIME_BYTES + 4, theirs.p + TIME_BYTES + 4, 4 + 16);
	vec_push(&a, &trusted) = test_certificate(&a, "signer");
	assert_ok(signed_data_parse(&a, signature(&a, theirs, data), &s, &e), &e);
	assert_ok(signed_data_verify(&s, content(&a, theirs, data), &trusted, &by, &e), &e);
	assert_ok(signed_data_parse(&a, signature(&a, ours, data), &s, &e), &e);
	assert_ok(signed_data_verify(&s, content(&a, ours, data), &trusted, &by, &e), &e);
}

static void test_openssl(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a), *pem = test_pem(&a, dir, "signer");
	struct str auth = sign(&a, SIGN_TIME), data = lists(&a, "other", NULL);
	const char *der = test_put(&a, dir, "der", signature(&a, auth, data)),
		   *path = test_put(&a, dir, "content", content(&a, auth, data));

	(void)state;
	test_judge(&a,
		   (const char *[]){ "openssl", "smime", "-verify", "-binary", "-inform", "DER",
				     "-in", der, "-CAfile", pem, "-purpose", "any", "-content",
				     path, "-out", path_join(&a, dir, "out"), NULL },
		   "Verification successful");
}

static void test_errors(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_signer_ struct signer *signer = test_signer(&a, "signer");
	struct str auth = { 0 };
	struct err e;

	(void)state;
	assert_err(efi_variable_sign(&a, "db", efi_security_guid, STR("x"), 253402300800, signer,
				     test_certificate(&a, "signer"), &auth, &e),
		   &e, "253402300800 s is a time after the year 9999");
	assert_err(efi_variable_sign(&a, "db", efi_security_guid, STR("x"), SIGN_TIME, signer,
				     test_certificate(&a, "other"), &auth, &e),
		   &e, "signature is not by this certificate's key, or not of these bytes");
	assert_null(auth.p);
}

/* Every byte is either signed or can be nothing else. */
static void test_verify(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str auth = sign(&a, SIGN_TIME), data = { 0 };
	uint8_t *bytes = arena_copy(&a, auth.p, auth.n);
	vec_str trusted = { 0 }, others = { 0 };
	struct err e;

	(void)state;
	vec_push(&a, &others) = test_certificate(&a, "other");
	vec_push(&a, &trusted) = others.p[0];
	vec_push(&a, &trusted) = test_certificate(&a, "signer");
	assert_ok(efi_variable_verify(&a, "db", efi_security_guid, auth, &trusted, &data, &e), &e);
	assert_true(str_eq(data, lists(&a, "other", NULL)));
	assert_err(efi_variable_verify(&a, "db", efi_security_guid, auth, &others, &data, &e), &e,
		   "which is none of the 1 trusted ones");
	assert_err(efi_variable_verify(&a, "dbx", efi_security_guid, auth, &trusted, &data, &e), &e,
		   "signature is not by this certificate's key");
	for (size_t i = 0; i < auth.n; i++) {
		struct str bad = { (const char *)bytes, auth.n };

		bytes[i] ^= (uint8_t)(1 << i % 8);
		if (efi_variable_verify(&a, "db", efi_security_guid, bad, &trusted, &data, &e) == 0)
			fail_msg("bit %zu of byte %zu changed unnoticed", i % 8, i);
		bytes[i] ^= (uint8_t)(1 << i % 8);
		if (i % 16 == 0)
			assert_true(efi_variable_verify(&a, "db", efi_security_guid,
							str_head(bad, i), &trusted, &data, &e) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify),       cmocka_unit_test(test_lists),
		cmocka_unit_test(test_revocations),  cmocka_unit_test(test_lists_other_type),
		cmocka_unit_test(test_lists_damage), cmocka_unit_test(test_sbsiglist),
		cmocka_unit_test(test_structure),    cmocka_unit_test(test_sbvarsign),
		cmocka_unit_test(test_openssl),      cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
