/* SPDX-License-Identifier: MIT */
#include "disk/efi_varstore.h"
#include "fuzz.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str flash = { (const char *)data, size };
	vec_efi_variable v = { 0 };
	struct err e;

	if (efi_varstore_read(&a, flash, &v, &e) < 0)
		return false;
	vec_each(x, &v)
		x->name = str_cat(&a, x->name, STR("2"));
	(void)!efi_varstore_add(&a, flash, &v, &flash, &e);
	return true;
}
