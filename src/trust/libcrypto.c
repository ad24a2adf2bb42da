/* SPDX-License-Identifier: MIT */
#include "trust/libcrypto.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

void bio_freep(BIO **bio)
{
	BIO_free_all(*bio);
}

void pkey_freep(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

void digest_freep(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

void x509_freep(X509 **x)
{
	X509_free(*x);
}

int openssl_err(struct err *e, const char *text)
{
	const char *reason = ERR_reason_error_string(ERR_get_error());

	ERR_clear_error();
	return err_set(e, -EBADMSG, "%s: %s", text, reason ? reason : "OpenSSL gives no reason");
}

struct str bio_text(struct arena *a, BIO *bio)
{
	char *text;
	long n = BIO_get_mem_data(bio, &text);

	return n > 0 ? str_dup(a, (struct str){ text, (size_t)n }) : (struct str){ 0 };
}

int rsa_check(const EVP_PKEY *pkey, struct err *e)
{
	int bits = EVP_PKEY_get_bits(pkey);

	if (!EVP_PKEY_is_a(pkey, "RSA"))
		return err_set(e, -EBADMSG, "key is not RSA");
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return err_set(e, -EBADMSG, "RSA key of %d bits, want %d to %d", bits, RSA_BITS_MIN,
			       RSA_BITS_MAX);
	return 0;
}

EVP_PKEY *rsa_public(struct str modulus, struct str exponent)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn((const uint8_t *)modulus.p, (int)modulus.n, NULL);
	BIGNUM *e = BN_bin2bn((const uint8_t *)exponent.p, (int)exponent.n, NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (ctx && build && n && e && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		params = OSSL_PARAM_BLD_to_param(build);
	if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

struct str public_key_der(struct arena *a, const EVP_PKEY *pkey)
{
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(pkey, &der);
	struct str ret = { 0 };

	if (n > 0)
		ret = str_dup(a, (struct str){ (const char *)der, (size_t)n });
	OPENSSL_free(der);
	return ret;
}

EVP_PKEY *public_key_parse(struct str der)
{
	const uint8_t *p = (const uint8_t *)der.p;

	return der.n > LONG_MAX ? NULL : d2i_PUBKEY(NULL, &p, (long)der.n);
}
