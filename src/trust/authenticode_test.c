/* SPDX-License-Identifier: MIT */
#include "trust/authenticode.h"

#include "disk/pe.h"
#include "trust/signed_test.h"

/* What a package of the machine holds, and what is in the test of PE. */
static const char *const inputs[] = {
	"/usr/lib/systemd/boot/efi/systemd-bootx64.efi",
	"/usr/lib/systemd/boot/efi/linuxx64.efi.stub",
	"test/fuzz/corpus/pe/image.efi",
};
enum { N_INPUTS = sizeof(inputs) / sizeof(inputs[0]) };
#define IMAGE "test/fuzz/corpus/pe/image.efi"

static struct str sign(struct arena *a, struct str image)
{
	struct str data, out;
	struct err e;

	assert_ok(authenticode_to_sign(a, image, &data, &e), &e);
	assert_ok(authenticode_attach(a, image, test_certificate(a, "signer"),
				      test_sign(a, "signer", data), &out, &e),
		  &e);
	return out;
}

static vec_str trust(struct arena *a, const char *name)
{
	vec_str trusted = { 0 };

	vec_push(a, &trusted) = test_certificate(a, name);
	return trusted;
}

static void test_round_trip(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_str trusted = trust(&a, "signer");
	uint8_t before[SHA256_BYTES], after[SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < N_INPUTS; i++) {
		struct str image, out, again;
		struct err e;
		size_t by = 1;

		if (!file_exists(inputs[i]))
			continue;
		image = test_file(&a, inputs[i]);
		out = sign(&a, image);
		assert_ok(authenticode_digest(image, before, &e), &e);
		assert_ok(authenticode_digest(out, after, &e), &e);
		assert_int_equal(memcmp(before, after, SHA256_BYTES) == 0, image.n % 8 == 0);
		assert_ok(authenticode_verify(&a, out, &trusted, &by, &e), &e);
		assert_int_equal(by, 0);
		assert_ok(pe_checksum_check(out, &e), &e);
		assert_ok(authenticode_strip(&a, out, &again, &e), &e);
		assert_true(str_eq(sign(&a, again), out));
		assert_ok(pe_checksum_check(again, &e), &e);
		assert_int_equal(again.n, (image.n + 7) / 8 * 8);
	}
}

/* sbverify takes what we sign. */
static void test_sbverify(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a), *pem = test_pem(&a, dir, "signer");

	(void)state;
	for (size_t i = 0; i < N_INPUTS; i++) {
		const char *path;

		if (!file_exists(inputs[i]))
			continue;
		path = test_put(&a, dir, "signed.efi", sign(&a, test_file(&a, inputs[i])));
		test_judge(&a, (const char *[]){ "sbverify", "--cert", pem, path, NULL },
			   "Signature verification OK");
	}
}

/* We take what sbsign signs, twice too; and it signs the same digest of the same image. */
static void test_sbsign(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a), *pem = test_pem(&a, dir, "signer");
	char *once = path_join(&a, dir, "once.efi"), *twice = path_join(&a, dir, "twice.efi");
	vec_str trusted = trust(&a, "signer"), others = trust(&a, "other");
	uint8_t ours[SHA256_BYTES], theirs[SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < N_INPUTS; i++) {
		struct str out;
		struct err e;
		size_t by;

		if (!file_exists(inputs[i]))
			continue;
		test_judge(&a,
			   (const char *[]){ "sbsign", "--key", "test/data/signer.pem", "--cert",
					     pem, "--output", once, inputs[i], NULL },
			   NULL);
		test_judge(&a,
			   (const char *[]){ "sbsign", "--key", "test/data/signer.pem", "--cert",
					     pem, "--output", twice, once, NULL },
			   NULL);
		out = test_file(&a, once);
		assert_ok(authenticode_verify(&a, out, &trusted, &by, &e), &e);
		assert_ok(authenticode_digest(out, theirs, &e), &e);
		assert_ok(authenticode_digest(sign(&a, test_file(&a, inputs[i])), ours, &e), &e);
		assert_memory_equal(ours, theirs, SHA256_BYTES);
		out = test_file(&a, twice);
		assert_ok(authenticode_verify(&a, out, &trusted, &by, &e), &e);
		assert_err(authenticode_verify(&a, out, &others, &by, &e), &e,
			   "which is none of the 1 trusted ones");
	}
}

/* A table begins at a multiple of eight; what is put in before it is signed. */
static void test_odd_size(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a), *pem = test_pem(&a, dir, "signer");
	struct str image = str_cat(&a, test_file(&a, IMAGE), STR("abc")), out = sign(&a, image);
	vec_str trusted = trust(&a, "signer");
	struct err e;
	size_t by;

	(void)state;
	assert_ok(authenticode_verify(&a, out, &trusted, &by, &e), &e);
	test_judge(&a,
		   (const char *[]){ "sbverify", "--cert", pem, test_put(&a, dir, "odd.efi", out),
				     NULL },
		   "Signature verification OK");
}

static void test_errors(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str image = test_file(&a, IMAGE), out = sign(&a, image), ret = { 0 }, data;
	vec_str trusted = trust(&a, "signer"), others = trust(&a, "other");
	struct err e;
	size_t by;

	(void)state;
	assert_int_equal(authenticode_verify(&a, image, &trusted, &by, &e), -ENOKEY);
	assert_err(authenticode_verify(&a, image, &trusted, &by, &e), &e,
		   "executable is not signed");
	assert_int_equal(authenticode_verify(&a, out, &others, &by, &e), -EKEYREJECTED);
	assert_err(authenticode_to_sign(&a, out, &ret, &e), &e, "image is signed already");
	assert_err(authenticode_to_sign(&a, STR("x"), &ret, &e), &e, "does not begin with 'MZ'");
	assert_ok(authenticode_to_sign(&a, image, &data, &e), &e);
	assert_err(authenticode_attach(&a, image, test_certificate(&a, "other"),
				       test_sign(&a, "signer", data), &ret, &e),
		   &e, "signature is not by this certificate's key, or not of these bytes");
	assert_null(ret.p);
}

/* Every bit of it is signed, or else counted in the checksum. */
static void test_damage(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str out = sign(&a, test_file(&a, IMAGE));
	uint8_t *bytes = arena_copy(&a, out.p, out.n);
	vec_str trusted = trust(&a, "signer");
	struct err e;
	size_t by;

	(void)state;
	for (size_t i = 0; i < out.n; i++) {
		struct str bad = { (const char *)bytes, out.n };

		bytes[i] ^= (uint8_t)(1 << (i % 8));
		if (authenticode_verify(&a, bad, &trusted, &by, &e) == 0 &&
		    pe_checksum_check(bad, &e) == 0)
			fail_msg("bit %zu of byte %zu changed unnoticed", i % 8, i);
		bytes[i] ^= (uint8_t)(1 << (i % 8));
		if (i % 16 == 0)
			assert_true(authenticode_verify(&a, str_head(bad, i), &trusted, &by, &e) <
				    0);
	}
	assert_ok(authenticode_verify(&a, (struct str){ (char *)bytes, out.n }, &trusted, &by, &e),
		  &e);
}

/* A second signature changes nothing of the first, and yet it is noticed. */
static void test_exact(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str image = test_file(&a, IMAGE), out = sign(&a, image), twice;
	struct pe_signing place;
	vec_str trusted = trust(&a, "signer");
	struct err e;
	size_t by;

	(void)state;
	assert_ok(authenticode_verify_exact(&a, out, &trusted, &by, &e), &e);
	assert_ok(pe_signing(out, &place, &e), &e);
	twice = str_cat(&a, out, str_from(out, place.end));
	assert_ok(pe_signing_set((uint8_t *)twice.p, twice.n, &place, &e), &e);
	assert_ok(authenticode_verify(&a, twice, &trusted, &by, &e), &e);
	assert_err(authenticode_verify_exact(&a, twice, &trusted, &by, &e), &e,
		   "executable holds more than is signed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_sbverify),
		cmocka_unit_test(test_sbsign),     cmocka_unit_test(test_odd_size),
		cmocka_unit_test(test_errors),     cmocka_unit_test(test_damage),
		cmocka_unit_test(test_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
