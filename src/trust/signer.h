/* SPDX-License-Identifier: MIT */
/* signer.h - a private key as what it is for: making signatures.
 *
 * RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2) everywhere: firmware, kernel, TPM and rpm verify
 * it, tokens make it, and the same input gives the same signature. */
#pragma once

#include "base/str.h"

struct signer; /* opaque; may be used by several threads at once */

/* RSA of 2048 to 8192 bits as PEM (PKCS#8; comment lines before it are skipped). */
must_check int signer_pem_parse(struct str pem, struct signer **ret, struct err *e);
/* A new RSA key of @bits, and its PEM. */
must_check int signer_generate(struct arena *a, unsigned bits, struct signer **ret,
			       struct str *ret_pem, struct err *e);
/* A key on a token (RFC 7512 "pkcs11:..."). The PIN: pin-value or pin-source=file:PATH of the URI,
 * else the environment's ASHLAR_PIN. A missing module, token, key or a wrong PIN is a sentence that
 * says which; a PIN is never tried twice. */
must_check int signer_pkcs11_open(struct str uri, struct signer **ret, struct err *e);
/* Whether the token that @uri names is there and takes the PIN. */
must_check int signer_pkcs11_check(struct str uri, struct err *e);
/* As signer_pkcs11_open(); makes the key, RSA of @bits, inside the token when it is not there yet.
 * @uri names it by label and id. */
must_check int signer_pkcs11_generate(struct str uri, unsigned bits, struct signer **ret,
				      struct err *e);
/* The URI of a key @label with @id in the token that @token names, without a PIN. */
must_check int signer_pkcs11_uri(struct arena *a, struct str token, const char *label,
				 struct str id, struct str *ret, struct err *e);
must_check int signer_pkcs11_without_pin(struct arena *a, struct str uri, struct str *ret,
					 struct err *e);
void signer_free(struct signer *s);
static inline void signer_freep(struct signer **s)
{
	signer_free(*s);
}
#define _cleanup_signer_ __attribute__((cleanup(signer_freep)))

/* @ret: as many bytes as the key's modulus, big-endian. */
must_check int signer_sign(struct arena *a, const struct signer *s, struct str data,
			   struct str *ret, struct err *e);
/* DER SubjectPublicKeyInfo; lives as long as the signer. */
struct str signer_public_key(const struct signer *s);
size_t signer_bytes(const struct signer *s); /* of a signature */
