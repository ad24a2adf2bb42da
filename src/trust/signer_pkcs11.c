/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "trust/pkcs11.h"
#include "trust/signer_kind.h"

/* DigestInfo of SHA-256 up to the digest (RFC 8017, 9.2, note 1). */
static const uint8_t digest_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
				       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

struct token_key {
	struct pkcs11_token token;
	pthread_mutex_t lock; /* a session does one thing at a time */
	CK_OBJECT_HANDLE object;
	bool pin_each_time;
	EVP_PKEY *public;
};

static void token_key_free(void *p)
{
	struct token_key *key = p;

	if (!key)
		return;
	EVP_PKEY_free(key->public);
	pkcs11_close(&key->token);
	pthread_mutex_destroy(&key->lock);
	free(key);
}

static CK_RV sign_with(const struct token_key *key, CK_MECHANISM_TYPE type, struct str in,
		       uint8_t *sig, CK_ULONG *n)
{
	CK_MECHANISM mechanism = { type, NULL, 0 };
	const struct pkcs11_token *t = &key->token;
	CK_FUNCTION_LIST *m = t->module;
	CK_RV rv = m->C_SignInit(t->session, &mechanism, key->object);

	if (rv == CKR_OK && key->pin_each_time)
		rv = m->C_Login(t->session, CKU_CONTEXT_SPECIFIC, (unsigned char *)t->pin,
				strlen(t->pin));
	if (rv == CKR_OK)
		rv = m->C_Sign(t->session, (unsigned char *)in.p, in.n, sig, n);
	return rv;
}

/* Some tokens do not hash themselves. Asked for, not looked up: not all of them list what they can.
 */
static CK_RV sign_locked(const struct token_key *key, struct str data, uint8_t *sig, CK_ULONG *n)
{
	uint8_t info[sizeof(digest_info) + SHA256_BYTES];
	CK_RV rv = sign_with(key, CKM_SHA256_RSA_PKCS, data, sig, n);

	if (rv != CKR_MECHANISM_INVALID)
		return rv;
	memcpy(info, digest_info, sizeof(digest_info));
	sha256(data.p, data.n, info + sizeof(digest_info));
	return sign_with(key, CKM_RSA_PKCS, (struct str){ (const char *)info, sizeof(info) }, sig,
			 n);
}

/* A token that answers with rubbish, or with the signature of another key, is found here and not by
 * the machine that should boot. */
static int signature_check(const struct token_key *key, struct str data, struct str sig,
			   struct err *e)
{
	_cleanup_digest_ EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key->public) != 1 ||
	    EVP_DigestVerify(ctx, (const uint8_t *)sig.p, sig.n, (const uint8_t *)data.p, data.n) !=
		    1)
		return openssl_err(e, "the token's signature is not its key's");
	return 0;
}

static int token_sign(void *p, struct arena *a, struct str data, struct str *ret, struct err *e)
{
	struct token_key *key = p;
	CK_ULONG n = (CK_ULONG)EVP_PKEY_get_size(key->public);
	uint8_t *sig = arena_alloc(a, n);
	CK_RV rv;
	int r;

	pthread_mutex_lock(&key->lock);
	rv = sign_locked(key, data, sig, &n);
	pthread_mutex_unlock(&key->lock);
	if (rv != CKR_OK)
		return pkcs11_err(e, &key->token, "sign", rv);
	r = signature_check(key, data, (struct str){ (const char *)sig, n }, e);
	if (r == 0)
		*ret = (struct str){ (const char *)sig, n };
	return r;
}

static const struct signer_kind on_token = { token_sign, token_key_free };

/* The first of @class that fits the URI's label and id; returns how many do (2: or more). */
static int object_find(const struct pkcs11_token *t, P11KitUri *uri, CK_OBJECT_CLASS class,
		       CK_OBJECT_HANDLE *ret, struct err *e)
{
	CK_ATTRIBUTE want[3] = { { CKA_CLASS, &class, sizeof(class) } };
	CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(uri, CKA_ID),
		     *label = p11_kit_uri_get_attribute(uri, CKA_LABEL);
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n_want = 1, n = 0;
	CK_RV rv;

	if (id)
		want[n_want++] = *id;
	if (label)
		want[n_want++] = *label;
	rv = t->module->C_FindObjectsInit(t->session, want, n_want);
	if (rv == CKR_OK) {
		rv = t->module->C_FindObjects(t->session, found, 2, &n);
		t->module->C_FindObjectsFinal(t->session);
	}
	if (rv != CKR_OK)
		return pkcs11_err(e, t, "look for keys", rv);
	if (n > 0)
		*ret = found[0];
	return (int)n;
}

/* NULL when the object does not tell. */
static EVP_PKEY *object_public(const struct pkcs11_token *t, CK_OBJECT_HANDLE object)
{
	uint8_t n[RSA_BITS_MAX / 8], exponent[RSA_EXPONENT_BYTES_MAX];
	CK_ATTRIBUTE a[] = { { CKA_MODULUS, n, sizeof(n) },
			     { CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent) } };

	if (t->module->C_GetAttributeValue(t->session, object, a, 2) != CKR_OK ||
	    a[0].ulValueLen > sizeof(n) || a[1].ulValueLen > sizeof(exponent))
		return NULL;
	return rsa_public((struct str){ (const char *)n, a[0].ulValueLen },
			  (struct str){ (const char *)exponent, a[1].ulValueLen });
}

static int public_get(struct token_key *key, P11KitUri *uri, struct err *e)
{
	const struct pkcs11_token *t = &key->token;
	CK_OBJECT_HANDLE object = 0;
	int r = 0;

	key->public = object_public(t, key->object);
	if (!key->public)
		r = object_find(t, uri, CKO_PUBLIC_KEY, &object, e);
	if (r == 1)
		key->public = object_public(t, object);
	if (r < 0)
		return r;
	return key->public
		       ? 0
		       : err_set(e, -ENOKEY, "token '%s' does not tell the public key", t->name);
}

static int object_check(struct token_key *key, P11KitUri *uri, struct err *e)
{
	const struct pkcs11_token *t = &key->token;
	CK_KEY_TYPE type = 0;
	CK_BBOOL always = CK_FALSE;
	CK_ATTRIBUTE want_type = { CKA_KEY_TYPE, &type, sizeof(type) },
		     want_always = { CKA_ALWAYS_AUTHENTICATE, &always, sizeof(always) };
	CK_RV rv = t->module->C_GetAttributeValue(t->session, key->object, &want_type, 1);

	if (rv != CKR_OK)
		return pkcs11_err(e, t, "read the key's type", rv);
	if (type != CKK_RSA)
		return err_set(e, -EBADMSG, "the key on token '%s' is not RSA", t->name);
	/* Many tokens do not know this attribute. */
	key->pin_each_time = t->module->C_GetAttributeValue(t->session, key->object, &want_always,
							    1) == CKR_OK &&
			     always && t->pin;
	return public_get(key, uri, e);
}

static int key_find(struct token_key *key, P11KitUri *uri, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	int n = object_find(&key->token, uri, CKO_PRIVATE_KEY, &key->object, e);

	if (n < 0)
		return n;
	if (n == 0)
		return err_set(e, -ENOKEY, "no private key on token '%s' fits '%.*s'",
			       key->token.name, STR_FMT(pkcs11_uri_format(&a, uri)));
	if (n > 1)
		return err_set(e, -ENOTUNIQ,
			       "several private keys on token '%s' fit '%.*s'; name one with id=",
			       key->token.name, STR_FMT(pkcs11_uri_format(&a, uri)));
	return object_check(key, uri, e);
}

/* Public halves whose private one was never made, because whoever made them was killed. */
static int halves_remove(const struct pkcs11_token *t, P11KitUri *uri, struct err *e)
{
	CK_OBJECT_HANDLE half;
	int n;

	while ((n = object_find(t, uri, CKO_PUBLIC_KEY, &half, e)) > 0) {
		CK_RV rv = t->module->C_DestroyObject(t->session, half);

		if (rv != CKR_OK)
			return pkcs11_err(e, t, "remove half a key", rv);
	}
	return n;
}

/* PKCS#11 2.40, 2.1.2 and 4.9: the private half never leaves, and signs only. */
static int key_make(struct token_key *key, P11KitUri *uri, unsigned bits, struct err *e)
{
	CK_MECHANISM mechanism = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
	CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(uri, CKA_ID),
		     *label = p11_kit_uri_get_attribute(uri, CKA_LABEL);
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	uint8_t exponent[] = { 1, 0, 1 };
	CK_ULONG modulus_bits = bits;
	CK_ATTRIBUTE public[] = { *id,
				  *label,
				  { CKA_TOKEN, &yes, sizeof(yes) },
				  { CKA_VERIFY, &yes, sizeof(yes) },
				  { CKA_MODULUS_BITS, &modulus_bits, sizeof(modulus_bits) },
				  { CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent) } };
	CK_ATTRIBUTE private[] = { *id,
				   *label,
				   { CKA_TOKEN, &yes, sizeof(yes) },
				   { CKA_PRIVATE, &yes, sizeof(yes) },
				   { CKA_SIGN, &yes, sizeof(yes) },
				   { CKA_DECRYPT, &no, sizeof(no) },
				   { CKA_UNWRAP, &no, sizeof(no) },
				   { CKA_SENSITIVE, &yes, sizeof(yes) },
				   { CKA_EXTRACTABLE, &no, sizeof(no) } };
	const struct pkcs11_token *t = &key->token;
	CK_OBJECT_HANDLE ignored;
	CK_RV rv = t->module->C_GenerateKeyPair(t->session, &mechanism, public, 6, private, 9,
						&ignored, &key->object);

	return rv == CKR_OK ? 0 : pkcs11_err(e, t, "make a key pair", rv);
}

/* @bits 0: the key is there already. */
static int open_or_make(struct str text, unsigned bits, struct signer **ret, struct err *e)
{
	_cleanup_pkcs11_uri_ P11KitUri *uri = NULL;
	struct token_key *key;
	int r = pkcs11_uri_parse(text, &uri, e);

	if (r < 0)
		return r;
	key = calloc(1, sizeof(*key));
	if (!key)
		return err_set(e, -ENOMEM, "key: out of memory");
	pthread_mutex_init(&key->lock, NULL);
	r = pkcs11_open(&key->token, uri, bits > 0, e);
	if (r == 0) {
		r = key_find(key, uri, e);
		if (r == -ENOKEY && bits > 0 && p11_kit_uri_get_attribute(uri, CKA_ID) &&
		    p11_kit_uri_get_attribute(uri, CKA_LABEL)) {
			r = halves_remove(&key->token, uri, e);
			if (r == 0)
				r = key_make(key, uri, bits, e);
			if (r == 0)
				r = object_check(key, uri, e);
		}
	}
	if (r < 0) {
		token_key_free(key);
		return r;
	}
	return signer_new(key->public, &on_token, key, ret, e);
}

int signer_pkcs11_open(struct str uri, struct signer **ret, struct err *e)
{
	return open_or_make(uri, 0, ret, e);
}

int signer_pkcs11_generate(struct str uri, unsigned bits, struct signer **ret, struct err *e)
{
	return open_or_make(uri, bits, ret, e);
}

int signer_pkcs11_check(struct str text, struct err *e)
{
	_cleanup_pkcs11_uri_ P11KitUri *uri = NULL;
	struct pkcs11_token token = { 0 };
	int r = pkcs11_uri_parse(text, &uri, e);

	if (r == 0)
		r = pkcs11_open(&token, uri, true, e);
	pkcs11_close(&token);
	return r;
}

int signer_pkcs11_uri(struct arena *a, struct str token, const char *label, struct str id,
		      struct str *ret, struct err *e)
{
	_cleanup_pkcs11_uri_ P11KitUri *uri = NULL;
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE attributes[] = { { CKA_CLASS, &class, sizeof(class) },
				      { CKA_LABEL, (char *)label, strlen(label) },
				      { CKA_ID, (char *)id.p, id.n } };
	int r = pkcs11_uri_parse(token, &uri, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < 3; i++)
		if (p11_kit_uri_set_attribute(uri, &attributes[i]) != P11_KIT_URI_OK)
			return err_set(e, -ENOMEM, "PKCS#11 URI: out of memory");
	*ret = pkcs11_uri_format(a, uri);
	return 0;
}

int signer_pkcs11_without_pin(struct arena *a, struct str text, struct str *ret, struct err *e)
{
	_cleanup_pkcs11_uri_ P11KitUri *uri = NULL;
	int r = pkcs11_uri_parse(text, &uri, e);

	if (r == 0)
		*ret = pkcs11_uri_format(a, uri);
	return r;
}
