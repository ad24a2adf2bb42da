/* SPDX-License-Identifier: MIT */
#include <sys/mman.h>

#include "base/io.h"
#include "disk/verity.h"
#include "fuzz.h"
#include "pack/pack_format.h"

/* Version and digest are made right: what stands behind them is what can be wrong in many ways. */
static void head_mend(uint8_t *bytes, size_t size)
{
	struct pack_disk_header *h = (struct pack_disk_header *)bytes;
	uint64_t behind = PACK_HEADER_BYTES + (uint64_t)le32toh(h->n_blocks) * EROFS_BLOCK_BYTES;
	struct sha256 hash;

	h->version = htole32(PACK_VERSION);
	sha256_init(&hash);
	sha256_update(&hash, bytes + PACK_DIGESTED_FROM, PACK_HEADER_BYTES - PACK_DIGESTED_FROM);
	if (behind < size)
		sha256_update(&hash, bytes + behind, size - behind);
	sha256_final(&hash, h->sha256);
}

static bool read_all(struct arena *a, const struct pack *p)
{
	struct str content;
	bool whole = true;
	struct err e;

	for (uint32_t i = 0; i < p->n_files; i++) {
		const struct segment *s = &p->files[i].content.blocks;

		if (s->size_bytes > 0 && !pack_blocks_good(s))
			whole = false;
		if (pack_read(a, &p->files[i], &content, &e) < 0)
			whole = false;
	}
	return whole;
}

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_close_ int fd = memfd_create("pack", MFD_CLOEXEC);
	uint8_t *bytes = arena_copy(&a, data, size);
	struct pack *p;
	struct err e;
	bool whole;

	if (size >= PACK_HEADER_BYTES)
		head_mend(bytes, size);
	if (fd < 0 || fd_write(fd, bytes, size, "pack", &e) < 0 ||
	    pack_open(&a, str_z(&a, str_printf(&a, "/proc/self/fd/%d", fd)), &p, &e) < 0)
		return false;
	whole = read_all(&a, p);
	pack_close(p);
	return whole;
}
