/* SPDX-License-Identifier: MIT */
/* tpm2_call.h - one command of tpm2.c and tpm2_nv.c, as it goes out and comes back. */
#pragma once

#include "agent/init/tpm2.h"
#include "base/rd.h"
#include "base/vec.h"

/* TPM_RH (part 2, 7.4), TPM_ALG (6.3) */
enum {
	TPM2_OWNER = 0x40000001,
	TPM2_NULL = 0x40000007,
	TPM2_PASSWORD = 0x40000009,
	TPM2_ALG_SHA256 = 0x000b,
	TPM2_ALG_NULL = 0x0010,
};

enum { TPM2_HANDLES_MAX = 2 };

struct tpm2_call {
	const char *what; /* "TPM2_NV_Read" */
	uint32_t code;
	size_t n_handles;
	uint32_t handles[TPM2_HANDLES_MAX];
	uint32_t session; /* for the first handle: a policy session, or TPM2_PASSWORD; 0: none */
	bool keep;        /* the session stays when the command succeeds */
	bool has_handle;  /* of the response */
	struct buf params;
};

must_check int tpm2_call(struct tpm2 *t, const struct tpm2_call *c, struct tpm2_response *ret,
			 struct err *e);
/* The parameters as a cursor; tpm2_end() fails unless they were read to the end. */
struct rd tpm2_rd(const struct tpm2_response *r);
must_check int tpm2_end(const struct rd *r, const char *what, struct err *e);

/* TPM2B: a length of 16 bits, and so many bytes. */
void tpm2_put(struct buf *b, struct str bytes);
struct str tpm2_take(struct rd *r);
