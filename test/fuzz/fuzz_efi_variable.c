/* SPDX-License-Identifier: MIT */
#include "trust/efi_variable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nobody is trusted, which is found out last. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_str trusted = { 0 };
	struct str ret;
	struct err e;

	return efi_variable_verify(&a, "db", efi_security_guid,
				   (struct str){ (const char *)data, size }, &trusted, &ret,
				   &e) > 0;
}
