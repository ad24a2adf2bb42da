/* SPDX-License-Identifier: MIT */
/* fat.h - FAT file systems for the EFI system partition (Microsoft FAT specification 1.03;
 * UEFI 2.10, 13.3). */
#pragma once

#include "base/str.h"
#include "disk/segment.h"

struct fat_file {
	struct str path; /* "EFI/Linux/x.efi"; parents are made */
	struct str data; /* borrowed */
};

struct fat_input {
	const struct fat_file *files;
	size_t n_files;
	uint64_t size_bytes; /* of the file system, a multiple of 4096; FAT16 or FAT32 is chosen by
				size */
	uint32_t volume_id;
	const char *label; /* at most 11 upper-case characters */
	uint64_t time_sec; /* stamped on everything, UTC; before 1980 counts as 1980 */
};

/* Long names (VFAT) where the 8.3 form would lose something. Contiguous files, canonical order.
 * Fails with -ENOSPC and both sizes when the files do not fit. */
must_check int fat_write(struct arena *a, const struct fat_input *in, struct segments *ret,
			 struct err *e);
/* Reads every file back, checking both FATs, chains and bounds. Data is copied into @a. */
must_check int fat_read(struct arena *a, const uint8_t *image, size_t n, struct fat_input *ret,
			struct err *e);
