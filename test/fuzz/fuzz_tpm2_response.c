/* SPDX-License-Identifier: MIT */
#include "agent/init/tpm2.h"
#include "fuzz.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	struct str bytes = { (const char *)data, size };
	struct tpm2_response got;
	struct err e;
	bool any = false;

	for (unsigned i = 0; i < 4; i++)
		any |= tpm2_response_parse(bytes, "TPM2_X", i & 1, i & 2, &got, &e) == 0;
	return any;
}
