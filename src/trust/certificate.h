/* SPDX-License-Identifier: MIT */
/* certificate.h - X.509 certificates (RFC 5280) in PEM (RFC 7468), and what their keys sign. */
#pragma once

#include "base/hash.h"
#include "base/str.h"

struct certificate {
	uint32_t subject_hash;        /* by which OpenSSL finds it in a folder: "%08x.N" */
	uint8_t sha256[SHA256_BYTES]; /* of the DER form: the same certificate, whatever the text
					 around it */
};

/* 1: @pem holds exactly one certificate, which is *ret; 0: none, or several; -EBADMSG: one that
 * cannot be read. */
must_check int certificate_read(struct str pem, struct certificate *ret, struct err *e);

/* DER SubjectPublicKeyInfo of a DER certificate. */
must_check int certificate_public_key(struct arena *a, struct str der, struct str *ret,
				      struct err *e);
/* The bits of that key alone, of which systemd's TPM policies take the fingerprint: for RSA the DER
 * RSAPublicKey (RFC 8017, A.1.1). */
must_check int certificate_key_bits(struct arena *a, struct str der, struct str *ret,
				    struct err *e);
/* The modulus alone, without leading zeroes, of an RSA key whose exponent is 65537: what a TPM
 * takes for such a key. */
must_check int certificate_modulus(struct arena *a, struct str der, struct str *ret, struct err *e);
/* A SubjectPublicKeyInfo as PEM. */
struct str public_key_pem(struct arena *a, struct str public_key);
/* Whether the key of the certificate @der signed @data: RSASSA-PKCS1-v1_5 with SHA-256, as
 * signer_sign() makes it; -EKEYREJECTED if not. */
must_check int certificate_verify(struct str der, struct str data, struct str signature,
				  struct err *e);
/* How long a signature by its key is; 0: not a readable certificate with an RSA key. */
size_t certificate_signature_bytes(struct str der);
