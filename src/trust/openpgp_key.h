/* SPDX-License-Identifier: MIT */
/* openpgp_key.h - what is inside a key; for the files of this folder only. */
#pragma once

#include "trust/libcrypto.h"
#include "trust/openpgp.h"

struct openpgp_key {
	struct arena a;              /* of the strings below */
	EVP_PKEY *pkey;              /* RSA, public */
	const struct signer *signer; /* its private half, or NULL */
	uint32_t time_sec;
	struct str user_id;
	struct str body;  /* of its public key packet (RFC 9580 5.5.2) */
	struct str block; /* packets: public key, user id, certification */
};

/* Takes @pkey, also on failure. Refuses what is not RSA of 2048 to 8192 bits. Without a block. */
must_check int openpgp_key_new(EVP_PKEY *pkey, uint64_t time_sec, struct str user_id,
			       struct openpgp_key **ret, struct err *e);
/* Public key from the body of its packet. */
must_check int openpgp_key_parse(struct str body, struct str user_id, struct openpgp_key **ret,
				 struct err *e);
