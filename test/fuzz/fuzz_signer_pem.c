/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "trust/signer.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_signer_ struct signer *signer = NULL;
	struct err e;

	return signer_pem_parse((struct str){ (const char *)data, size }, &signer, &e) >= 0;
}
