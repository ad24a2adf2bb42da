/* SPDX-License-Identifier: MIT */
#include <sys/mman.h>

#include "base/io.h"
#include "disk/verity.h"
#include "pack/pack_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The digest is made right: what stands behind it is what can be wrong in many ways. */
static void digest_set(uint8_t *bytes, size_t size)
{
	struct pack_disk_header *h = (struct pack_disk_header *)bytes;
	uint64_t behind = PACK_HEADER_BYTES + (uint64_t)le32toh(h->n_blocks) * EROFS_BLOCK_BYTES;
	struct sha256 hash;

	sha256_init(&hash);
	sha256_update(&hash, bytes + PACK_DIGESTED_FROM, PACK_HEADER_BYTES - PACK_DIGESTED_FROM);
	if (behind < size)
		sha256_update(&hash, bytes + behind, size - behind);
	sha256_final(&hash, h->sha256);
}

static void read_all(struct arena *a, const struct pack *p)
{
	struct str content;
	struct err e;

	for (uint32_t i = 0; i < p->n_files; i++) {
		const struct segment *s = &p->files[i].content.blocks;

		if (s->size_bytes > 0)
			(void)!pack_blocks_good(s);
		(void)!pack_read(a, &p->files[i], &content, &e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_close_ int fd = memfd_create("pack", MFD_CLOEXEC);
	uint8_t *bytes = arena_copy(&a, data, size);
	struct pack *p;
	struct err e;

	if (size >= PACK_HEADER_BYTES)
		digest_set(bytes, size);
	if (fd < 0 || fd_write(fd, bytes, size, "pack", &e) < 0 ||
	    pack_open(&a, str_z(&a, str_printf(&a, "/proc/self/fd/%d", fd)), &p, &e) < 0)
		return 0;
	read_all(&a, p);
	pack_close(p);
	return 0;
}
