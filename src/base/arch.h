/* SPDX-License-Identifier: MIT */
/* arch.h - the architectures that images are made for, and what each is called by others. Whoever
 * needs to know takes a pointer to one of them; nobody compares names. */
#pragma once

#include "base/str.h"

struct arch {
	const char *name;   /* RPM's, the kernel's and ours: "x86_64" */
	const char *debian; /* "amd64" */
	const char *gnu;    /* Debian's folder of libraries: "x86_64-linux-gnu" */
	const char *efi;    /* in the names of EFI programs: "x64" */
	/* What firmware starts on a disk without boot entries (UEFI 2.10, 3.5.1.1). */
	const char *efi_boot; /* "EFI/BOOT/BOOTX64.EFI" */
	uint16_t pe_machine;  /* PE/COFF, "Machine Types" */
	uint16_t elf_machine; /* e_machine */
	uint16_t rpm_lead;    /* in the lead of a package file (rpm's rpmrc.in, arch_canon) */
	uint16_t ld_cache;    /* flags of a library in the linker cache (glibc, dl-cache.h) */
	/* Discoverable Partitions Specification, "Defined Partition Type UUIDs". */
	struct {
		const char *name, *uuid; /* "root-x86-64" */
	} gpt_root, gpt_root_verity, gpt_root_verity_sig;
};

enum { ARCHS = 2 };
extern const struct arch arch_x86_64, arch_aarch64, *const archs[ARCHS];

/* NULL: none of them. */
const struct arch *arch_find(struct str name);
/* By PE/COFF's number; NULL: none of them. */
const struct arch *arch_by_pe(uint16_t pe_machine);
/* "x86_64 or aarch64", for messages. */
struct str arch_names(struct arena *a);
/* Of the machine that this program was compiled for. */
const struct arch *arch_native(void);
