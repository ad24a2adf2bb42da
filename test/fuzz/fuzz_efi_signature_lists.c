/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "trust/efi_variable.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_str certificates;
	struct err e;

	return efi_signature_lists_parse(&a, (struct str){ (const char *)data, size },
					 &certificates, &e) >= 0;
}
