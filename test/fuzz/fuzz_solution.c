/* SPDX-License-Identifier: MIT */
#include "solve/solve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void checksum_fix(uint8_t *p, size_t n)
{
	if (n >= SHA256_BYTES)
		sha256(p, n - SHA256_BYTES, p + n - SHA256_BYTES);
}

/* Both checksums are made right, that of the packages and that of the whole: else nothing behind
 * them would ever be tried. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t *bytes = arena_copy(&a, data, size);
	size_t packages = 0;
	struct solution s;
	vec_rpm_meta metas;
	struct err e;

	while (packages + 8 <= size && memcmp(bytes + packages, "ASHLUNIV", 8) != 0)
		packages++;
	if (size >= packages + SHA256_BYTES)
		checksum_fix(bytes + packages, size - packages - SHA256_BYTES);
	checksum_fix(bytes, size);
	if (solution_decode(&a, (struct str){ (char *)bytes, size }, &s, &metas, &e) == 0 &&
	    (s.packages.n != metas.n || s.reasons.n != metas.n))
		__builtin_trap();
	return 0;
}
