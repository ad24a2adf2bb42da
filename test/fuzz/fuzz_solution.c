/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "solve/solve.h"

/* The checksum is made right: else nothing behind it would ever be tried. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t *bytes = arena_copy(&a, data, size);
	struct solution s;
	vec_rpm_meta metas;
	struct err e;

	if (size >= SHA256_BYTES)
		sha256(bytes, size - SHA256_BYTES, bytes + size - SHA256_BYTES);
	if (solution_decode(&a, (struct str){ (char *)bytes, size }, &s, &metas, &e) < 0)
		return false;
	if (s.packages.n != metas.n || s.reasons.n != metas.n)
		__builtin_trap();
	return true;
}
