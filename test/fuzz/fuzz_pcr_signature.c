/* SPDX-License-Identifier: MIT */
#include "agent/init/pcr_policy.h"
#include "fuzz.h"

#define FINGERPRINT "0000000000000000000000000000000000000000000000000000000000000001"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	static const struct pcr_key key = { { FINGERPRINT, 64 }, { 0 } };
	static const uint8_t policy[TPM2_DIGEST_BYTES];
	_cleanup_arena_ struct arena a = { 0 };
	struct str got;
	struct err e;

	return pcr_signature_find(&a, (struct str){ (const char *)data, size }, &key, policy, &got,
				  &e) == 1;
}
