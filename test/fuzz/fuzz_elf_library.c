/* SPDX-License-Identifier: MIT */
#include "disk/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_library library;

	return elf_library_read((struct str){ (const char *)data, size }, &library) &&
	       library.soname.n > size;
}
