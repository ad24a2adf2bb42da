/* SPDX-License-Identifier: MIT */
#include "disk/cpio.h"

#include <assert.h>

#include "base/rd.h"

/* buffer-format.rst: the magic and 13 fields of eight hexadecimal digits, then the name with its
 * NUL. */
enum { CPIO_HEADER_BYTES = 110, CPIO_ALIGN = 4, CPIO_NAME_MAX = 4096 };

static const char cpio_magic[] = "070701", cpio_trailer[] = "TRAILER!!!";

void cpio_add_header(struct buf *b, const struct cpio_entry *entry, uint64_t size_bytes)
{
	/* The field has 32 bits; later than 2106 is written as its last second. */
	uint32_t mtime = entry->mtime_sec > UINT32_MAX ? UINT32_MAX : (uint32_t)entry->mtime_sec;

	assert(size_bytes <= UINT32_MAX && entry->name.n < CPIO_NAME_MAX);
	buf_printf(b, "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", cpio_magic,
		   entry->ino, entry->mode, entry->uid, entry->gid, entry->nlink, mtime,
		   (uint32_t)size_bytes, 0, 0, entry->rdev_major, entry->rdev_minor,
		   (uint32_t)entry->name.n + 1, 0);
	buf_put(b, entry->name.p, entry->name.n);
	buf_u8(b, 0);
	buf_align(b, CPIO_ALIGN);
}

void cpio_add(struct buf *b, const struct cpio_entry *entry)
{
	cpio_add_header(b, entry, entry->data.n);
	buf_put(b, entry->data.p, entry->data.n);
	buf_align(b, CPIO_ALIGN);
}

void cpio_end(struct buf *b)
{
	const struct cpio_entry trailer = { .name = str_c(cpio_trailer), .nlink = 1 };

	cpio_add(b, &trailer);
}

static uint32_t field_read(struct rd *r)
{
	struct str digits = rd_str(r, 8);
	uint32_t x = 0;

	if (!hex_decode(digits, &x, sizeof(x)))
		r->bad = true;
	return be32toh(x);
}

/* The fields in their order on disk; sets the name's size (with NUL) and the content's. */
static void header_read(struct rd *r, struct cpio_entry *ret, uint32_t *ret_name_bytes,
			uint32_t *ret_data_bytes)
{
	ret->ino = field_read(r);
	ret->mode = field_read(r);
	ret->uid = field_read(r);
	ret->gid = field_read(r);
	ret->nlink = field_read(r);
	ret->mtime_sec = field_read(r);
	*ret_data_bytes = field_read(r);
	field_read(r); /* device that holds the file: means nothing elsewhere */
	field_read(r);
	ret->rdev_major = field_read(r);
	ret->rdev_minor = field_read(r);
	*ret_name_bytes = field_read(r);
	field_read(r); /* checksum: of magic 070702 only */
}

static void padding_skip(struct rd *r)
{
	rd_bytes(r, -r->pos % CPIO_ALIGN);
}

int cpio_next(struct str *archive, struct cpio_entry *ret, struct err *e)
{
	struct rd r = { (const uint8_t *)archive->p, archive->n, 0, false };
	struct cpio_entry entry = { 0 };
	uint32_t name_bytes, data_bytes;

	if (archive->n == 0)
		return err_set(e, -EBADMSG, "cpio: ends without a trailer");
	if (!str_eqz(rd_str(&r, strlen(cpio_magic)), cpio_magic))
		return err_set(e, -EBADMSG, "cpio: entry does not begin with %s", cpio_magic);
	header_read(&r, &entry, &name_bytes, &data_bytes);
	if (r.bad)
		return err_set(e, -EBADMSG, "cpio: damaged entry header");
	if (name_bytes < 2 || name_bytes > CPIO_NAME_MAX)
		return err_set(e, -EBADMSG, "cpio: name of %u bytes, want 2 to %d", name_bytes,
			       CPIO_NAME_MAX);
	entry.name = rd_str(&r, name_bytes);
	if (r.bad || str_find(entry.name, '\0') != (ptrdiff_t)name_bytes - 1)
		return err_set(e, -EBADMSG, "cpio: name of %u bytes does not end with NUL",
			       name_bytes);
	entry.name.n--;
	padding_skip(&r);
	entry.data = rd_str(&r, data_bytes);
	padding_skip(&r);
	if (r.bad)
		return err_set(e, -EBADMSG, "cpio: '%.*s': archive ends inside the entry",
			       STR_FMT(entry.name));
	*archive = str_from(*archive, r.pos);
	if (str_eqz(entry.name, cpio_trailer))
		return 0;
	*ret = entry;
	return 1;
}
