/* SPDX-License-Identifier: MIT */
#include "trust/signer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str uri;
	struct err e;

	return signer_pkcs11_without_pin(&a, (struct str){ (const char *)data, size }, &uri, &e) >
	       0;
}
