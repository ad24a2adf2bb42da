/* SPDX-License-Identifier: MIT */
/* signer_kind.h - where a private key lives: what is inside a signer; for the files of this folder
 * only. */
#pragma once

#include "trust/libcrypto.h"
#include "trust/signer.h"

struct signer_kind {
	/* As signer_sign(). Called by several threads at once. */
	int (*sign)(void *key, struct arena *a, struct str data, struct str *ret, struct err *e);
	void (*free)(void *key);
};

struct signer {
	struct arena a; /* of the public key */
	struct str public_key;
	size_t bytes;
	const struct signer_kind *kind;
	void *key;
};

/* Takes @key, also on failure. @public may also hold the private half. Refuses what is not RSA of
 * 2048 to 8192 bits. */
must_check int signer_new(const EVP_PKEY *public, const struct signer_kind *kind, void *key,
			  struct signer **ret, struct err *e);
