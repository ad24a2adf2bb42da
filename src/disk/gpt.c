/* SPDX-License-Identifier: MIT */
#include "disk/gpt.h"

#include <endian.h>

#include "base/uuid.h"
#include "disk/crc32.h"
#include "disk/gpt_format.h"

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

int gpt_table_check(const struct gpt *t, struct err *e)
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

static void header_put(struct buf *b, const struct gpt_header *h)
{
	size_t start = b->v.n;
	uint8_t uuid[16];
	uint32_t sum;

	buf_put(b, GPT_SIGNATURE, SIGNATURE_BYTES);
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
	sum = htole32(crc32_of(b->v.p + start, HEADER_BYTES));
	memcpy(b->v.p + start + HEADER_CRC_OFFSET, &sum, sizeof(sum));
	buf_align(b, GPT_SECTOR_BYTES);
}

int gpt_write(struct arena *a, const struct gpt *in, struct str *ret_primary,
	      struct str *ret_backup, struct err *e)
{
	struct buf entries = { .a = a }, primary = { .a = a }, backup = { .a = a };
	struct gpt_header h = { .my_lba = 1,
				.other_lba = in->disk_lba - 1,
				.first_lba = PRIMARY_LBA,
				.last_lba = in->disk_lba - BACKUP_LBA - 1,
				.entries_lba = 2 };
	int r = gpt_table_check(in, e);

	if (r < 0)
		return err_wrap(e, r, "partition table");
	for (size_t i = 0; i < in->n_partitions; i++)
		entry_put(&entries, &in->partitions[i]);
	buf_zero(&entries, ENTRIES_BYTES - entries.v.n);
	h.entries_crc = crc32_of(entries.v.p, entries.v.n);
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
