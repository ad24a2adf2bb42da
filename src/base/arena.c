/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK_BYTES_MIN = 64 << 10, BLOCK_BYTES_MAX = 4 << 20, ALIGN = 16 };

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	bool mapped;
	_Alignas(16) uint8_t bytes[];
};

static void __attribute__((noreturn)) out_of_memory(void)
{
	static const char msg[] = "ashlar: out of memory\n";

	if (write(STDERR_FILENO, msg, sizeof(msg) - 1) < 0)
		abort();
	_exit(1);
}

/* Room on the disk is taken at once: a write to a page that has none would end the process. NULL
 * when there is none, or the file system knows no files without a name. */
static struct arena_block *block_spilled(const char *dir, size_t bytes)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct arena_block *b = NULL;
	void *p;

	if (fd < 0)
		return NULL;
	if (posix_fallocate(fd, 0, (off_t)bytes) == 0) {
		p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		b = p == MAP_FAILED ? NULL : p;
	}
	close(fd);
	if (b)
		b->mapped = true;
	return b;
}

void memory_leave(const void *p, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)p;
	uintptr_t begin = (from + page - 1) & ~(page - 1), end = (from + n) & ~(page - 1);

	if (n >= ARENA_SPILL_BYTES_MIN && begin < end)
		(void)madvise((void *)begin, end - begin, MADV_PAGEOUT);
}

/* Blocks double, so that a large arena has few of them; a request above the largest has its own. */
static struct arena_block *block_new(const struct arena *a, size_t n)
{
	size_t size = a->block ? a->block->size * 2 : BLOCK_BYTES_MIN;
	struct arena_block *b;

	if (size > BLOCK_BYTES_MAX)
		size = BLOCK_BYTES_MAX;
	if (size < n)
		size = n;
	if (size > SIZE_MAX - sizeof(*b))
		out_of_memory();
	b = a->spill_dir && size >= ARENA_SPILL_BYTES_MIN
		    ? block_spilled(a->spill_dir, sizeof(*b) + size)
		    : NULL;
	if (!b)
		b = calloc(1, sizeof(*b) + size);
	if (!b)
		out_of_memory();
	b->size = size;
	return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->block;
	void *p;

	if (n > SIZE_MAX - ALIGN)
		out_of_memory();
	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!b || b->size - b->used < n) {
		b = block_new(a, n);
		b->next = a->block;
		a->block = b;
	}
	p = b->bytes + b->used;
	b->used += n;
	a->used_bytes += n;
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		out_of_memory();
	return arena_alloc(a, total);
}

void *arena_copy(struct arena *a, const void *p, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

void arena_done(struct arena *a)
{
	while (a->block) {
		struct arena_block *next = a->block->next;

		if (a->block->mapped)
			munmap(a->block, sizeof(*a->block) + a->block->size);
		else
			free(a->block);
		a->block = next;
	}
	a->used_bytes = 0;
}
