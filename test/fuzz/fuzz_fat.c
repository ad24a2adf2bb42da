/* SPDX-License-Identifier: MIT */
#include "disk/fat.h"
#include "fuzz.h"

enum { IMAGE_BYTES = 3 << 20, RESERVED_SECTORS = 14, FAT_SECTORS = 22, SECTOR_BYTES = 512 };

/* The input is the beginning of an image, the rest is zeroes: the smallest FAT16 has 2 MiB. The
 * second table follows the first, as else each change would only be found to be a difference. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t *image = arena_alloc(&a, IMAGE_BYTES);
	struct fat_input fat;
	struct err e;

	memcpy(image, data, size < IMAGE_BYTES ? size : IMAGE_BYTES);
	if (image[RESERVED_SECTORS] < 64 && image[FAT_SECTORS] < 64) {
		size_t table = image[RESERVED_SECTORS] * SECTOR_BYTES,
		       n = image[FAT_SECTORS] * SECTOR_BYTES;

		memcpy(image + table + n, image + table, n);
	}
	return fat_read(&a, image, IMAGE_BYTES, &fat, &e) >= 0;
}
