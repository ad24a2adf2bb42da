/* SPDX-License-Identifier: MIT */
/* gpt_format.h - a partition table on the disk, for the files of gpt.h only: UEFI 2.10, 5.2.3
 * (protective MBR), 5.3.2 (header), 5.3.3 (entries). */
#pragma once

#include "disk/gpt.h"

enum {
	MBR_ENTRY_OFFSET = 446,
	MBR_TYPE_OFFSET = MBR_ENTRY_OFFSET + 4,
	MBR_TYPE_PROTECTIVE = 0xee,
	MBR_SIGNATURE_OFFSET = 510,
	MBR_SIGNATURE = 0xaa55,
	SIGNATURE_BYTES = 8,
	HEADER_BYTES = 92,
	HEADER_CRC_OFFSET = 16,
	HEADER_REVISION = 0x00010000,
	ENTRY_BYTES = 128,
	ENTRIES_BYTES = GPT_ENTRIES_MAX * ENTRY_BYTES,
	ENTRIES_LBA = ENTRIES_BYTES / GPT_SECTOR_BYTES,
	LABEL_CHARS_MAX = 36,
	PRIMARY_LBA = 2 + ENTRIES_LBA, /* what stands before the first usable sector */
	BACKUP_LBA = ENTRIES_LBA + 1,  /* what stands behind the last */
};

#define GPT_SIGNATURE "EFI PART"

/* What a header says, numbers as the machine has them. */
struct gpt_header {
	uint32_t revision, header_bytes;
	uint64_t my_lba, other_lba, first_lba, last_lba, entries_lba;
	uint8_t disk_uuid[16];
	uint32_t n_entries, entry_bytes, entries_crc;
};

/* What both the writer and the reader of our own tables demand. */
must_check int gpt_table_check(const struct gpt *t, struct err *e);
