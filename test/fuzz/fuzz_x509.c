/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "trust/x509.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str in = { (const char *)data, size }, der = in;
	struct x509 x509;
	struct err e;

	if (size > 0 && data[0] != 0x30 && x509_pem_parse(&a, in, &der, &e) < 0)
		return false;
	return x509_parse(&a, der, &x509, &e) >= 0;
}
