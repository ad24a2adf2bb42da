/* SPDX-License-Identifier: MIT */
/* crc32.h - the CRC of partition tables (UEFI 2.10, 5.3.2; ISO 3309, as Ethernet and gzip have it).
 * Of a few KiB, so small rather than fast: what runs on the target needs no library for it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint32_t crc32_of(const void *p, size_t n);
