/* SPDX-License-Identifier: MIT */
#include "trust/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct certificate c;
	struct err e;

	return certificate_read((struct str){ (const char *)data, size }, &c, &e) > 1;
}
