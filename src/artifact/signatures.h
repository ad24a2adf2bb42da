/* SPDX-License-Identifier: MIT */
/* signatures.h - everything that is signed in an image, in one place: which bytes, by which key,
 * and where the signature goes.
 *
 *	root-hash	verity-signing	the root hash as 64 digits:
 *					PKCS#7 in the verity-sig partition
 *	ipe-policy	ipe-signing	the execution policy: PKCS#7, likewise
 *	pcr-policy	pcr-signing	policy digest for PCR 11: .pcrsig of the UKI; by each
 *					retired one as pcr-policy-XXXXXXXX (its fingerprint)
 *	boot-loader	db		signed attributes: Authenticode
 *	uki		db		the same, once the UKI holds its .pcrsig
 *
 * Of several UKIs, the second's names have "-2" behind them, and so on.
 */
#pragma once

#include "artifact/measure.h"
#include "keys/keys.h"

/* Before anything is signed. */
struct boot_parts {
	uint8_t root_hash[SHA256_BYTES];
	struct str ipe_policy;  /* text */
	struct str boot_loader; /* PE */
	vec_str ukis;           /* the same; .pcrsig blank (measure.h) */
};

/* What a key has still to sign. */
struct to_sign {
	const char *name; /* as above */
	const struct key *key;
	struct str bytes;
};
typedef VEC(struct to_sign) vec_to_sign;

struct signing {
	const struct keys
		*keys; /* certificates of all roles; private keys of those that sign here */
	const char *signatures; /* folder with NAME.sig, made elsewhere; NULL: none */
	bool later;             /* private keys are not used */
};

struct signed_uki {
	struct str bytes;
	uint8_t pcr11[SHA256_BYTES]; /* after its sections */
};

struct boot_signed {
	struct str boot_loader;      /* as given while its signature is missing; */
	VEC(struct signed_uki) ukis; /* so are these */
	struct str verity_sig;       /* of the partition; zeroes while one of the two is missing */
	vec_to_sign pending; /* more may follow once these are there: the UKI after its .pcrsig */
};

/* Fails on a signature that is not by the key of its role's certificate. */
must_check int signatures_make(struct arena *a, const struct signing *s,
			       const struct boot_parts *parts, struct boot_signed *ret,
			       struct err *e);
/* Fills @dir, in which nothing but signatures may lie: NAME for each, and to-sign.json, which says
 * by which key. */
must_check int signatures_ask(struct arena *a, const char *dir, const vec_to_sign *pending,
			      struct err *e);
