/* SPDX-License-Identifier: MIT */
/* fat_format.h - what the writer and the reader of FAT share: the sizes of the format, and its
 * names. */
#pragma once

#include "base/str.h"

/* Microsoft FAT specification 1.03: 3.1 (boot sector), 3.5 (type by number of clusters), 6
 * (entries), 7 (long names). */
enum {
	FAT_SECTOR_BYTES = 512,
	FAT_COPIES = 2,
	FAT_SIGNATURE = 0xaa55,
	FAT_SIGNATURE_OFFSET = 510,
	FAT_MEDIA = 0xf8,
	FAT_CLUSTER_FIRST = 2,
	FAT16_CLUSTERS_MIN = 4085,
	FAT32_CLUSTERS_MIN = 65525,
	FAT32_CLUSTERS_MAX = 0x0ffffff4,
	FAT32_MASK = 0x0fffffff,
	FAT16_END = 0xfff8, /* this and above end a chain */
	FAT32_END = 0x0ffffff8,
	FAT_ENTRY_BYTES = 32,
	FAT_DIR_BYTES_MAX = 65536 * FAT_ENTRY_BYTES,
	FAT_READ_ONLY = 0x01,
	FAT_HIDDEN = 0x02,
	FAT_SYSTEM = 0x04,
	FAT_LABEL = 0x08,
	FAT_DIRECTORY = 0x10,
	FAT_ARCHIVE = 0x20,
	FAT_LONG_NAME = FAT_READ_ONLY | FAT_HIDDEN | FAT_SYSTEM | FAT_LABEL,
	FAT_LONG_LAST = 0x40, /* in the order byte of the entry that comes first */
	FAT_LONG_CHARS = 13,
	FAT_SHORT_BYTES = 11,
	FAT_NAME_MAX = 255,
	FAT_PATH_MAX = 1024,
};

/* Whether the name can stand in a directory: printable ASCII without what VFAT forbids, neither "."
 * nor "..", no dot or blank at its end, at most FAT_NAME_MAX bytes. */
bool fat_name_valid(struct str name);

enum fat_fit { FAT_FIT_EXACT, FAT_FIT_CASE, FAT_FIT_LOSSY };
/* The 8.3 form in ret, and what it loses: nothing, only the case, or more (then it needs
 * fat_short_number()). */
enum fat_fit fat_short(struct str name, uint8_t ret[FAT_SHORT_BYTES]);
/* Puts "~N" at the end of the base. */
void fat_short_number(uint8_t name[FAT_SHORT_BYTES], unsigned n);
/* The sum that ties long entries to their short one (7.2). */
uint8_t fat_short_sum(const uint8_t name[FAT_SHORT_BYTES]);
/* The name of an entry without a long one; @case_flags is its byte 12 as Windows NT uses it. Empty
 * when not valid. */
struct str fat_short_text(struct arena *a, const uint8_t name[FAT_SHORT_BYTES], uint8_t case_flags);

char fat_upper(char c);
