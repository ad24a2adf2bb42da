/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "trust/efi_variable.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str lists = { (const char *)data, size };
	vec_efi_revocation revocations;
	vec_str certificates;
	struct err e;

	(void)!efi_signature_lists_parse(&a, lists, &certificates, &e);
	return efi_revocation_lists_parse(&a, lists, &revocations, &e) >= 0;
}
