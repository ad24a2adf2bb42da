/* SPDX-License-Identifier: MIT */
/* gpt.h - GUID partition tables (UEFI 2.10, chapter 5) with the types of the Discoverable
 * Partitions Specification. */
#pragma once

#include "base/str.h"
#include "disk/segment.h"

enum { GPT_SECTOR_BYTES = 512, GPT_ENTRIES_MAX = 128, GPT_ALIGN_BYTES = 1 << 20 };

/* UUIDs are in text order (RFC 9562); the writer swaps the fields that GPT stores little-endian. */
struct gpt_partition {
	uint8_t type[16], uuid[16];
	uint64_t start_lba, size_lba;
	uint64_t attributes; /* bit 60: read-only, bit 63: no auto-mount (DPS) */
	struct str label;    /* ASCII, at most 36 characters */
};

struct gpt {
	uint8_t disk_uuid[16];
	uint64_t disk_lba; /* size of the disk */
	const struct gpt_partition *partitions;
	size_t n_partitions;
};

enum gpt_type {
	GPT_TYPE_ESP,
	GPT_TYPE_ROOT,
	GPT_TYPE_ROOT_VERITY,
	GPT_TYPE_ROOT_VERITY_SIG,
	GPT_TYPE_VAR
};

/* The type's UUID for an architecture ("x86_64", "aarch64"). */
must_check int gpt_type_uuid(enum gpt_type type, const char *arch, uint8_t ret[16], struct err *e);
/* "ESP", "root-x86-64", ... or the UUID as text. */
struct str gpt_type_name(struct arena *a, const uint8_t type[16]);

/* Primary (protective MBR, header, entries: the first 34 sectors) and backup (entries, header: the
 * last 33). Refuses partitions that overlap, leave the usable area, or share a UUID. */
must_check int gpt_write(struct arena *a, const struct gpt *in, struct str *ret_primary,
			 struct str *ret_backup, struct err *e);
/* Parses and checks both tables of a whole disk: signatures, CRCs, bounds, overlaps, agreement. */
must_check int gpt_read(struct arena *a, const uint8_t *disk, size_t n, struct gpt *ret,
			struct err *e);
