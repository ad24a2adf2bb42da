/* SPDX-License-Identifier: MIT */
#include "disk/elf.h"
#include "fuzz.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	struct elf_library library;

	if (!elf_library_read((struct str){ (const char *)data, size }, &library))
		return false;
	if (library.soname.n > size)
		__builtin_trap();
	return true;
}
