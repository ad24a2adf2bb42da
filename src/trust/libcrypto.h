/* SPDX-License-Identifier: MIT */
/* libcrypto.h - what the files of this folder share of OpenSSL's library; for them only. */
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/str.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, RSA_EXPONENT_BYTES_MAX = 8 };

void bio_freep(BIO **bio);
void pkey_freep(EVP_PKEY **pkey);
void digest_freep(EVP_MD_CTX **ctx);
void x509_freep(X509 **x);
#define _cleanup_bio_    __attribute__((cleanup(bio_freep)))
#define _cleanup_pkey_   __attribute__((cleanup(pkey_freep)))
#define _cleanup_digest_ __attribute__((cleanup(digest_freep)))
#define _cleanup_x509_   __attribute__((cleanup(x509_freep)))

/* @text, ": " and the first cause that OpenSSL gives; returns -EBADMSG. */
int openssl_err(struct err *e, const char *text);

/* What was written to a memory BIO, copied. */
struct str bio_text(struct arena *a, BIO *bio);

/* Refuses what is not RSA of 2048 to 8192 bits. */
must_check int rsa_check(const EVP_PKEY *pkey, struct err *e);
/* A public key of big-endian numbers, or NULL. */
EVP_PKEY *rsa_public(struct str modulus, struct str exponent);
/* DER SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), and back; NULL when it is none. */
struct str public_key_der(struct arena *a, const EVP_PKEY *pkey);
EVP_PKEY *public_key_parse(struct str der);
