/* SPDX-License-Identifier: MIT */
#include "disk/erofs_format.h"

#include <stddef.h>
#include <sys/stat.h>

const struct erofs_xattr_prefix erofs_xattr_prefixes[] = {
	{ 1, false, { "user.", 5 } },
	{ 2, true, { "system.posix_acl_access", 23 } },
	{ 3, true, { "system.posix_acl_default", 24 } },
	{ 4, false, { "trusted.", 8 } },
	{ 6, false, { "security.", 9 } },
	{ 0 },
};

uint8_t erofs_file_type(uint32_t mode)
{
	static const uint8_t types[16] = {
		[S_IFREG >> 12] = 1, [S_IFDIR >> 12] = 2,  [S_IFCHR >> 12] = 3, [S_IFBLK >> 12] = 4,
		[S_IFIFO >> 12] = 5, [S_IFSOCK >> 12] = 6, [S_IFLNK >> 12] = 7,
	};

	return mode > UINT16_MAX ? 0 : types[mode >> 12];
}

uint32_t erofs_checksum(const uint8_t block[static 4096])
{
	const size_t at = EROFS_SUPER_OFFSET + offsetof(struct erofs_disk_super, checksum);
	uint32_t crc = UINT32_MAX;

	for (size_t i = EROFS_SUPER_OFFSET; i < 4096; i++) {
		crc ^= i >= at && i < at + 4 ? 0 : block[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return crc; /* the kernel leaves out the usual inversion at the end */
}
