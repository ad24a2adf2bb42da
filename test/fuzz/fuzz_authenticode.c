/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "trust/authenticode.h"

/* Nobody is trusted, which is found out last. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str image = { (const char *)data, size }, out;
	vec_str trusted = { 0 };
	struct err e;
	size_t by;

	if (authenticode_strip(&a, image, &out, &e) == 0 &&
	    authenticode_to_sign(&a, out, &out, &e) > 0)
		__builtin_trap();
	return authenticode_verify(&a, image, &trusted, &by, &e) < 0 &&
	       str_has(str_c(e.msg), NOBODY_TRUSTED);
}
