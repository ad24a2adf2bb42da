/* SPDX-License-Identifier: MIT */
/* module_info.h - what a kernel module says of itself: its name, and the section .modinfo of its
 * ELF file, "key=value" strings. */
#pragma once

#include "base/str.h"

/* The section of an (uncompressed) module, borrowed. */
must_check int module_info_find(struct str elf, struct str *ret, struct err *e);
/* Takes the next "key=value" off *info; false at the end. */
bool module_info_next(struct str *info, struct str *ret_key, struct str *ret_value);
/* As the kernel calls it: "kernel/fs/x-y.ko.xz" -> "x_y". */
struct str module_name(struct arena *a, struct str path);
/* A definition's word for a module: its name, "NAME?" when the kernel may lack it. */
struct str module_wish(struct arena *a, struct str text, bool *ret_optional);
