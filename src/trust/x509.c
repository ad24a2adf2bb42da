/* SPDX-License-Identifier: MIT */
#include "trust/x509.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "trust/der.h"
#include "trust/libcrypto.h"

enum { CERTIFICATE_BYTES_MAX = 1 << 20, NAME_CHARACTERS_MAX = 64, SERIAL_BYTES = 16 };

static struct str subject_text(struct arena *a, const X509 *x)
{
	_cleanup_bio_ BIO *bio = BIO_new(BIO_s_mem());
	unsigned long flags =
		XN_FLAG_SEP_CPLUS_SPC | ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT;

	if (!bio || X509_NAME_print_ex(bio, X509_get_subject_name(x), 0, flags) < 0)
		return STR("?");
	return bio_text(a, bio);
}

static struct str organisation(struct arena *a, const X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);
	int i = X509_NAME_get_index_by_NID(name, NID_organizationName, -1);
	uint8_t *text = NULL;
	struct str ret = { 0 };
	int n = i < 0 ? -1
		      : ASN1_STRING_to_UTF8(&text,
					    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));

	if (n > 0)
		ret = str_dup(a, (struct str){ (const char *)text, (size_t)n });
	OPENSSL_free(text);
	return ret;
}

/* Seconds since 1970; before that, 0. */
static bool seconds(const ASN1_TIME *t, uint64_t *ret)
{
	struct tm tm = { 0 };
	time_t sec;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	sec = timegm(&tm);
	*ret = sec < 0 ? 0 : (uint64_t)sec;
	return true;
}

static X509 *x509_read(struct str der)
{
	const uint8_t *p = (const uint8_t *)der.p;
	X509 *x = der.n > CERTIFICATE_BYTES_MAX ? NULL : d2i_X509(NULL, &p, (long)der.n);

	if (x && p == (const uint8_t *)der.p + der.n)
		return x;
	X509_free(x);
	return NULL;
}

static bool names_itself(const X509 *x)
{
	return X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
}

/* The part that is signed, as it stands there. */
static struct str tbs(struct str der)
{
	struct der outer = { der, false }, all;

	all = (struct der){ der_content(&outer, DER_SEQUENCE), outer.bad };
	return der_element(&all, DER_SEQUENCE);
}

int x509_parse(struct arena *a, struct str der, struct x509 *ret, struct err *e)
{
	_cleanup_x509_ X509 *x = NULL;
	struct x509 c = { 0 };
	struct str part = tbs(der);
	const EVP_PKEY *pkey;
	int r;

	if (der.n > CERTIFICATE_BYTES_MAX)
		return err_set(e, -EFBIG, "certificate of %zu bytes, want at most %d", der.n,
			       CERTIFICATE_BYTES_MAX);
	x = x509_read(der);
	if (!x || part.n == 0)
		return openssl_err(e, "not a readable certificate");
	pkey = X509_get0_pubkey(x);
	if (!pkey)
		return openssl_err(e, "certificate without a readable public key");
	r = rsa_check(pkey, e);
	if (r < 0)
		return err_wrap(e, r, "certificate");
	if (!seconds(X509_get0_notBefore(x), &c.not_before_sec) ||
	    !seconds(X509_get0_notAfter(x), &c.not_after_sec))
		return openssl_err(e, "certificate's validity is no time");
	c.subject = subject_text(a, x);
	c.organisation = organisation(a, x);
	c.public_key = public_key_der(a, pkey);
	c.algorithm = str_printf(a, "RSA %d", EVP_PKEY_get_bits(pkey));
	sha256(der.p, der.n, c.sha256);
	sha256(part.p, part.n, c.tbs_sha256);
	c.self_signed = names_itself(x);
	*ret = c;
	return 0;
}

/* Both have an identifier: without, the kernel would not find the issuer. */
static bool names_key_of(const X509 *x, const X509 *issuer)
{
	const ASN1_OCTET_STRING *named = X509_get0_authority_key_id((X509 *)x),
				*its = X509_get0_subject_key_id((X509 *)issuer);

	return named && its && ASN1_OCTET_STRING_cmp(named, its) == 0;
}

bool x509_issued_by(struct str der, struct str issuer_der)
{
	_cleanup_x509_ X509 *x = x509_read(der), *issuer = x509_read(issuer_der);
	bool ret = x && issuer &&
		   X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(issuer)) == 0 &&
		   names_key_of(x, issuer) && X509_get0_pubkey(issuer) &&
		   X509_verify(x, X509_get0_pubkey(issuer)) == 1;

	ERR_clear_error();
	return ret;
}

/* The next block of text that says it is a certificate; false at the end. */
static bool pem_next(struct arena *a, BIO *bio, struct str *ret)
{
	unsigned char *der = NULL;
	long n = 0;

	if (PEM_bytes_read_bio(&der, &n, NULL, PEM_STRING_X509, bio, NULL, NULL) != 1)
		return false;
	*ret = str_dup(a, (struct str){ (const char *)der, (size_t)n });
	OPENSSL_free(der);
	return true;
}

static struct str x509_der(struct arena *a, X509 *x)
{
	uint8_t *der = NULL;
	int n = i2d_X509(x, &der);
	struct str ret = { 0 };

	if (n > 0)
		ret = str_dup(a, (struct str){ (const char *)der, (size_t)n });
	OPENSSL_free(der);
	return ret;
}

int x509_pem_parse(struct arena *a, struct str pem, struct str *ret_der, struct err *e)
{
	_cleanup_bio_ BIO *bio = NULL;
	struct str first, second;

	if (pem.n > CERTIFICATE_BYTES_MAX)
		return err_set(e, -EFBIG, "certificate of %zu bytes, want at most %d", pem.n,
			       CERTIFICATE_BYTES_MAX);
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (!bio || !pem_next(a, bio, &first))
		return openssl_err(e, "no readable PEM certificate");
	if (pem_next(a, bio, &second))
		return err_set(e, -EBADMSG, "several certificates, want one");
	ERR_clear_error();
	*ret_der = first;
	return 0;
}

struct str x509_pem(struct arena *a, struct str der)
{
	_cleanup_bio_ BIO *bio = BIO_new(BIO_s_mem());

	if (!bio ||
	    PEM_write_bio(bio, PEM_STRING_X509, "", (const uint8_t *)der.p, (long)der.n) <= 0)
		return (struct str){ 0 };
	return bio_text(a, bio);
}

static int name_set(X509 *x, const struct x509_make *m, const X509 *issuer, struct err *e)
{
	X509_NAME *name = X509_get_subject_name(x);

	for (int i = 0; i < 2; i++) {
		struct str s = i ? m->organisation : m->common_name;

		if (s.n == 0 || s.n > NAME_CHARACTERS_MAX ||
		    X509_NAME_add_entry_by_NID(name, i ? NID_organizationName : NID_commonName,
					       MBSTRING_UTF8, (const uint8_t *)s.p, (int)s.n, -1,
					       0) != 1) {
			ERR_clear_error();
			return err_set(e, -EINVAL,
				       "'%.*s' as a name in a certificate; want 1 to %d bytes of "
				       "UTF-8",
				       STR_FMT(s), NAME_CHARACTERS_MAX);
		}
	}
	name = X509_get_subject_name(issuer);
	return X509_set_issuer_name(x, name) == 1 ? 0 : openssl_err(e, "certificate's issuer");
}

/* Positive, so without the highest bit, and never 0 (RFC 5280, 4.1.2.2). A key's certificates by
 * two issuers of one name, of which one is the other's successor, differ in it. */
static bool serial_set(X509 *x, const struct x509_make *m)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str of = str_cat(&a, m->public_key, m->issuer);
	uint8_t digest[SHA256_BYTES];
	BIGNUM *n;
	bool ok;

	sha256(of.p, of.n, digest);
	digest[0] = (digest[0] & 0x7f) | 0x40;
	n = BN_bin2bn(digest, SERIAL_BYTES, NULL);
	ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	return ok;
}

static bool extension_add(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = extension && X509_add_ext(x, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

/* PK and KEK are left without usages: some firmware knows none that would fit them. */
static bool extensions_add(X509 *x, X509 *issuer, bool code_signing)
{
	return extension_add(x, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
	       extension_add(x, issuer, NID_subject_key_identifier, "hash") &&
	       (issuer == x ||
		extension_add(x, issuer, NID_authority_key_identifier, "keyid:always")) &&
	       (!code_signing ||
		(extension_add(x, issuer, NID_key_usage, "critical,digitalSignature") &&
		 extension_add(x, issuer, NID_ext_key_usage, "codeSigning")));
}

/* X509_sign() wants the private key in memory; ours may be on a token. OpenSSL hands its fields out
 * as const, but has no other way to fill them. */
static int sign(struct arena *a, X509 *x, const struct signer *signer, struct err *e)
{
	const ASN1_BIT_STRING *bits;
	const X509_ALGOR *outer;
	struct str signature;
	uint8_t *tbs = NULL;
	int n, r;

	X509_get0_signature(&bits, &outer, x);
	X509_ALGOR_set0((X509_ALGOR *)outer, OBJ_nid2obj(NID_sha256WithRSAEncryption), V_ASN1_NULL,
			NULL);
	X509_ALGOR_set0((X509_ALGOR *)X509_get0_tbs_sigalg(x),
			OBJ_nid2obj(NID_sha256WithRSAEncryption), V_ASN1_NULL, NULL);
	n = i2d_re_X509_tbs(x, &tbs);
	if (n <= 0)
		return openssl_err(e, "cannot make a certificate");
	r = signer_sign(a, signer, (struct str){ (const char *)tbs, (size_t)n }, &signature, e);
	OPENSSL_free(tbs);
	if (r < 0)
		return r;
	((ASN1_BIT_STRING *)bits)->flags |= ASN1_STRING_FLAG_BITS_LEFT; /* and 0 of them unused */
	if (ASN1_STRING_set((ASN1_BIT_STRING *)bits, signature.p, (int)signature.n) != 1)
		return openssl_err(e, "cannot make a certificate");
	return 0;
}

int x509_make(struct arena *a, const struct x509_make *m, const struct signer *signer,
	      struct str *ret_der, struct err *e)
{
	_cleanup_x509_ X509 *x = X509_new(), *read = m->issuer.n > 0 ? x509_read(m->issuer) : NULL;
	_cleanup_pkey_ EVP_PKEY *public = public_key_parse(m->public_key);
	X509 *issuer = m->issuer.n > 0 ? read : x;
	int r;

	if (!issuer || !x || !public || X509_set_version(x, X509_VERSION_3) != 1 ||
	    X509_set_pubkey(x, public) != 1 || !serial_set(x, m) ||
	    !ASN1_TIME_set(X509_getm_notBefore(x), (time_t)m->not_before_sec) ||
	    !ASN1_TIME_set(X509_getm_notAfter(x), (time_t)m->not_after_sec))
		return openssl_err(e, "cannot make a certificate");
	r = name_set(x, m, issuer, e);
	if (r < 0)
		return r;
	if (!extensions_add(x, issuer, m->code_signing))
		return openssl_err(e, "cannot make a certificate");
	r = sign(a, x, signer, e);
	if (r < 0)
		return r;
	*ret_der = x509_der(a, x);
	return 0;
}
