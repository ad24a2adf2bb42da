/* SPDX-License-Identifier: MIT */
/* pe_format.h - the headers of PE executables, for the files of this folder that read and write
 * them. */
#pragma once

#include "base/rd.h"
#include "disk/pe.h"

/* Microsoft "PE Format": offsets within the file, the COFF header, the PE32+ optional header, a
 * section header. */
enum {
	DOS_PE_POINTER = 0x3c,
	DOS_MAGIC = 0x5a4d,    /* "MZ" */
	PE_MAGIC = 0x00004550, /* "PE\0\0" */
	PE32PLUS_MAGIC = 0x20b,
	COFF_BYTES = 20,
	COFF_N_SECTIONS = 2,
	COFF_TIME = 4,
	OPTIONAL_INITIALIZED_BYTES = 8,
	OPTIONAL_IMAGE_BYTES = 56,
	OPTIONAL_CHECKSUM = 64,
	OPTIONAL_BYTES_MIN = 112, /* without data directories */
	DIRECTORY_CERTIFICATES = 4,
	DIRECTORIES_MAX = 16,
	SECTION_BYTES = 40,
	SECTION_NAME_BYTES = 8,
	SECTION_VIRTUAL_BYTES = 8,
	SECTION_ADDRESS = 12,
	SECTION_RAW_BYTES = 16,
	SECTION_RAW_OFFSET = 20,
	SECTION_FLAGS = 36,
	SECTION_INITIALIZED_DATA = 0x40,
	SECTION_MEM_READ = 0x40000000,
	PE_SECTIONS_MAX = 96,
	FILE_ALIGN_MIN = 512,
	FILE_ALIGN_MAX = 64 << 10,
	SECTION_ALIGN_MAX = 1 << 26,
	PAGE_BYTES = 4096,
};

/* Where things stand in a file, and what its headers say. */
struct pe_layout {
	size_t coff, optional, table; /* offsets */
	uint16_t machine, n_sections, optional_bytes;
	uint32_t initialized_bytes, section_align, file_align, image_bytes, header_bytes;
	size_t certificates; /* offset of the certificate table's entry; 0: there is none */
	uint32_t certificates_offset, certificates_bytes; /* what it says */
};

/* Headers, every bound checked. */
must_check int pe_layout_parse(struct str image, struct pe_layout *ret, struct err *e);
must_check int pe_sections_parse(struct arena *a, struct str image, const struct pe_layout *l,
				 struct pe *ret, struct err *e);

static inline void pe_put_le16(uint8_t *p, uint16_t x)
{
	x = htole16(x);
	memcpy(p, &x, sizeof(x));
}

static inline void pe_put_le32(uint8_t *p, uint32_t x)
{
	x = htole32(x);
	memcpy(p, &x, sizeof(x));
}

static inline uint32_t pe_get_le32(const void *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return le32toh(x);
}

/* Of little-endian 32-bit words, the last filled up with zeroes: a part of the checksum. Fewer than
 * 2^32 of them: no overflow. */
uint64_t pe_words_sum(const uint8_t *p, uint64_t n);
/* The one's complement sum of 16-bit words, plus the file's size: taken as 32-bit words, which give
 * the same, as 2^16 is 1 modulo 2^16 - 1. */
uint32_t pe_checksum_finish(uint64_t sum, uint64_t size_bytes);
