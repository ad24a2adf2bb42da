/* SPDX-License-Identifier: MIT */
/* tpm2.h - the few commands of a TPM 2.0 that agent/init gives itself, over /dev/tpmrm0 (TPM 2.0
 * Library, parts 2 and 3): small enough for a static program without a TPM library. SHA-256 only.
 *
 * A refusal by the TPM is -ENOENT (no such index), -ENODATA (never written), -EEXIST (defined
 * already), -EACCES (the policy is not met, or a password is wanted), -EKEYREJECTED (a wrong
 * signature) or -EIO, with the command and the TPM's own code in the sentence. */
#pragma once

#include <stdint.h>

#include "base/str.h"

#define TPM2_DEVICE "/dev/tpmrm0"

/* @TPM2_DATA_BYTES_MAX: what every TPM takes in one go (MAX_DIGEST_BUFFER, MAX_NV_BUFFER_SIZE of
 * the PC Client profile). */
enum { TPM2_DIGEST_BYTES = 32, TPM2_DATA_BYTES_MAX = 512, TPM2_RESPONSE_BYTES_MAX = 4096 };

struct tpm2 {
	struct arena *a;
	int fd; /* answers each command that is written to it */
};

must_check int tpm2_open(struct arena *a, const char *path, struct tpm2 *ret, struct err *e);
void tpm2_close(struct tpm2 *t);

/* What a response to the command @what says: its handle, where it has one, and its parameters,
 * borrowed. @authorized: the command had a session. */
struct tpm2_response {
	uint32_t handle;
	struct str params;
};
must_check int tpm2_response_parse(struct str bytes, const char *what, bool has_handle,
				   bool authorized, struct tpm2_response *ret, struct err *e);

/* PCR_Event: what @data is, up to TPM2_DATA_BYTES_MAX, extends @pcr in each of its banks. */
must_check int tpm2_pcr_event(struct tpm2 *t, unsigned pcr, struct str data, struct err *e);
must_check int tpm2_pcr_read(struct tpm2 *t, unsigned pcr, uint8_t ret[TPM2_DIGEST_BYTES],
			     struct err *e);
must_check int tpm2_hash(struct tpm2 *t, struct str data, uint8_t ret[TPM2_DIGEST_BYTES],
			 struct err *e);

/* A public RSA key with the exponent 65537, which checks signatures. Flush it. */
struct tpm2_key {
	uint32_t handle;
	struct str name;
};
must_check int tpm2_key_load(struct tpm2 *t, struct str modulus, struct tpm2_key *ret,
			     struct err *e);
/* *ret: the TPM's ticket for tpm2_policy_authorize(), that @key signed the digest of @policy. */
must_check int tpm2_verify(struct tpm2 *t, const struct tpm2_key *key,
			   const uint8_t policy[TPM2_DIGEST_BYTES], struct str signature,
			   struct str *ret, struct err *e);

/* A policy session; a trial one computes policies without meeting them. Flush it. */
must_check int tpm2_session(struct tpm2 *t, bool trial, uint32_t *ret, struct err *e);
void tpm2_flush(struct tpm2 *t, uint32_t handle);
/* The value that @pcr has now. */
must_check int tpm2_policy_pcr(struct tpm2 *t, uint32_t session, unsigned pcr, struct err *e);
/* That @key signed the policy so far, @approved; @ticket is empty for a trial, which takes any. */
must_check int tpm2_policy_authorize(struct tpm2 *t, uint32_t session,
				     const uint8_t approved[TPM2_DIGEST_BYTES],
				     const struct tpm2_key *key, struct str ticket, struct err *e);
must_check int tpm2_policy_digest(struct tpm2 *t, uint32_t session, uint8_t ret[TPM2_DIGEST_BYTES],
				  struct err *e);

/* TPMA_NV (part 2, 13.4) */
enum {
	TPM2_NV_POLICYWRITE = 1 << 3,
	TPM2_NV_WRITEALL = 1 << 12,
	TPM2_NV_OWNERREAD = 1 << 17,
	TPM2_NV_AUTHREAD = 1 << 18,
	TPM2_NV_NO_DA = 1 << 25,
	TPM2_NV_WRITTEN = 1 << 29
};
struct tpm2_nv {
	uint32_t index, attributes;
	bool sha256; /* its name's algorithm, and so its policy's */
	struct str policy;
	uint16_t size_bytes;
};
must_check int tpm2_nv_public(struct tpm2 *t, uint32_t index, struct tpm2_nv *ret, struct err *e);
/* By the owner, without a password, as is the way of machines that nobody gave one. */
must_check int tpm2_nv_define(struct tpm2 *t, const struct tpm2_nv *nv, struct err *e);
must_check int tpm2_nv_undefine(struct tpm2 *t, uint32_t index, struct err *e);
must_check int tpm2_nv_read(struct tpm2 *t, const struct tpm2_nv *nv, struct str *ret,
			    struct err *e);
/* The whole content; @session meets its policy, and is gone with success. */
must_check int tpm2_nv_write(struct tpm2 *t, uint32_t index, uint32_t session, struct str content,
			     struct err *e);
