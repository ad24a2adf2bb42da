/* SPDX-License-Identifier: MIT */
/* x509.h - certificates of our own keys (RFC 5280): made, and read. certificate.h is for the many
 * of other people. */
#pragma once

#include "base/hash.h"
#include "trust/signer.h"

struct x509 {
	struct str subject;      /* "CN=..., O=..." for people */
	struct str organisation; /* empty when it names none */
	struct str public_key;   /* DER SubjectPublicKeyInfo */
	struct str algorithm;    /* "RSA 4096" */
	uint64_t not_before_sec, not_after_sec;
	uint8_t sha256[SHA256_BYTES]; /* fingerprint: of the DER form */
	/* Of the part that is signed: by this dbx names a certificate (UEFI 2.10, 32.4.1). */
	uint8_t tbs_sha256[SHA256_BYTES];
	bool self_signed; /* names itself as its issuer; else another key signed it */
};

must_check int x509_parse(struct arena *a, struct str der, struct x509 *ret, struct err *e);
/* DER of the one certificate in @pem, which only x509_parse() looks into; and back. */
must_check int x509_pem_parse(struct arena *a, struct str pem, struct str *ret_der, struct err *e);
struct str x509_pem(struct arena *a, struct str der);

/* Whether the key of the certificate @issuer signed @der, which names it as its issuer, by name and
 * by the identifier of its key. Neither is asked for being a certificate authority: the kernel does
 * not ask, and firmware does (docs/decisions/0028-one-purpose.md). */
bool x509_issued_by(struct str der, struct str issuer);

struct x509_make {
	struct str common_name, organisation; /* 1 to 64 characters (RFC 5280, A.1) */
	struct str public_key;                /* DER SubjectPublicKeyInfo */
	struct str issuer; /* DER, of the certificate of who signs; empty: it signs itself */
	uint64_t not_before_sec, not_after_sec;
	bool code_signing; /* says that it is for nothing else */
};

/* A certificate that @signer signs. The same keys, names and times give the same bytes: the serial
 * number is of the digest of the key, and of the issuer's. */
must_check int x509_make(struct arena *a, const struct x509_make *m, const struct signer *signer,
			 struct str *ret_der, struct err *e);
