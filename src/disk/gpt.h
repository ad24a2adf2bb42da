/* SPDX-License-Identifier: MIT */
/* gpt.h - GUID partition tables (UEFI 2.10, chapter 5) with the types of the Discoverable
 * Partitions Specification: ours, which are written and held to what was written, and those of any
 * disk, in which partitions are looked for. */
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
	uint32_t number;     /* of its entry, from 1, as kernels count; readers tell it */
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
	GPT_TYPE_VAR,
	GPT_TYPES
};

struct arch;

/* The type's UUID; @arch may be NULL for one that is the same on all. */
void gpt_type_uuid(enum gpt_type type, const struct arch *arch, uint8_t ret[16]);
/* Whether @uuid is that of @type, on whatever architecture. */
bool gpt_type_is(const uint8_t uuid[16], enum gpt_type type);
/* "ESP", "root-x86-64", ... or the UUID as text. */
struct str gpt_type_name(struct arena *a, const uint8_t type[16]);

/* Primary (protective MBR, header, entries: the first 34 sectors) and backup (entries, header: the
 * last 33). Refuses partitions that overlap, leave the usable area, or share a UUID. */
must_check int gpt_write(struct arena *a, const struct gpt *in, struct str *ret_primary,
			 struct str *ret_backup, struct err *e);
/* Parses and checks both tables of a whole disk, which must be as gpt_write() makes them:
 * signatures, CRCs, bounds, overlaps, agreement. */
must_check int gpt_read(struct arena *a, const uint8_t *disk, size_t n, struct gpt *ret,
			struct err *e);

/* A disk that is not in memory. */
struct gpt_disk {
	uint64_t size_bytes;
	uint32_t sector_bytes; /* its logical blocks: what an LBA counts */
	/* All @n bytes at @offset, or an error. */
	int (*read)(void *arg, uint64_t offset, uint8_t *to, size_t n, struct err *e);
	void *arg;
};

/* The partitions of a table that anybody may have written, before or after the disk grew: one whose
 * CRCs match, the primary or else the backup in the last sector, as kernels take it. What entries
 * say is not checked. *ret_damage: why the primary was not taken; empty when it was. */
must_check int gpt_scan(struct arena *a, const struct gpt_disk *disk, struct gpt *ret,
			struct str *ret_damage, struct err *e);
