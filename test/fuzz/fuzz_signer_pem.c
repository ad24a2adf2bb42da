/* SPDX-License-Identifier: MIT */
#include "trust/signer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_signer_ struct signer *signer = NULL;
	struct err e;

	return signer_pem_parse((struct str){ (const char *)data, size }, &signer, &e) > 0;
}
