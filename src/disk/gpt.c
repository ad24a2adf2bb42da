/* SPDX-License-Identifier: MIT */
#include "disk/gpt.h"

#include <zlib.h>

#include "base/rd.h"
#include "base/uuid.h"

/* UEFI 2.10, 5.2.3 (protective MBR), 5.3.2 (header), 5.3.3 (entries). */
enum {
	MBR_ENTRY_OFFSET = 446,
	MBR_TYPE_OFFSET = MBR_ENTRY_OFFSET + 4,
	MBR_TYPE_PROTECTIVE = 0xee,
	MBR_SIGNATURE_OFFSET = 510,
	MBR_SIGNATURE = 0xaa55,
	SIGNATURE_BYTES = 8,
	HEADER_BYTES = 92,
	HEADER_CRC_OFFSET = 16,
	HEADER_REVISION = 0x00010000,
	ENTRY_BYTES = 128,
	ENTRIES_BYTES = GPT_ENTRIES_MAX * ENTRY_BYTES,
	ENTRIES_LBA = ENTRIES_BYTES / GPT_SECTOR_BYTES,
	LABEL_CHARS_MAX = 36,
	PRIMARY_LBA = 2 + ENTRIES_LBA, /* what stands before the first usable sector */
	BACKUP_LBA = ENTRIES_LBA + 1,  /* what stands behind the last */
};

static const char signature[] = "EFI PART";

/* What a header says, numbers as the machine has them. */
struct header {
	uint64_t my_lba, other_lba, first_lba, last_lba, entries_lba;
	uint8_t disk_uuid[16];
	uint32_t entries_crc;
};

static uint32_t crc(const void *p, size_t n)
{
	return (uint32_t)crc32_z(0, p, n);
}

static bool uuid_is_zero(const uint8_t uuid[16])
{
	static const uint8_t zero[16];

	return memcmp(uuid, zero, 16) == 0;
}

static int partition_check(const struct gpt_partition *p, size_t number, uint64_t disk_lba,
			   struct err *e)
{
	uint64_t end = disk_lba - BACKUP_LBA;

	if (uuid_is_zero(p->type) || uuid_is_zero(p->uuid))
		return err_set(e, -EINVAL, "partition %zu: has no type or no UUID", number);
	if (p->size_lba == 0)
		return err_set(e, -EINVAL, "partition %zu: is empty", number);
	if (p->start_lba < PRIMARY_LBA || p->start_lba > end || p->size_lba > end - p->start_lba)
		return err_set(
			e, -EINVAL,
			"partition %zu: %llu sectors from %llu do not stand between sectors %d and %llu",
			number, (unsigned long long)p->size_lba, (unsigned long long)p->start_lba,
			PRIMARY_LBA, (unsigned long long)end);
	if (p->label.n > LABEL_CHARS_MAX)
		return err_set(e, -EINVAL,
			       "partition %zu: label '%.*s' is longer than %d characters", number,
			       STR_FMT(p->label), LABEL_CHARS_MAX);
	for (size_t i = 0; i < p->label.n; i++)
		if (p->label.p[i] < ' ' || p->label.p[i] > '~')
			return err_set(e, -EINVAL, "partition %zu: label is not printable ASCII",
				       number);
	return 0;
}

static int pair_check(const struct gpt_partition *p, size_t i, size_t k, struct err *e)
{
	if (p[i].start_lba < p[k].start_lba + p[k].size_lba &&
	    p[k].start_lba < p[i].start_lba + p[i].size_lba)
		return err_set(e, -EINVAL, "partitions %zu and %zu overlap", k + 1, i + 1);
	if (memcmp(p[i].uuid, p[k].uuid, 16) == 0)
		return err_set(e, -EINVAL, "partitions %zu and %zu have the same UUID", k + 1,
			       i + 1);
	return 0;
}

/* What both the writer and the reader demand of a table. */
static int table_check(const struct gpt *t, struct err *e)
{
	int r;

	if (t->disk_lba <= PRIMARY_LBA + BACKUP_LBA)
		return err_set(e, -EINVAL,
			       "a disk of %llu sectors has no room for a partition table",
			       (unsigned long long)t->disk_lba);
	if (t->n_partitions > GPT_ENTRIES_MAX)
		return err_set(e, -EINVAL, "%zu partitions, at most %d fit", t->n_partitions,
			       GPT_ENTRIES_MAX);
	for (size_t i = 0; i < t->n_partitions; i++) {
		r = partition_check(&t->partitions[i], i + 1, t->disk_lba, e);
		for (size_t k = 0; r == 0 && k < i; k++)
			r = pair_check(t->partitions, i, k, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static void mbr_put(struct buf *b, uint64_t disk_lba)
{
	static const uint8_t first_chs[3] = { 0x00, 0x02, 0x00 },
			     last_chs[3] = { 0xff, 0xff, 0xff };
	uint64_t size = disk_lba - 1;

	buf_zero(b, MBR_ENTRY_OFFSET);
	buf_u8(b, 0);
	buf_put(b, first_chs, sizeof(first_chs));
	buf_u8(b, MBR_TYPE_PROTECTIVE);
	buf_put(b, last_chs, sizeof(last_chs));
	buf_le32(b, 1);
	buf_le32(b, size > UINT32_MAX ? UINT32_MAX : (uint32_t)size);
	buf_zero(b, MBR_SIGNATURE_OFFSET - b->v.n);
	buf_le16(b, MBR_SIGNATURE);
}

static void entry_put(struct buf *b, const struct gpt_partition *p)
{
	uint8_t uuid[16];

	uuid_swap(p->type, uuid);
	buf_put(b, uuid, sizeof(uuid));
	uuid_swap(p->uuid, uuid);
	buf_put(b, uuid, sizeof(uuid));
	buf_le64(b, p->start_lba);
	buf_le64(b, p->start_lba + p->size_lba - 1);
	buf_le64(b, p->attributes);
	for (size_t i = 0; i < LABEL_CHARS_MAX; i++)
		buf_le16(b, i < p->label.n ? (uint8_t)p->label.p[i] : 0);
}

static void header_put(struct buf *b, const struct header *h)
{
	size_t start = b->v.n;
	uint8_t uuid[16];
	uint32_t sum;

	buf_put(b, signature, SIGNATURE_BYTES);
	buf_le32(b, HEADER_REVISION);
	buf_le32(b, HEADER_BYTES);
	buf_le32(b, 0); /* CRC, below */
	buf_le32(b, 0);
	buf_le64(b, h->my_lba);
	buf_le64(b, h->other_lba);
	buf_le64(b, h->first_lba);
	buf_le64(b, h->last_lba);
	uuid_swap(h->disk_uuid, uuid);
	buf_put(b, uuid, sizeof(uuid));
	buf_le64(b, h->entries_lba);
	buf_le32(b, GPT_ENTRIES_MAX);
	buf_le32(b, ENTRY_BYTES);
	buf_le32(b, h->entries_crc);
	sum = htole32(crc(b->v.p + start, HEADER_BYTES));
	memcpy(b->v.p + start + HEADER_CRC_OFFSET, &sum, sizeof(sum));
	buf_align(b, GPT_SECTOR_BYTES);
}

int gpt_write(struct arena *a, const struct gpt *in, struct str *ret_primary,
	      struct str *ret_backup, struct err *e)
{
	struct buf entries = { .a = a }, primary = { .a = a }, backup = { .a = a };
	struct header h = { .my_lba = 1,
			    .other_lba = in->disk_lba - 1,
			    .first_lba = PRIMARY_LBA,
			    .last_lba = in->disk_lba - BACKUP_LBA - 1,
			    .entries_lba = 2 };
	int r = table_check(in, e);

	if (r < 0)
		return err_wrap(e, r, "partition table");
	for (size_t i = 0; i < in->n_partitions; i++)
		entry_put(&entries, &in->partitions[i]);
	buf_zero(&entries, ENTRIES_BYTES - entries.v.n);
	h.entries_crc = crc(entries.v.p, entries.v.n);
	memcpy(h.disk_uuid, in->disk_uuid, sizeof(h.disk_uuid));

	mbr_put(&primary, in->disk_lba);
	header_put(&primary, &h);
	buf_put(&primary, entries.v.p, entries.v.n);

	h.my_lba = in->disk_lba - 1;
	h.other_lba = 1;
	h.entries_lba = h.my_lba - ENTRIES_LBA;
	buf_put(&backup, entries.v.p, entries.v.n);
	header_put(&backup, &h);

	*ret_primary = (struct str){ (const char *)primary.v.p, primary.v.n };
	*ret_backup = (struct str){ (const char *)backup.v.p, backup.v.n };
	return 0;
}

static int mbr_check(const uint8_t *disk, struct err *e)
{
	struct rd r = { disk, GPT_SECTOR_BYTES, MBR_SIGNATURE_OFFSET, false };

	if (rd_le16(&r) != MBR_SIGNATURE || disk[MBR_TYPE_OFFSET] != MBR_TYPE_PROTECTIVE)
		return err_set(e, -EBADMSG, "no protective MBR");
	return 0;
}

/* The CRC is taken with its own field zeroed. */
static uint32_t header_crc(const uint8_t *sector)
{
	uint8_t copy[HEADER_BYTES];

	memcpy(copy, sector, sizeof(copy));
	memset(copy + HEADER_CRC_OFFSET, 0, sizeof(uint32_t));
	return crc(copy, sizeof(copy));
}

/* @r stands behind the CRC and the reserved word. */
static void header_fields(struct rd *r, struct header *ret, uint32_t *ret_n,
			  uint32_t *ret_entry_bytes)
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
	*ret_n = rd_le32(r);
	*ret_entry_bytes = rd_le32(r);
	ret->entries_crc = rd_le32(r);
}

/* Reads the header in sector @lba of @disk_lba sectors, and checks it and its entries. */
static int header_read(const uint8_t *disk, uint64_t disk_lba, uint64_t lba, struct header *ret,
		       struct err *e)
{
	struct rd r = { disk + lba * GPT_SECTOR_BYTES, GPT_SECTOR_BYTES, 0, false };
	uint64_t entries_lba = lba == 1 ? 2 : lba - ENTRIES_LBA,
		 other_lba = lba == 1 ? disk_lba - 1 : 1;
	const uint8_t *magic = rd_bytes(&r, SIGNATURE_BYTES);
	uint32_t revision = rd_le32(&r), bytes = rd_le32(&r), sum = rd_le32(&r), n, entry_bytes;

	rd_le32(&r);
	header_fields(&r, ret, &n, &entry_bytes);
	if (!magic || memcmp(magic, signature, SIGNATURE_BYTES) != 0)
		return err_set(e, -EBADMSG, "no signature 'EFI PART' in sector %llu",
			       (unsigned long long)lba);
	if (revision != HEADER_REVISION || bytes != HEADER_BYTES || n != GPT_ENTRIES_MAX ||
	    entry_bytes != ENTRY_BYTES)
		return err_set(
			e, -EBADMSG,
			"header has an unusual shape (revision %x, %u bytes, %u entries of %u bytes)",
			revision, bytes, n, entry_bytes);
	if (header_crc(r.p) != sum)
		return err_set(e, -EBADMSG, "header does not match its CRC");
	if (ret->my_lba != lba || ret->other_lba != other_lba || ret->entries_lba != entries_lba ||
	    ret->first_lba < PRIMARY_LBA || ret->last_lba > disk_lba - BACKUP_LBA - 1)
		return err_set(e, -EBADMSG, "header does not fit a disk of %llu sectors",
			       (unsigned long long)disk_lba);
	if (crc(disk + entries_lba * GPT_SECTOR_BYTES, ENTRIES_BYTES) != ret->entries_crc)
		return err_set(e, -EBADMSG, "entries do not match their CRC");
	return 0;
}

/* UTF-16 to ASCII; what is not ASCII becomes a byte that table_check() refuses. */
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
	const uint8_t *uuids = rd_bytes(r, 32);
	uint64_t last_lba;

	ret->start_lba = rd_le64(r);
	last_lba = rd_le64(r);
	/* An end before the start gives size 0, which table_check() refuses. */
	ret->size_lba = last_lba >= ret->start_lba && last_lba < UINT64_MAX
				? last_lba - ret->start_lba + 1
				: 0;
	ret->attributes = rd_le64(r);
	ret->label = label_read(a, r);
	if (!uuids)
		return false;
	uuid_swap(uuids, ret->type);
	uuid_swap(uuids + 16, ret->uuid);
	return !uuid_is_zero(ret->type);
}

static void entries_read(struct arena *a, const uint8_t *entries, struct gpt *ret)
{
	struct gpt_partition *partitions = arena_array(a, GPT_ENTRIES_MAX, sizeof(*partitions));
	struct rd r = { entries, ENTRIES_BYTES, 0, false };

	for (size_t i = 0; i < GPT_ENTRIES_MAX; i++)
		if (entry_read(a, &r, &partitions[ret->n_partitions]))
			ret->n_partitions++;
	ret->partitions = partitions;
}

int gpt_read(struct arena *a, const uint8_t *disk, size_t n, struct gpt *ret, struct err *e)
{
	struct gpt t = { .disk_lba = n / GPT_SECTOR_BYTES };
	struct header primary = { 0 }, backup = { 0 };
	int r;

	if (n % GPT_SECTOR_BYTES != 0 || t.disk_lba <= PRIMARY_LBA + BACKUP_LBA)
		return err_set(e, -EBADMSG, "partition table: a disk of %zu bytes cannot have one",
			       n);
	r = mbr_check(disk, e);
	if (r < 0)
		return err_wrap(e, r, "partition table");
	r = header_read(disk, t.disk_lba, 1, &primary, e);
	if (r < 0)
		return err_wrap(e, r, "primary partition table");
	r = header_read(disk, t.disk_lba, t.disk_lba - 1, &backup, e);
	if (r < 0)
		return err_wrap(e, r, "backup partition table");
	if (memcmp(primary.disk_uuid, backup.disk_uuid, 16) != 0 ||
	    primary.entries_crc != backup.entries_crc || primary.first_lba != backup.first_lba ||
	    primary.last_lba != backup.last_lba)
		return err_set(e, -EBADMSG, "partition table: primary and backup differ");
	memcpy(t.disk_uuid, primary.disk_uuid, sizeof(t.disk_uuid));
	entries_read(a, disk + primary.entries_lba * GPT_SECTOR_BYTES, &t);
	r = table_check(&t, e);
	if (r < 0)
		return err_wrap(e, -EBADMSG, "partition table");
	*ret = t;
	return 0;
}
