/* SPDX-License-Identifier: MIT */
/* pcr_policy.h - what only this image, or the next one of the same owner, may do, and only while
 * the state is being opened: a TPM policy that asks for a signature by a pcr-signing key over the
 * value of PCR 11 (the phase enter-initrd), and under Secure Boot for the value that PCR 7 has. */
#pragma once

#include "agent/init/tpm2.h"
#include "base/boot_words.h"

/* /pcr-keys in the initrd: a line for each pcr-signing key, the present one first, then the retired
 * ones: "FINGERPRINT MODULUS", as .pcrsig names it and as the TPM takes it (RSA with the exponent
 * 65537), both hexadecimal. Only these are believed, never one that the disk names. */
enum {
	PCR_KEYS_MAX = BOOT_PCR_KEYS_MAX,
	PCR_KEYS_BYTES_MAX = 16 << 10,
	PCR_SIGNATURES_BYTES_MAX = 64 << 10
};

struct pcr_key {
	struct str fingerprint; /* hexadecimal */
	struct str modulus;
};
typedef VEC(struct pcr_key) vec_pcr_key;
must_check int pcr_keys_parse(struct arena *a, struct str text, vec_pcr_key *ret, struct err *e);

/* In the JSON of .pcrsig, @key's signature of @policy: 1 found, 0 none. */
must_check int pcr_signature_find(struct arena *a, struct str json, const struct pcr_key *key,
				  const uint8_t policy[TPM2_DIGEST_BYTES], struct str *ret,
				  struct err *e);

struct pcr_policy {
	vec_pcr_key keys;
	struct str signatures; /* .pcrsig's JSON */
	bool secure_boot;      /* PCR 7, too */
};

/* The policy's digest for the key number @key; @pcr7: with the value that PCR 7 has now. */
must_check int pcr_policy_digest(struct tpm2 *t, const struct pcr_policy *p, size_t key, bool pcr7,
				 uint8_t ret[TPM2_DIGEST_BYTES], struct err *e);
/* A session that meets the policy of now: the first key, and PCR 7 under Secure Boot. -EACCES when
 * nobody signed what PCR 11 holds. */
must_check int pcr_policy_meet(struct tpm2 *t, const struct pcr_policy *p, uint32_t *ret_session,
			       struct err *e);
