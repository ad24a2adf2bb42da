/* SPDX-License-Identifier: MIT */
/* elf.h - what a dynamic linker wants to know of a shared object (System V ABI, chapters 4 and 5).
 */
#pragma once

#include "base/str.h"

struct elf_library {
	uint16_t machine;  /* EM_X86_64, EM_AARCH64, ... */
	struct str soname; /* borrowed; empty: none */
};

/* Whether @file is a 64-bit little-endian shared object that can be linked with, and of which
 * nothing lies outside the file. */
must_check bool elf_library_read(struct str file, struct elf_library *ret);
