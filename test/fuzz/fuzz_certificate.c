/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "trust/certificate.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	struct certificate c;
	struct err e;

	return certificate_read((struct str){ (const char *)data, size }, &c, &e) >= 0;
}
