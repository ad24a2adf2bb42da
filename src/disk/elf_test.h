/* SPDX-License-Identifier: MIT */
/* elf_test.h - makes the smallest shared objects, for tests. */
#pragma once

#include <elf.h>

#include "base/str.h"

/* Loaded at 0x1000; @soname NULL: none. */
static inline struct str elf_make(struct arena *a, uint16_t machine, const char *soname)
{
	enum { LOAD_ADDRESS = 0x1000 };
	size_t n = soname ? strlen(soname) : 0;
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segments[2];
		Elf64_Dyn dynamic[3];
		char strings[256];
	} *f = arena_alloc(a, sizeof(*f));

	f->header = (Elf64_Ehdr){ .e_type = ET_DYN,
				  .e_machine = machine,
				  .e_version = EV_CURRENT,
				  .e_phoff = offsetof(__typeof__(*f), segments),
				  .e_ehsize = sizeof(Elf64_Ehdr),
				  .e_phentsize = sizeof(Elf64_Phdr),
				  .e_phnum = 2 };
	memcpy(f->header.e_ident, ELFMAG, SELFMAG);
	f->header.e_ident[EI_CLASS] = ELFCLASS64;
	f->header.e_ident[EI_DATA] = ELFDATA2LSB;
	f->header.e_ident[EI_VERSION] = EV_CURRENT;
	f->segments[0] =
		(Elf64_Phdr){ .p_type = PT_LOAD, .p_vaddr = LOAD_ADDRESS, .p_filesz = sizeof(*f) };
	f->segments[1] = (Elf64_Phdr){ .p_type = PT_DYNAMIC,
				       .p_offset = offsetof(__typeof__(*f), dynamic),
				       .p_filesz = sizeof(f->dynamic) };
	f->dynamic[0] =
		(Elf64_Dyn){ .d_tag = DT_STRTAB,
			     .d_un.d_val = LOAD_ADDRESS + offsetof(__typeof__(*f), strings) };
	f->dynamic[1] = (Elf64_Dyn){ .d_tag = soname ? DT_SONAME : DT_NULL, .d_un.d_val = 1 };
	if (n < sizeof(f->strings) - 1)
		memcpy(f->strings + 1, soname ? soname : "", n);
	return (struct str){ (char *)f, sizeof(*f) };
}
