/* SPDX-License-Identifier: MIT */
#include "trust/signer.h"

#include "base/proc.h"
#include "base/test.h"

static struct signer *signer_read(struct arena *a, struct str before)
{
	struct signer *signer;
	struct str pem;
	struct err e;

	assert_ok(file_read(a, "test/data/rsa-2048.pem", 1 << 20, &pem, &e), &e);
	assert_ok(signer_pem_parse(str_cat(a, before, pem), &signer, &e), &e);
	return signer;
}

static void test_same_bytes(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_signer_ struct signer *x = signer_read(&a, STR("")),
				       *y = signer_read(&a, STR("# made by hand\n"));
	struct str sig, again;
	struct err e;

	(void)state;
	assert_int_equal(signer_bytes(x), 256);
	assert_true(str_eq(signer_public_key(x), signer_public_key(y)));
	assert_ok(signer_sign(&a, x, STR("text"), &sig, &e), &e);
	assert_ok(signer_sign(&a, y, STR("text"), &again, &e), &e);
	assert_int_equal(sig.n, 256);
	assert_true(str_eq(sig, again));
}

static void test_generate(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_signer_ struct signer *signer = NULL, *again = NULL, *small = NULL;
	struct str pem;
	struct err e;

	(void)state;
	assert_ok(signer_generate(&a, 2048, &signer, &pem, &e), &e);
	assert_ok(signer_pem_parse(pem, &again, &e), &e);
	assert_true(str_eq(signer_public_key(signer), signer_public_key(again)));
	assert_err(signer_generate(&a, 1024, &small, &pem, &e), &e, "RSA key of 1024 bits");
}

static void test_errors(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct signer *signer;
	struct str pem;
	struct err e;

	(void)state;
	assert_err(signer_pem_parse(STR("x"), &signer, &e), &e,
		   "private key is no unencrypted PEM: ");
	assert_ok(file_read(&a, "test/fuzz/corpus/signer_pem/should-fail-ed25519.pem", 1 << 20,
			    &pem, &e),
		  &e);
	assert_err(signer_pem_parse(pem, &signer, &e), &e, "key is not RSA");
}

static void test_openssl(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_signer_ struct signer *signer = signer_read(&a, STR(""));
	const char *dir = test_dir(&a), *public = path_join(&a, dir, "public.der"),
		   *data = path_join(&a, dir, "data"), *sig_path = path_join(&a, dir, "sig");
	struct str sig, der = signer_public_key(signer);
	struct proc_result result;
	struct err e;

	(void)state;
	if (access("/usr/bin/openssl", X_OK) < 0)
		skip();
	assert_ok(signer_sign(&a, signer, STR("text"), &sig, &e), &e);
	assert_ok(file_write(public, 0600, der.p, der.n, &e), &e);
	assert_ok(file_write(data, 0600, "text", 4, &e), &e);
	assert_ok(file_write(sig_path, 0600, sig.p, sig.n, &e), &e);
	assert_ok(proc_run(&a,
			   (const char *[]){ "openssl", "dgst", "-sha256", "-keyform", "DER",
					     "-verify", public, "-signature", sig_path, data,
					     NULL },
			   STR(""), NULL, &result, &e),
		  &e);
	assert_str(result.out, "Verified OK\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
