/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "artifact/container.h"
#include "base/io.h"
#include "base/trace.h"

enum { CHUNK_BYTES = 4 << 20 };

/* A run that lies in a file is the kernel's to copy, or to share where the file system can. */
static int run_write(const struct segment *s, uint64_t from, uint64_t n, int fd, uint64_t at,
		     const char *name, struct err *e)
{
	if (s->blocks)
		return fd_copy(s->blocks->fd, (uint64_t)(s->data - s->blocks->data) + from, n, fd,
			       at, name, e);
	return fd_pwrite(fd, s->data + from, n, at, name, e);
}

int laid_write(const struct laid *laid, int fd, const char *name, struct progress *progress,
	       unsigned stage, struct err *e)
{
	TRACE("write");
	uint64_t at = 0;

	if (ftruncate(fd, (off_t)laid->bytes.size_bytes) < 0)
		return err_sys(e, "resize '%s' to %llu bytes", name,
			       (unsigned long long)laid->bytes.size_bytes);
	vec_each(segment, &laid->bytes.v) {
		for (uint64_t done = 0; segment->data && done < segment->size_bytes;) {
			uint64_t n = segment->size_bytes - done;
			int r;

			if (n > CHUNK_BYTES)
				n = CHUNK_BYTES;
			r = run_write(segment, done, n, fd, at + done, name, e);
			if (r < 0)
				return r;
			done += n;
			if (progress)
				progress_add(progress, stage, n);
		}
		at += segment->size_bytes;
	}
	return 0;
}
