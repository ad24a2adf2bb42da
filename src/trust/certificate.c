/* SPDX-License-Identifier: MIT */
#include "trust/certificate.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static void x509_free_p(X509 **x)
{
	X509_free(*x);
}

static void bio_free_p(BIO **b)
{
	BIO_free(*b);
}

/* The end of the text is no error. */
static int next(BIO *b, X509 **ret, struct err *e)
{
	unsigned long code;

	*ret = PEM_read_bio_X509(b, NULL, NULL, NULL);
	code = ERR_peek_last_error();
	ERR_clear_error();
	if (*ret)
		return 1;
	if (ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE)
		return 0;
	return err_set(e, -EBADMSG, "not a readable certificate: %s",
		       code ? ERR_reason_error_string(code) : "unknown error");
}

int certificate_read(struct str pem, struct certificate *ret, struct err *e)
{
	__attribute__((cleanup(bio_free_p))) BIO *b = NULL;
	__attribute__((cleanup(x509_free_p))) X509 *x = NULL, *second = NULL;
	struct certificate c;
	unsigned n = 0;
	int r;

	if (pem.n == 0)
		return 0;
	b = pem.n > INT_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
	if (!b)
		return err_set(e, -ENOMEM, "cannot read %zu bytes of certificates", pem.n);
	r = next(b, &x, e);
	if (r <= 0)
		return r;
	if (next(b, &second, e) != 0)
		return 0;
	c.subject_hash = (uint32_t)X509_subject_name_hash(x);
	if (!X509_digest(x, EVP_sha256(), c.sha256, &n) || n != sizeof(c.sha256))
		return err_set(e, -EBADMSG, "cannot digest a certificate");
	*ret = c;
	return 1;
}
