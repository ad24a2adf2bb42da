/* SPDX-License-Identifier: MIT */
#include "trust/signer.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "trust/signer_kind.h"

enum { PEM_BYTES_MAX = 1 << 20 };

int signer_new(const EVP_PKEY *public, const struct signer_kind *kind, void *key,
	       struct signer **ret, struct err *e)
{
	struct signer *s = calloc(1, sizeof(*s));
	int r = rsa_check(public, e);

	if (r == 0 && !s)
		r = err_set(e, -ENOMEM, "key: out of memory");
	if (r < 0 || !s) {
		kind->free(key);
		free(s);
		return r;
	}
	s->kind = kind;
	s->key = key;
	s->public_key = public_key_der(&s->a, public);
	s->bytes = (size_t)EVP_PKEY_get_size(public);
	*ret = s;
	return 0;
}

static int memory_sign(void *key, struct arena *a, struct str data, struct str *ret, struct err *e)
{
	_cleanup_digest_ EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = (size_t)EVP_PKEY_get_size(key);
	uint8_t *sig = arena_alloc(a, n);

	if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, sig, &n, (const uint8_t *)data.p, data.n) != 1)
		return openssl_err(e, "cannot sign");
	*ret = (struct str){ (const char *)sig, n };
	return 0;
}

static void memory_free(void *key)
{
	EVP_PKEY_free(key);
}

static const struct signer_kind in_memory = { memory_sign, memory_free };

/* Without it, OpenSSL would ask on the terminal for the password of an encrypted key. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

/* As what nearly every key is. OpenSSL's general reader tries all kinds of keys in all encodings,
 * which takes it several times as long. NULL: something else. */
static EVP_PKEY *rsa_read(BIO *bio)
{
	unsigned char *der = NULL;
	const unsigned char *p;
	EVP_PKEY *pkey;
	long n = 0;

	if (PEM_bytes_read_bio_secmem(&der, &n, NULL, PEM_STRING_PKCS8INF, bio, no_password,
				      NULL) != 1)
		return NULL;
	p = der;
	pkey = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &p, n);
	OPENSSL_secure_clear_free(der, (size_t)n);
	return pkey;
}

int signer_pem_parse(struct str pem, struct signer **ret, struct err *e)
{
	_cleanup_bio_ BIO *bio = NULL;
	EVP_PKEY *pkey;

	if (pem.n > PEM_BYTES_MAX)
		return err_set(e, -EFBIG, "private key of %zu bytes, want at most %d", pem.n,
			       PEM_BYTES_MAX);
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	pkey = bio ? rsa_read(bio) : NULL;
	if (!pkey && bio && BIO_reset(bio) == 1) {
		ERR_clear_error();
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	}
	if (!pkey)
		return openssl_err(e, "private key is no unencrypted PEM");
	return signer_new(pkey, &in_memory, pkey, ret, e);
}

int signer_generate(struct arena *a, unsigned bits, struct signer **ret, struct str *ret_pem,
		    struct err *e)
{
	_cleanup_bio_ BIO *bio = BIO_new(BIO_s_secmem());
	EVP_PKEY *pkey = EVP_RSA_gen(bits);
	int r;

	if (!bio || !pkey ||
	    PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1) {
		EVP_PKEY_free(pkey);
		return openssl_err(e, "cannot make an RSA key");
	}
	r = signer_new(pkey, &in_memory, pkey, ret, e);
	if (r == 0)
		*ret_pem = bio_text(a, bio);
	return r;
}

void signer_free(struct signer *s)
{
	if (!s)
		return;
	s->kind->free(s->key);
	arena_done(&s->a);
	free(s);
}

int signer_sign(struct arena *a, const struct signer *s, struct str data, struct str *ret,
		struct err *e)
{
	return s->kind->sign(s->key, a, data, ret, e);
}

struct str signer_public_key(const struct signer *s)
{
	return s->public_key;
}

size_t signer_bytes(const struct signer *s)
{
	return s->bytes;
}
