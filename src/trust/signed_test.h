/* SPDX-License-Identifier: MIT */
/* signed_test.h - keys, certificates and foreign judges for the tests of signatures. */
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/proc.h"
#include "base/test.h"

static inline struct str test_file(struct arena *a, const char *path)
{
	struct str text;
	struct err e;

	assert_ok(file_read(a, path, 64 << 20, &text, &e), &e);
	return text;
}

/* "signer" or "other", of test/data: DER. */
static inline struct str test_certificate(struct arena *a, const char *name)
{
	return test_file(a, str_printf(a, "test/data/%s.der", name).p);
}

static inline struct str test_sign(struct arena *a, const char *name, struct str data)
{
	FILE *f = fopen(str_printf(a, "test/data/%s.pem", name).p, "r");
	EVP_PKEY *pkey = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t n = 256;
	uint8_t *signature = arena_alloc(a, n);

	assert_non_null(pkey);
	assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, pkey), 1);
	assert_int_equal(EVP_DigestSign(md, signature, &n, (const uint8_t *)data.p, data.n), 1);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(pkey);
	fclose(f);
	return (struct str){ (const char *)signature, n };
}

static inline char *test_put(struct arena *a, const char *dir, const char *name, struct str bytes)
{
	char *path = path_join(a, dir, name);
	struct err e;

	assert_ok(file_write(path, 0600, bytes.p, bytes.n, &e), &e);
	return path;
}

/* The program says yes, with @text (unless NULL) among what it prints. Skips the test where it is
 * missing. */
static inline void test_judge(struct arena *a, const char *const *argv, const char *text)
{
	struct proc_result result;
	struct err e;

	if (proc_run(a, argv, STR(""), NULL, &result, &e) < 0)
		skip();
	if (result.status != 0 ||
	    (text && !str_has(result.out, text) && !str_has(result.err, text)))
		fail_msg("%s: status %d, %.*s%.*s", argv[0], result.status, STR_FMT(result.out),
			 STR_FMT(result.err));
}

/* A certificate of test/data as PEM, which foreign programs want. */
static inline char *test_pem(struct arena *a, const char *dir, const char *name)
{
	char *pem = path_join(a, dir, "certificate.pem");
	struct str der = str_printf(a, "test/data/%s.der", name);

	test_judge(a,
		   (const char *[]){ "openssl", "x509", "-inform", "DER", "-in", der.p, "-out", pem,
				     NULL },
		   NULL);
	return pem;
}
