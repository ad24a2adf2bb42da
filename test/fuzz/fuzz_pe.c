/* SPDX-License-Identifier: MIT */
#include "disk/pe.h"
#include "fuzz.h"

/* As a stub, which is read as any executable and then extended; and as what is to be signed. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	static const struct pe_section add[] = {
		{ .name = { ".linux", 6 }, .data = { "x", 1 } },
		{ .name = { ".sbat", 5 }, .data = { "sbat,1,,,,\nx,1,,,,\n", 19 } },
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct str image = { (const char *)data, size };
	struct pe_signing signing;
	struct pe pe;
	struct segments out;
	struct err e;
	bool signable = pe_signing(image, &signing, &e) == 0;

	if (signable && pe_signing_set(arena_copy(&a, data, size), size, &signing, &e) < 0)
		return false;
	return uki_build(&a, image, add, 2, &out, &e) >= 0 ||
	       (signable && pe_read(&a, image, &pe, &e) == 0);
}
