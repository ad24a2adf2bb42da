/* SPDX-License-Identifier: MIT */
#include "upstream/debian/bzip2.h"

#include <archive.h>
#include <archive_entry.h>

enum { STEP_BYTES = 1 << 20 };

static void archive_done(struct archive **x)
{
	archive_read_free(*x);
}

static int damaged(struct archive *x, struct err *e)
{
	return err_set(e, -EBADMSG, "bzip2: %s", archive_error_string(x));
}

int bzip2_expand(struct arena *a, struct str in, size_t max, struct str *ret, struct err *e)
{
	__attribute__((cleanup(archive_done))) struct archive *x = archive_read_new();
	struct archive_entry *entry;
	struct buf b = { .a = a };
	la_ssize_t n = 1;

	if (!x || archive_read_support_filter_bzip2(x) != ARCHIVE_OK ||
	    archive_read_support_format_raw(x) != ARCHIVE_OK)
		return err_set(e, -ENOMEM, "bzip2: out of memory");
	if (archive_read_open_memory(x, in.p, in.n) != ARCHIVE_OK ||
	    archive_read_next_header(x, &entry) != ARCHIVE_OK)
		return damaged(x, e);
	if (archive_filter_code(x, 0) != ARCHIVE_FILTER_BZIP2)
		return err_set(e, -EBADMSG, "bzip2: does not begin as such a stream");
	while (n > 0) {
		vec_reserve(a, &b.v, STEP_BYTES);
		n = archive_read_data(x, b.v.p + b.v.n, STEP_BYTES);
		if (n < 0)
			return damaged(x, e);
		b.v.n += (size_t)n;
		if (b.v.n > max)
			return err_set(e, -EFBIG, "expands beyond %zu bytes", max);
	}
	*ret = (struct str){ (const char *)b.v.p, b.v.n };
	return 0;
}
