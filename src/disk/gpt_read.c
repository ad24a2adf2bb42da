/* SPDX-License-Identifier: MIT */
#include "base/rd.h"
#include "base/uuid.h"
#include "disk/crc32.h"
#include "disk/gpt.h"
#include "disk/gpt_format.h"

/* Of tables that others wrote; kernels make no more devices than this many. */
enum { ENTRY_BYTES_MAX = 4096, ENTRIES_MAX = 256, SECTOR_BYTES_MAX = 32768 };

struct reader {
	struct arena *a;
	const struct gpt_disk *disk;
	uint64_t disk_lba;
};

static int lba_read(const struct reader *r, uint64_t lba, size_t n, const uint8_t **ret,
		    struct err *e)
{
	const struct gpt_disk *d = r->disk;
	uint8_t *bytes;
	int err;

	if (lba >= r->disk_lba || n > d->size_bytes - lba * d->sector_bytes)
		return err_set(e, -EBADMSG, "is not within the disk's %llu sectors",
			       (unsigned long long)r->disk_lba);
	bytes = arena_alloc(r->a, n);
	err = d->read(d->arg, lba * d->sector_bytes, bytes, n, e);
	*ret = bytes;
	return err;
}

/* The CRC is taken with its own field zeroed. */
static uint32_t header_crc(struct arena *a, const uint8_t *sector, size_t n)
{
	uint8_t *copy = arena_copy(a, sector, n);

	memset(copy + HEADER_CRC_OFFSET, 0, sizeof(uint32_t));
	return crc32_of(copy, n);
}

/* @r stands behind the CRC and the reserved word. */
static void header_fields(struct rd *r, struct gpt_header *ret)
{
	const uint8_t *uuid;

	ret->my_lba = rd_le64(r);
	ret->other_lba = rd_le64(r);
	ret->first_lba = rd_le64(r);
	ret->last_lba = rd_le64(r);
	uuid = rd_bytes(r, sizeof(ret->disk_uuid));
	if (uuid)
		uuid_swap(uuid, ret->disk_uuid);
	ret->entries_lba = rd_le64(r);
	ret->n_entries = rd_le32(r);
	ret->entry_bytes = rd_le32(r);
	ret->entries_crc = rd_le32(r);
}

static int header_parse(const struct reader *r, const uint8_t *sector, uint64_t lba,
			struct gpt_header *ret, struct err *e)
{
	struct rd rd = { sector, r->disk->sector_bytes, 0, false };
	bool signed_so = str_eqz(rd_str(&rd, SIGNATURE_BYTES), GPT_SIGNATURE);
	struct gpt_header h = { .revision = rd_le32(&rd), .header_bytes = rd_le32(&rd) };
	uint32_t sum = rd_le32(&rd);

	(void)rd_le32(&rd);
	header_fields(&rd, &h);
	if (!signed_so)
		return err_set(e, -ENODATA, "no signature '" GPT_SIGNATURE "' in sector %llu",
			       (unsigned long long)lba);
	if (h.header_bytes < HEADER_BYTES || h.header_bytes > r->disk->sector_bytes)
		return err_set(e, -EBADMSG, "header has %u bytes", h.header_bytes);
	if (header_crc(r->a, sector, h.header_bytes) != sum)
		return err_set(e, -EBADMSG, "header does not match its CRC");
	if (h.my_lba != lba)
		return err_set(e, -EBADMSG, "header belongs into sector %llu, not %llu",
			       (unsigned long long)h.my_lba, (unsigned long long)lba);
	if (h.entry_bytes < ENTRY_BYTES || h.entry_bytes > ENTRY_BYTES_MAX ||
	    h.n_entries > ENTRIES_MAX)
		return err_set(e, -EBADMSG, "header has %u entries of %u bytes", h.n_entries,
			       h.entry_bytes);
	*ret = h;
	return 0;
}

/* The header in sector @lba and the bytes of its entries, both of which match their CRCs. */
static int table_read(const struct reader *r, uint64_t lba, struct gpt_header *ret,
		      struct str *ret_entries, struct err *e)
{
	const uint8_t *sector, *entries;
	struct gpt_header h;
	size_t n;
	int err;

	err = lba_read(r, lba, r->disk->sector_bytes, &sector, e);
	if (err == 0)
		err = header_parse(r, sector, lba, &h, e);
	if (err < 0)
		return err;
	n = (size_t)h.n_entries * h.entry_bytes;
	err = lba_read(r, h.entries_lba, n, &entries, e);
	if (err < 0)
		return err_wrap(e, err, "list of partitions");
	if (crc32_of(entries, n) != h.entries_crc)
		return err_set(e, -EBADMSG, "entries do not match their CRC");
	*ret = h;
	*ret_entries = (struct str){ (const char *)entries, n };
	return 0;
}

/* UTF-16 to ASCII; what is not ASCII becomes a byte that gpt_table_check() refuses. */
static struct str label_read(struct arena *a, struct rd *r)
{
	char *label = arena_alloc(a, LABEL_CHARS_MAX);
	size_t n = 0;
	bool end = false;

	for (size_t i = 0; i < LABEL_CHARS_MAX; i++) {
		uint16_t c = rd_le16(r);

		end = end || c == 0;
		if (!end)
			label[n++] = c < 0x7f ? (char)c : 0x7f;
	}
	return (struct str){ label, n };
}

static bool entry_read(struct arena *a, struct rd *r, struct gpt_partition *ret)
{
	static const uint8_t unused[16];
	const uint8_t *uuids = rd_bytes(r, 32);
	uint64_t last_lba;

	ret->start_lba = rd_le64(r);
	last_lba = rd_le64(r);
	/* An end before the start gives size 0, which gpt_table_check() refuses. */
	ret->size_lba = last_lba >= ret->start_lba && last_lba < UINT64_MAX
				? last_lba - ret->start_lba + 1
				: 0;
	ret->attributes = rd_le64(r);
	ret->label = label_read(a, r);
	if (!uuids || !memcmp(uuids, unused, sizeof(unused)))
		return false;
	uuid_swap(uuids, ret->type);
	uuid_swap(uuids + 16, ret->uuid);
	return true;
}

static void entries_parse(struct arena *a, struct str entries, const struct gpt_header *h,
			  struct gpt *ret)
{
	struct gpt_partition *partitions = arena_array(a, h->n_entries, sizeof(*partitions));

	for (uint32_t i = 0; i < h->n_entries; i++) {
		struct rd r = { (const uint8_t *)entries.p + (size_t)i * h->entry_bytes,
				h->entry_bytes, 0, false };

		partitions[ret->n_partitions].number = i + 1;
		if (entry_read(a, &r, &partitions[ret->n_partitions]))
			ret->n_partitions++;
	}
	memcpy(ret->disk_uuid, h->disk_uuid, sizeof(ret->disk_uuid));
	ret->partitions = partitions;
}

static int mbr_check(const uint8_t *disk, struct err *e)
{
	struct rd r = { disk, GPT_SECTOR_BYTES, MBR_SIGNATURE_OFFSET, false };

	if (rd_le16(&r) != MBR_SIGNATURE || disk[MBR_TYPE_OFFSET] != MBR_TYPE_PROTECTIVE)
		return err_set(e, -EBADMSG, "no protective MBR");
	return 0;
}

/* A table of our own is of one shape, and where gpt_write() puts it. */
static int own_check(const struct gpt_header *h, uint64_t disk_lba, struct err *e)
{
	bool primary = h->my_lba == 1;
	uint64_t entries_lba = primary ? 2 : h->my_lba - ENTRIES_LBA,
		 other_lba = primary ? disk_lba - 1 : 1;

	if (h->revision != HEADER_REVISION || h->header_bytes != HEADER_BYTES ||
	    h->n_entries != GPT_ENTRIES_MAX || h->entry_bytes != ENTRY_BYTES)
		return err_set(
			e, -EBADMSG,
			"header has an unusual shape (revision %x, %u bytes, %u entries of %u bytes)",
			h->revision, h->header_bytes, h->n_entries, h->entry_bytes);
	if (h->other_lba != other_lba || h->entries_lba != entries_lba ||
	    h->first_lba < PRIMARY_LBA || h->last_lba > disk_lba - BACKUP_LBA - 1)
		return err_set(e, -EBADMSG, "header does not fit a disk of %llu sectors",
			       (unsigned long long)disk_lba);
	return 0;
}

static int own_read(const struct reader *r, uint64_t lba, struct gpt_header *ret,
		    struct str *ret_entries, struct err *e)
{
	int err = table_read(r, lba, ret, ret_entries, e);

	return err < 0 ? err : own_check(ret, r->disk_lba, e);
}

static int own_tables(const struct reader *r, struct gpt *t, struct err *e)
{
	struct gpt_header primary, backup;
	struct str entries, copy;
	int err;

	err = own_read(r, 1, &primary, &entries, e);
	if (err < 0)
		return err_wrap(e, -EBADMSG, "primary partition table");
	err = own_read(r, r->disk_lba - 1, &backup, &copy, e);
	if (err < 0)
		return err_wrap(e, -EBADMSG, "backup partition table");
	if (memcmp(primary.disk_uuid, backup.disk_uuid, 16) != 0 || !str_eq(entries, copy) ||
	    primary.first_lba != backup.first_lba || primary.last_lba != backup.last_lba)
		return err_set(e, -EBADMSG, "partition table: primary and backup differ");
	entries_parse(r->a, entries, &primary, t);
	err = gpt_table_check(t, e);
	return err < 0 ? err_wrap(e, -EBADMSG, "partition table") : 0;
}

static int memory_read(void *arg, uint64_t offset, uint8_t *to, size_t n, struct err *e)
{
	(void)e;
	memcpy(to, (const uint8_t *)arg + offset, n);
	return 0;
}

int gpt_read(struct arena *a, const uint8_t *disk, size_t n, struct gpt *ret, struct err *e)
{
	struct gpt_disk in_memory = { n, GPT_SECTOR_BYTES, memory_read, (void *)(uintptr_t)disk };
	struct gpt t = { .disk_lba = n / GPT_SECTOR_BYTES };
	struct reader r = { a, &in_memory, t.disk_lba };
	int err;

	if (n % GPT_SECTOR_BYTES != 0 || t.disk_lba <= PRIMARY_LBA + BACKUP_LBA)
		return err_set(e, -EBADMSG, "partition table: a disk of %zu bytes cannot have one",
			       n);
	err = mbr_check(disk, e);
	if (err < 0)
		return err_wrap(e, err, "partition table");
	err = own_tables(&r, &t, e);
	if (err == 0)
		*ret = t;
	return err;
}

/* Neither table is there: perhaps both are, for a disk with other sectors, as when an image was
 * written to one of 4096-byte sectors. */
static int no_table(const struct reader *r, struct err *e)
{
	struct gpt_disk other = *r->disk;
	struct reader as_other = { r->a, &other, r->disk->size_bytes / GPT_SECTOR_BYTES };
	struct gpt_header h;
	struct str entries;

	other.sector_bytes = GPT_SECTOR_BYTES;
	if (r->disk->sector_bytes != GPT_SECTOR_BYTES &&
	    table_read(&as_other, 1, &h, &entries, e) == 0)
		return err_set(e, -ENODATA,
			       "the partition table is for sectors of %d bytes, the disk's have %u",
			       GPT_SECTOR_BYTES, r->disk->sector_bytes);
	return err_set(e, -ENODATA, "no GUID partition table");
}

int gpt_scan(struct arena *a, const struct gpt_disk *disk, struct gpt *ret, struct str *ret_damage,
	     struct err *e)
{
	struct reader r = { a, disk, 0 };
	struct gpt t = { 0 };
	struct gpt_header h;
	struct str entries, damage = { 0 };
	struct err why;
	int err;

	if (disk->sector_bytes < GPT_SECTOR_BYTES || disk->sector_bytes > SECTOR_BYTES_MAX)
		return err_set(e, -EINVAL, "sectors of %u bytes", disk->sector_bytes);
	r.disk_lba = t.disk_lba = disk->size_bytes / disk->sector_bytes;
	err = table_read(&r, 1, &h, &entries, e);
	if (err < 0) {
		damage = str_printf(a, "primary partition table: %s", e->msg);
		if (r.disk_lba == 0 || table_read(&r, r.disk_lba - 1, &h, &entries, &why) < 0)
			return err == -ENODATA ? no_table(&r, e)
					       : err_wrap(e, err, "partition table");
	}
	entries_parse(a, entries, &h, &t);
	*ret = t;
	*ret_damage = damage;
	return 0;
}
