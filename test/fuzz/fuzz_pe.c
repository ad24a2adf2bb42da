/* SPDX-License-Identifier: MIT */
#include "disk/pe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As a stub, which is read as any executable and then extended. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pe_section linux_section = { .name = { ".linux", 6 },
							 .data = { "x", 1 } };
	_cleanup_arena_ struct arena a = { 0 };
	struct segments out;
	struct err e;

	return uki_build(&a, (struct str){ (const char *)data, size }, &linux_section, 1, &out,
			 &e) > 0;
}
