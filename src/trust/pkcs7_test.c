/* SPDX-License-Identifier: MIT */
#include "trust/pkcs7.h"

#include "trust/certificate.h"
#include "trust/signed_test.h"

#define CONTENT STR("policy_name=x policy_version=0.0.1\n")

static struct pkcs7 form(struct arena *a, bool attached, bool certificates)
{
	return (struct pkcs7){ test_certificate(a, "signer"), CONTENT, attached, certificates };
}

static struct str build(struct arena *a, const struct pkcs7 *p)
{
	struct str der;
	struct err e;

	assert_ok(pkcs7_build(a, p, test_sign(a, "signer", pkcs7_to_sign(p)), &der, &e), &e);
	return der;
}

static vec_str trust(struct arena *a, const char *first, const char *second)
{
	vec_str trusted = { 0 };

	vec_push(a, &trusted) = test_certificate(a, first);
	if (second)
		vec_push(a, &trusted) = test_certificate(a, second);
	return trusted;
}

static void test_forms(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_str trusted = trust(&a, "other", "signer");
	struct err e;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct pkcs7 p = form(&a, i & 1, i & 2);
		struct str der = build(&a, &p), content = p.attached ? STR("") : CONTENT;
		size_t by = 0;

		assert_ok(pkcs7_verify(&a, der, &content, &trusted, &by, &e), &e);
		assert_int_equal(by, 1);
		assert_true(str_eq(content, CONTENT));
		assert_true(str_eq(der, build(&a, &p)));
		content = p.attached ? STR("") : CONTENT;
		assert_ok(pkcs7_verify_exact(&a, der, &content, &trusted, &by, &e), &e);
		assert_true(str_eq(content, CONTENT) && by == 1);
	}
}

/* Byte for byte what OpenSSL makes: the same DER, in all four forms. */
static void test_same_as_openssl(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a);
	char *pem = test_pem(&a, dir, "signer"), *data = test_put(&a, dir, "data", CONTENT);
	char *out = path_join(&a, dir, "out");

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct pkcs7 p = form(&a, i & 1, i & 2);
		const char *argv[] = {
			"openssl",
			"smime",
			"-sign",
			"-binary",
			"-noattr",
			"-md",
			"sha256",
			"-signer",
			pem,
			"-inkey",
			"test/data/signer.pem",
			"-in",
			data,
			"-outform",
			"DER",
			"-out",
			out,
			p.attached ? "-nodetach" : "-noattr",
			p.certificates ? NULL : "-nocerts",
			NULL,
		};

		test_judge(&a, argv, NULL);
		assert_true(str_eq(test_file(&a, out), build(&a, &p)));
	}
}

static void check_openssl(struct arena *a, const char *command, bool attached)
{
	struct pkcs7 p = form(a, attached, true);
	const char *dir = test_dir(a), *pem = test_pem(a, dir, "signer");
	const char *der = test_put(a, dir, "der", build(a, &p));
	const char *data = test_put(a, dir, "data", CONTENT);
	const char *argv[] = {
		"openssl",
		command,
		"-verify",
		"-binary",
		"-inform",
		"DER",
		"-in",
		der,
		"-CAfile",
		pem,
		"-purpose",
		"any",
		attached ? NULL : "-content",
		data,
		NULL,
	};

	test_judge(a, argv, "policy_name=x");
	test_judge(a, argv, "erification successful");
}

/* As "openssl x509 -pubkey | openssl rsa -pubin -RSAPublicKey_out | sha256sum" says, and as
 * systemd-measure names this key. */
static void test_key_bits(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str bits;
	struct err e;

	(void)state;
	assert_ok(certificate_key_bits(&a, test_certificate(&a, "signer"), &bits, &e), &e);
	assert_str(sha256_hex(&a, bits.p, bits.n),
		   "d0801dccb8df8f9f764c16006cbc3c354da220891fb5ec2cfd9f2ccb82fe8a8d");
	assert_err(certificate_key_bits(&a, STR("x"), &bits, &e), &e, "not a readable certificate");
}

static void test_openssl_verify(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	check_openssl(&a, "cms", true);
	check_openssl(&a, "cms", false);
	check_openssl(&a, "smime", true);
	check_openssl(&a, "smime", false);
}

/* What others sign has attributes, a time among them. */
static void test_attributes(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a);
	char *pem = test_pem(&a, dir, "signer"), *data = test_put(&a, dir, "data", CONTENT);
	char *out = path_join(&a, dir, "out");
	vec_str trusted = trust(&a, "signer", NULL);
	struct str der, content = CONTENT, wrong = STR("policy_name=y\n");
	struct err e;
	size_t by;

	(void)state;
	test_judge(&a,
		   (const char *[]){ "openssl", "cms", "-sign", "-binary", "-md", "sha256",
				     "-signer", pem, "-inkey", "test/data/signer.pem", "-in", data,
				     "-outform", "DER", "-out", out, NULL },
		   NULL);
	der = test_file(&a, out);
	assert_ok(pkcs7_verify(&a, der, &content, &trusted, &by, &e), &e);
	assert_err(pkcs7_verify(&a, der, &wrong, &trusted, &by, &e), &e,
		   "signature is of other content: its digest is not this one");
	assert_err(pkcs7_verify_exact(&a, der, &content, &trusted, &by, &e), &e,
		   "PKCS#7 signature holds more than signs");
}

/* Whatever bit is changed, it is noticed. */
static void test_bits(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct pkcs7 p = form(&a, true, true);
	struct str der = build(&a, &p);
	vec_str trusted = trust(&a, "signer", NULL);
	char *bytes = arena_copy(&a, der.p, der.n);

	(void)state;
	for (size_t bit = 0; bit < der.n * 8; bit += 7) { /* one at least of each byte */
		_cleanup_arena_ struct arena work = { 0 };
		struct str content = { 0 };
		struct err e;
		size_t by;

		bytes[bit / 8] ^= (char)(1 << bit % 8);
		assert_true(pkcs7_verify_exact(&work, (struct str){ bytes, der.n }, &content,
					       &trusted, &by, &e) < 0);
		bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
}

static void test_wrong(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct pkcs7 in = form(&a, true, false), out = form(&a, false, false);
	struct str inside = build(&a, &in), beside = build(&a, &out), none = STR(""),
		   content = CONTENT, other = STR("policy_name=y\n"), der;
	vec_str trusted = trust(&a, "signer", NULL), others = trust(&a, "other", NULL);
	struct err e;
	size_t by;

	(void)state;
	assert_int_equal(pkcs7_verify(&a, beside, &other, &trusted, &by, &e), -EKEYREJECTED);
	assert_err(pkcs7_verify(&a, beside, &other, &trusted, &by, &e), &e,
		   "signature is not by this certificate's key, or not of these bytes");
	assert_int_equal(pkcs7_verify(&a, beside, &content, &others, &by, &e), -ENOKEY);
	assert_err(pkcs7_verify(&a, beside, &content, &others, &by, &e), &e,
		   "signed by the certificate with serial number 00a1b2c3d4e5f601, which is none "
		   "of the 1 trusted ones");
	assert_err(pkcs7_verify(&a, beside, &none, &trusted, &by, &e), &e,
		   "has no content inside; want one with");
	assert_err(pkcs7_verify(&a, inside, &content, &trusted, &by, &e), &e,
		   "has content inside; want one without");
	others.p[0] = STR("x");
	assert_err(pkcs7_verify(&a, beside, &content, &others, &by, &e), &e,
		   "a certificate of 1 bytes is not readable as DER");
	assert_err(pkcs7_build(&a, &out, test_sign(&a, "other", CONTENT), &der, &e), &e,
		   "signature is not by this certificate's key, or not of these bytes");
	out.certificate = STR("x");
	assert_err(pkcs7_build(&a, &out, test_sign(&a, "other", CONTENT), &der, &e), &e,
		   "a certificate of 1 bytes is not readable as DER");
}

/* No bit of it may change, and nothing be cut off or added. */
static void test_damage(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct pkcs7 p = form(&a, true, false);
	struct str der = build(&a, &p), content = STR("");
	vec_str trusted = trust(&a, "signer", NULL);
	struct err e;
	size_t by;

	(void)state;
	for (size_t i = 0; i < der.n * 8; i++) {
		struct str bad = str_dup(&a, der);

		((char *)(uintptr_t)bad.p)[i / 8] ^= (char)(1 << (i % 8));
		if (pkcs7_verify(&a, bad, &content, &trusted, &by, &e) == 0)
			fail_msg("bit %zu of byte %zu changed unnoticed", i % 8, i / 8);
	}
	for (size_t n = 0; n < der.n; n++)
		assert_err(pkcs7_verify(&a, str_head(der, n), &content, &trusted, &by, &e), &e,
			   "damaged, or no PKCS#7 signature");
	assert_err(pkcs7_verify(&a, str_cat(&a, der, STR("x")), &content, &trusted, &by, &e), &e,
		   "damaged, or no PKCS#7 signature");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),          cmocka_unit_test(test_same_as_openssl),
		cmocka_unit_test(test_openssl_verify), cmocka_unit_test(test_key_bits),
		cmocka_unit_test(test_attributes),     cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_damage),         cmocka_unit_test(test_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
