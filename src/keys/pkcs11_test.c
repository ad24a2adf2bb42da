/* SPDX-License-Identifier: MIT */
#include <openssl/x509.h>
#include <sys/stat.h>

#include "base/proc.h"
#include "base/test.h"
#include "keys/keys.h"

/* SoftHSM, with a token of its own. */
static const char module[] = "/usr/lib/softhsm/libsofthsm2.so";
static const char pin[] = "1234", token_uri[] = "pkcs11:token=ashlar";

static void run(struct arena *a, const char *const *argv)
{
	struct proc_result result;
	struct err e;

	assert_ok(proc_run(a, argv, STR(""), NULL, &result, &e), &e);
	if (result.status != 0)
		fail_msg("%s: status %d, %.*s%.*s", argv[0], result.status, STR_FMT(result.out),
			 STR_FMT(result.err));
}

/* Makes the token, and SoftHSM find it. */
static void token_make(struct arena *a, const char *options)
{
	const char *dir = test_dir(a), *conf = path_join(a, dir, "softhsm2.conf");
	struct str text =
		str_printf(a, "directories.tokendir = %s\nlog.level = ERROR\n%s", dir, options);
	struct err e;

	assert_ok(file_write(conf, 0600, text.p, text.n, &e), &e);
	setenv("SOFTHSM2_CONF", conf, 1);
	setenv("ASHLAR_PIN", pin, 1);
	run(a, (const char *[]){ "softhsm2-util", "--init-token", "--free", "--label", "ashlar",
				 "--pin", pin, "--so-pin", "5678", NULL });
}

static bool is_installed(void)
{
	return access(module, R_OK) == 0 && access("/usr/bin/softhsm2-util", X_OK) == 0;
}

/* The URI of a key of the token, which names SoftHSM's module: nothing is asked of p11-kit's
 * configuration. */
static struct str uri_of(struct arena *a, const char *label)
{
	struct str base = str_printf(a, "%s?module-path=%s", token_uri, module), uri;
	struct err e;

	assert_ok(signer_pkcs11_uri(a, base, label, STR("\x01\x02"), &uri, &e), &e);
	return uri;
}

static bool verifies(const struct signer *s, const char *text, struct str sig)
{
	const uint8_t *p = (const uint8_t *)signer_public_key(s).p;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)signer_public_key(s).n);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
		  EVP_DigestVerify(ctx, (const uint8_t *)sig.p, sig.n, (const uint8_t *)text,
				   strlen(text)) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return ok;
}

static void sign_and_verify(struct arena *a)
{
	_cleanup_signer_ struct signer *made = NULL, *again = NULL;
	struct str sig, sig_again;
	struct err e;

	assert_err(signer_pkcs11_open(uri_of(a, "db"), &made, &e), &e,
		   "no private key on token 'ashlar' fits 'pkcs11:token=ashlar;");
	assert_ok(signer_pkcs11_generate(uri_of(a, "db"), 2048, &made, &e), &e);
	assert_ok(signer_pkcs11_generate(uri_of(a, "db"), 2048, &again, &e), &e);
	assert_true(str_eq(signer_public_key(made), signer_public_key(again)));
	assert_ok(signer_sign(a, made, STR("text"), &sig, &e), &e);
	assert_int_equal(sig.n, 256);
	assert_true(verifies(made, "text", sig));
	assert_ok(signer_sign(a, again, STR("text"), &sig_again, &e), &e);
	assert_true(str_eq(sig, sig_again));
}

static void test_sign(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	if (!is_installed())
		skip();
	token_make(&a, "");
	sign_and_verify(&a);
}

/* Many smart cards sign what was hashed elsewhere, and no more. */
static void test_sign_without_digest(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	if (!is_installed())
		skip();
	token_make(&a, "slots.mechanisms = CKM_RSA_PKCS_KEY_PAIR_GEN,CKM_RSA_PKCS\n");
	sign_and_verify(&a);
}

/* The key of a smart card's signature slot wants the PIN each time (CKA_ALWAYS_AUTHENTICATE). */
static void test_pin_each_time(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_signer_ struct signer *signer = NULL;
	struct str sig;
	struct err e;

	(void)state;
	if (!is_installed() || access("/usr/bin/pkcs11-tool", X_OK) < 0)
		skip();
	token_make(&a, "");
	run(&a, (const char *[]){ "pkcs11-tool", "--module", module, "--token-label", "ashlar",
				  "--login", "--pin", pin, "--keypairgen", "--key-type", "rsa:2048",
				  "--id", "0102", "--label", "card", "--always-auth", NULL });
	assert_ok(signer_pkcs11_open(uri_of(&a, "card"), &signer, &e), &e);
	for (unsigned i = 0; i < 2; i++)
		assert_ok(signer_sign(&a, signer, STR("text"), &sig, &e), &e);
	assert_true(verifies(signer, "text", sig));
}

static void test_not_rsa(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct signer *signer;
	struct err e;

	(void)state;
	if (!is_installed() || access("/usr/bin/pkcs11-tool", X_OK) < 0)
		skip();
	token_make(&a, "");
	run(&a, (const char *[]){ "pkcs11-tool", "--module", module, "--token-label", "ashlar",
				  "--login", "--pin", pin, "--keypairgen", "--key-type",
				  "EC:prime256v1", "--id", "0102", "--label", "db", NULL });
	assert_err(signer_pkcs11_open(uri_of(&a, "db"), &signer, &e), &e,
		   "the key on token 'ashlar' is not RSA");
}

static void test_pin(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *path = path_join(&a, test_dir(&a), "pin");
	struct str right = str_printf(&a, "%s?pin-source=file:%s", token_uri, path);
	struct err e;

	(void)state;
	if (!is_installed())
		skip();
	token_make(&a, "");
	assert_ok(file_write(path, 0600, "1234\n", 5, &e), &e);
	unsetenv("ASHLAR_PIN");
	assert_err(signer_pkcs11_check(str_c(token_uri), &e), &e,
		   "token 'ashlar' needs a PIN: set ASHLAR_PIN, or add pin-source=file:PATH");
	assert_ok(signer_pkcs11_check(right, &e), &e);
	assert_ok(signer_pkcs11_check(STR("pkcs11:token=ashlar?pin-value=1234"), &e), &e);
	assert_err(signer_pkcs11_check(STR("pkcs11:token=ashlar?pin-value=12345"), &e), &e,
		   "wrong PIN for token 'ashlar'; it was not tried again");
	assert_err(signer_pkcs11_check(STR("pkcs11:token=ashlar?pin-source=%7Ccat"), &e), &e,
		   "pin-source=|cat; want file:PATH");
	assert_err(signer_pkcs11_check(STR("pkcs11:token=ashlar?pin-source=file:/none"), &e), &e,
		   "pin-source: open '/none'");
	assert_int_equal(chmod(path, 0644), 0);
	assert_err(signer_pkcs11_check(right, &e), &e,
		   "pin-source: every user of this machine may read it; chmod 600 '");
	setenv("ASHLAR_PIN", "wrong", 1);
	assert_err(signer_pkcs11_check(str_c(token_uri), &e), &e, "wrong PIN");
}

static void test_missing(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e;

	(void)state;
	if (!is_installed())
		skip();
	token_make(&a, "");
	assert_err(signer_pkcs11_check(STR("pkcs11:token=ashler"), &e), &e,
		   "no token fits 'pkcs11:token=ashler'; there are: 'ashlar'");
	assert_err(signer_pkcs11_check(STR("pkcs11:token=ashlar?module-path=/usr/none.so"), &e), &e,
		   "cannot load the PKCS#11 module '/usr/none.so': ");
	/* code that came with a folder of keys */
	assert_err(signer_pkcs11_check(STR("pkcs11:token=ashlar?module-path=/usr/../none.so"), &e),
		   &e, "whose code would run here and which no package of this machine installed");
	assert_err(signer_pkcs11_check(STR("pkcs11:token=ashlar?module-path=/none.so"), &e), &e,
		   "ASHLAR_PKCS11_MODULES=/none.so allows it");
	assert_int_equal(setenv("ASHLAR_PKCS11_MODULES", "/x.so:/none.so", 1), 0);
	assert_err(signer_pkcs11_check(STR("pkcs11:token=ashlar?module-path=/none.so"), &e), &e,
		   "cannot load the PKCS#11 module '/none.so': ");
	unsetenv("ASHLAR_PKCS11_MODULES");
	assert_err(signer_pkcs11_check(STR("pkcs11:token=ashlar?module-name=none"), &e), &e,
		   "p11-kit's configuration has no PKCS#11 module 'none'");
	run(&a, (const char *[]){ "softhsm2-util", "--init-token", "--free", "--label", "ashlar",
				  "--pin", pin, "--so-pin", "5678", NULL });
	assert_err(signer_pkcs11_check(str_c(token_uri), &e), &e,
		   "2 tokens fit 'pkcs11:token=ashlar'; name one with token= or serial=");
}

static void test_uri(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str uri;
	struct err e;

	(void)state;
	assert_err(signer_pkcs11_check(STR("pkcs12:token=x"), &e), &e,
		   "'pkcs12:token=x' is no PKCS#11 URI (RFC 7512): ");
	assert_err(signer_pkcs11_check(STR("pkcs11:tokn=x"), &e), &e, "unknown attribute");
	assert_err(signer_pkcs11_check(STR("pkcs11:tokn=x?pin-value=1234"), &e), &e, "tokn=x");
	assert_null(strstr(e.msg, "1234"));
	assert_ok(signer_pkcs11_without_pin(&a, STR("pkcs11:token=x;object=y?pin-value=1"), &uri,
					    &e),
		  &e);
	assert_str(uri, "pkcs11:token=x;object=y");
	assert_ok(signer_pkcs11_uri(&a, STR("pkcs11:token=x;object=y?pin-value=1"), "db",
				    STR("\x01"), &uri, &e),
		  &e);
	assert_str(uri, "pkcs11:token=x;id=%01;object=db;type=private");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign),          cmocka_unit_test(test_sign_without_digest),
		cmocka_unit_test(test_pin_each_time), cmocka_unit_test(test_not_rsa),
		cmocka_unit_test(test_pin),           cmocka_unit_test(test_missing),
		cmocka_unit_test(test_uri),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
