/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "trust/signer.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str uri;
	struct err e;

	return signer_pkcs11_without_pin(&a, (struct str){ (const char *)data, size }, &uri, &e) >=
	       0;
}
