/* SPDX-License-Identifier: MIT */
/* efi_varstore.h - the variables of UEFI firmware in a flash image, as EDK II (OVMF, AAVMF) keeps
 * them: firmware volume header, authenticated variable store. */
#pragma once

#include <time.h>

#include "base/str.h"

struct efi_variable {
	struct str name;  /* ASCII */
	uint8_t guid[16]; /* in text order */
	uint32_t attributes;
	uint64_t time_sec; /* of the last authenticated write; 0: none */
	struct str data;
};
typedef VEC(struct efi_variable) vec_efi_variable;

/* The live variables in @flash. Borrows. */
must_check int efi_varstore_read(struct arena *a, struct str flash, vec_efi_variable *ret,
				 struct err *e);
/* *ret: @flash, an image as distributions ship it, with @variables added. A blank one is formatted
 * as AArch64's firmware does it. */
must_check int efi_varstore_add(struct arena *a, struct str flash,
				const vec_efi_variable *variables, struct str *ret, struct err *e);

/* Appends an EFI_TIME (UEFI 2.10, 8.3.1): UTC, all but date and time zero, as authenticated writes
 * want it (8.2.2). @tm: from gmtime_r(), of a year that the caller has checked to fit. */
void efi_time_put(struct buf *b, const struct tm *tm);
