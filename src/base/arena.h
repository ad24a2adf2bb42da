/* SPDX-License-Identifier: MIT */
/* arena.h - memory of one command or one worker: everything made in it dies with it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena_block;

/* Zero is a valid empty arena. Not safe for two threads at once: give each worker its own. */
struct arena {
	struct arena_block *block;
	size_t used_bytes; /* sum of what was handed out */
	/* A folder, or NULL: what is large lies in files there, without a name, so that it need not
	 * fit into memory. */
	const char *spill_dir;
};

enum { ARENA_SPILL_BYTES_MIN = 64 << 20 };

/* What @p points to is not needed soon, if ever: lets the kernel take its pages, where they can
 * come back from a file. Content stays as it is. Of less than ARENA_SPILL_BYTES_MIN it does
 * nothing. */
void memory_leave(const void *p, size_t n);

/* Zeroed memory, aligned for any object; never NULL (out of memory ends the process with one
 * sentence). */
void *arena_alloc(struct arena *a, size_t n) __attribute__((malloc, returns_nonnull));
/* n * size, refusing overflow the same way. */
void *arena_array(struct arena *a, size_t n, size_t size) __attribute__((malloc, returns_nonnull));
/* A copy of @n bytes, with a NUL after them that is not counted. */
void *arena_copy(struct arena *a, const void *p, size_t n) __attribute__((returns_nonnull));
/* Frees everything; the arena is empty and usable again. */
void arena_done(struct arena *a);

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define _cleanup_arena_    __attribute__((cleanup(arena_done)))
