/* SPDX-License-Identifier: MIT */
#include "disk/crc32.h"
#include "disk/gpt.h"
#include "fuzz.h"

enum {
	SECTOR_BYTES = 512,
	ENTRIES_BYTES = 32 * SECTOR_BYTES,
	HEADER_BYTES = 92,
	DISK_MIN = 68 * SECTOR_BYTES
};

static void crc_put(uint8_t *p, const uint8_t *of, size_t n)
{
	uint32_t sum = crc32_of(of, n);

	memcpy(p, &sum, sizeof(sum));
}

static void table_mend(uint8_t *header, const uint8_t *entries)
{
	crc_put(header + 88, entries, ENTRIES_BYTES);
	memset(header + 16, 0, sizeof(uint32_t));
	crc_put(header + 16, header, HEADER_BYTES);
}

/* Once as it is, once with right sums, so that what lies behind them is reached. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t *disk = arena_copy(&a, data, size);
	struct gpt gpt;
	struct err e;
	bool accepted = gpt_read(&a, disk, size, &gpt, &e) == 0;

	if (size < DISK_MIN)
		return accepted;
	table_mend(disk + SECTOR_BYTES, disk + 2 * SECTOR_BYTES);
	memcpy(disk + size - SECTOR_BYTES - ENTRIES_BYTES, disk + 2 * SECTOR_BYTES, ENTRIES_BYTES);
	table_mend(disk + size - SECTOR_BYTES, disk + 2 * SECTOR_BYTES);
	(void)!gpt_read(&a, disk, size, &gpt, &e);
	return accepted;
}
