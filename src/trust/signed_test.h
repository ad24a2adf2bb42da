/* SPDX-License-Identifier: MIT */
/* signed_test.h - keys, certificates and foreign judges for the tests of signatures. */
#pragma once

#include "base/proc.h"
#include "base/test.h"
#include "trust/signer.h"
#include "trust/x509.h"

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

static inline struct signer *test_signer(struct arena *a, const char *name)
{
	struct signer *signer;
	struct err e;

	assert_ok(signer_pem_parse(test_file(a, str_printf(a, "test/data/%s.pem", name).p), &signer,
				   &e),
		  &e);
	return signer;
}

static inline struct str test_sign(struct arena *a, const char *name, struct str data)
{
	_cleanup_signer_ struct signer *signer = test_signer(a, name);
	struct str signature;
	struct err e;

	assert_ok(signer_sign(a, signer, data, &signature, &e), &e);
	return signature;
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
	return test_put(a, dir, "certificate.pem", x509_pem(a, test_certificate(a, name)));
}
