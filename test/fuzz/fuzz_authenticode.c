/* SPDX-License-Identifier: MIT */
#include "trust/authenticode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nobody is trusted, which is found out last. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str image = { (const char *)data, size }, out;
	vec_str trusted = { 0 };
	struct err e;
	size_t by;

	if (authenticode_strip(&a, image, &out, &e) == 0 &&
	    authenticode_to_sign(&a, out, &out, &e) > 0)
		return 1;
	return authenticode_verify(&a, image, &trusted, &by, &e) > 0;
}
