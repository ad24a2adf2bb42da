/* SPDX-License-Identifier: MIT */
#include "disk/crc32.h"

#define POLYNOMIAL 0xedb88320u /* bits reversed: the lowest is the first on the wire */

uint32_t crc32_of(const void *p, size_t n)
{
	const uint8_t *bytes = p;
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
	}
	return ~crc;
}
