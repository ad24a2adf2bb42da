/* SPDX-License-Identifier: MIT */
#include "trust/certificate.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "trust/der.h"
#include "trust/libcrypto.h"

/* What OpenSSL allocates of one PEM block. */
struct block {
	char *name, *header;
	uint8_t *der;
	long n;
};

static void block_done(struct block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_free(b->der);
	*b = (struct block){ 0 };
}

static void name_done(X509_NAME **n)
{
	X509_NAME_free(*n);
}

static int unreadable(struct err *e, unsigned long code)
{
	ERR_clear_error();
	return err_set(e, -EBADMSG, "not a readable certificate: %s",
		       code ? ERR_reason_error_string(code) : "it is cut off, or no DER");
}

/* The next certificate; other blocks are skipped. The end of the text is no error. */
static int next(BIO *bio, struct block *b, struct err *e)
{
	unsigned long code;

	while (PEM_read_bio(bio, &b->name, &b->header, &b->der, &b->n)) {
		if (strcmp(b->name, PEM_STRING_X509) == 0 ||
		    strcmp(b->name, PEM_STRING_X509_OLD) == 0)
			return 1;
		block_done(b);
	}
	code = ERR_peek_last_error();
	if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
		return unreadable(e, code);
	ERR_clear_error();
	return 0;
}

/* Goes into a DER element, or past it. */
static bool der_step(const uint8_t **p, const uint8_t *end, bool into)
{
	const uint8_t *content = *p;
	int tag, class;
	long n;

	/* 0x80 is an error; 1 an indefinite length, which DER has not. */
	if (content >= end || ASN1_get_object(&content, &n, &tag, &class, end - content) & 0x81)
		return false;
	*p = into ? content : content + n;
	return true;
}

/* Certificate ::= { TBSCertificate ::= { [0] version, serialNumber, signature, issuer, validity,
 * subject, ... RFC 5280, 4.1. Only this far: OpenSSL's own reader looks at the key, too, which
 * takes five times as long. */
static bool subject_hash(const struct block *b, uint32_t *ret)
{
	__attribute__((cleanup(name_done))) X509_NAME *name = NULL;
	const uint8_t *p = b->der, *end = b->der + b->n;
	bool ok = der_step(&p, end, true);
	int hashed = 0;

	ok = ok && der_step(&p, end, true);
	if (ok && p < end && *p == (V_ASN1_CONTEXT_SPECIFIC | V_ASN1_CONSTRUCTED))
		ok = der_step(&p, end, false);
	for (int i = 0; ok && i < 4; i++)
		ok = der_step(&p, end, false);
	name = ok ? d2i_X509_NAME(NULL, &p, end - p) : NULL;
	if (name)
		*ret = (uint32_t)X509_NAME_hash_ex(name, NULL, NULL, &hashed);
	return hashed;
}

int certificate_read(struct str pem, struct certificate *ret, struct err *e)
{
	_cleanup_bio_ BIO *bio = NULL;
	__attribute__((cleanup(block_done))) struct block first = { 0 }, second = { 0 };
	struct certificate c;
	int r;

	if (pem.n == 0)
		return 0;
	bio = pem.n > INT_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
	if (!bio)
		return err_set(e, -ENOMEM, "cannot read %zu bytes of certificates", pem.n);
	r = next(bio, &first, e);
	if (r <= 0)
		return r;
	if (next(bio, &second, e) != 0)
		return 0;
	if (!subject_hash(&first, &c.subject_hash))
		return unreadable(e, ERR_peek_last_error());
	sha256(first.der, (size_t)first.n, c.sha256);
	*ret = c;
	return 1;
}

/* One with an RSA key of a size that is in use. */
static int x509_read(struct str der, X509 **ret, struct err *e)
{
	_cleanup_x509_ X509 *x = NULL;
	const uint8_t *p = (const uint8_t *)der.p;
	int r;

	x = der.n > LONG_MAX ? NULL : d2i_X509(NULL, &p, (long)der.n);
	if (!x || p != (const uint8_t *)der.p + der.n || !X509_get0_pubkey(x))
		return unreadable(e, ERR_peek_last_error());
	r = rsa_check(X509_get0_pubkey(x), e);
	if (r < 0)
		return err_wrap(e, r, "certificate");
	*ret = x;
	x = NULL;
	return 0;
}

int certificate_public_key(struct arena *a, struct str der, struct str *ret, struct err *e)
{
	_cleanup_x509_ X509 *x = NULL;
	int r = x509_read(der, &x, e);

	if (r == 0)
		*ret = public_key_der(a, X509_get0_pubkey(x));
	return r;
}

int certificate_key_bits(struct arena *a, struct str der, struct str *ret, struct err *e)
{
	_cleanup_x509_ X509 *x = NULL;
	const ASN1_BIT_STRING *bits;
	int r = x509_read(der, &x, e);

	if (r < 0)
		return r;
	bits = X509_get0_pubkey_bitstr(x);
	*ret = str_dup(a, (struct str){ (const char *)ASN1_STRING_get0_data(bits),
					(size_t)ASN1_STRING_length(bits) });
	return 0;
}

int certificate_modulus(struct arena *a, struct str der, struct str *ret, struct err *e)
{
	struct str bits, modulus, exponent;
	struct der outer, inner;
	int r = certificate_key_bits(a, der, &bits, e);

	if (r < 0)
		return r;
	outer = (struct der){ .rest = bits };
	inner = (struct der){ .rest = der_content(&outer, DER_SEQUENCE) };
	modulus = der_content(&inner, DER_INTEGER);
	exponent = der_content(&inner, DER_INTEGER);
	der_end(&inner);
	der_end(&outer);
	if (outer.bad || inner.bad || !str_eq(exponent, STR("\x01\x00\x01")))
		return err_set(e, -EBADMSG, "its key is no RSA key with the exponent 65537");
	*ret = str_from(modulus, modulus.n > 0 && modulus.p[0] == 0);
	return 0;
}

struct str public_key_pem(struct arena *a, struct str public_key)
{
	enum { LINE_CHARS = 64 }; /* RFC 7468, 2 */
	struct str text = base64_encode(a, public_key.p, public_key.n);
	struct buf b = { .a = a };

	buf_printf(&b, "-----BEGIN PUBLIC KEY-----\n");
	for (; text.n > 0; text = str_from(text, text.n < LINE_CHARS ? text.n : LINE_CHARS))
		buf_printf(&b, "%.*s\n",
			   STR_FMT(str_head(text, text.n < LINE_CHARS ? text.n : LINE_CHARS)));
	buf_printf(&b, "-----END PUBLIC KEY-----\n");
	return (struct str){ (char *)b.v.p, b.v.n };
}

int certificate_verify(struct str der, struct str data, struct str signature, struct err *e)
{
	_cleanup_x509_ X509 *x = NULL;
	_cleanup_digest_ EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int r = x509_read(der, &x, e);
	bool fits;

	if (r < 0)
		return r;
	if (!ctx || EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(x)) != 1)
		return openssl_err(e, "cannot check a signature");
	fits = EVP_DigestVerify(ctx, (const uint8_t *)signature.p, signature.n,
				(const uint8_t *)data.p, data.n) == 1;
	ERR_clear_error();
	if (!fits)
		return err_set(
			e, -EKEYREJECTED,
			"the signature is not by this certificate's key, or not of these bytes");
	return 0;
}

size_t certificate_signature_bytes(struct str der)
{
	_cleanup_x509_ X509 *x = NULL;
	struct err ignored;

	return x509_read(der, &x, &ignored) < 0 ? 0
						: (size_t)EVP_PKEY_get_size(X509_get0_pubkey(x));
}
