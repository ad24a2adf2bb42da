/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "trust/efi_variable.h"

/* Nobody is trusted, which is found out last. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_str trusted = { 0 };
	struct str ret;
	struct err e;

	return efi_variable_verify(&a, "db", efi_security_guid,
				   (struct str){ (const char *)data, size }, &trusted, &ret,
				   &e) < 0 &&
	       str_has(str_c(e.msg), NOBODY_TRUSTED);
}
