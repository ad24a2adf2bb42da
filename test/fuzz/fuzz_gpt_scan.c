/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <string.h>

#include "disk/crc32.h"
#include "disk/gpt.h"
#include "fuzz.h"

enum { SECTORS_MAX = 4096, HEADER_BYTES = 92, CRC_OFFSET = 16 };

static int disk_read(void *arg, uint64_t offset, uint8_t *to, size_t n, struct err *e)
{
	(void)e;
	memcpy(to, (const uint8_t *)arg + offset, n);
	return 0;
}

/* So that what lies behind the header's CRC is reached. */
static void header_mend(uint8_t *header)
{
	uint32_t sum;

	memset(header + CRC_OFFSET, 0, sizeof(sum));
	sum = htole32(crc32_of(header, HEADER_BYTES));
	memcpy(header + CRC_OFFSET, &sum, sizeof(sum));
}

/* Once as it is, once with a right sum. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t *bytes = arena_copy(&a, data, size);
	struct str damage;
	struct gpt gpt;
	bool accepted = false;
	struct err e;

	for (uint32_t sector = 512; sector <= SECTORS_MAX; sector *= 8) {
		const struct gpt_disk disk = { size, sector, disk_read, bytes };

		if (gpt_scan(&a, &disk, &gpt, &damage, &e) == 0 && gpt.n_partitions > 0)
			accepted = true;
		if (size < 2 * (size_t)sector)
			continue;
		header_mend(bytes + sector);
		(void)!gpt_scan(&a, &disk, &gpt, &damage, &e);
	}
	return accepted;
}
