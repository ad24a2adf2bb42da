/* SPDX-License-Identifier: MIT */
#include "agent/common/partitions.h"

#include "base/rd.h"

enum { ENTRY_BYTES_MIN = 128, ENTRY_BYTES_MAX = 4096 };

struct header {
	uint64_t entries_lba;
	uint32_t n_entries, entry_bytes;
};

static int header_parse(struct rd *r, struct header *ret, struct err *e)
{
	struct header h = { 0 };

	if (!str_eqz(rd_str(r, 8), "EFI PART"))
		return err_set(e, -EBADMSG, "no GUID partition table");
	(void)rd_bytes(r, 64); /* up to PartitionEntryLBA */
	h.entries_lba = rd_le64(r);
	h.n_entries = rd_le32(r);
	h.entry_bytes = rd_le32(r);
	if (r->bad || h.entry_bytes < ENTRY_BYTES_MIN || h.entry_bytes > ENTRY_BYTES_MAX ||
	    h.n_entries > PARTITIONS_MAX)
		return err_set(e, -EBADMSG, "the partition table has %u entries of %u bytes",
			       h.n_entries, h.entry_bytes);
	*ret = h;
	return 0;
}

/* GPT keeps the first three fields of a UUID little-endian (UEFI 2.10, appendix A). */
static void uuid_from_gpt(const uint8_t *p, uint8_t ret[16])
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (size_t i = 0; i < 16; i++)
		ret[i] = p[order[i]];
}

int partitions_parse(struct arena *a, const uint8_t *disk, size_t n, uint32_t sector_bytes,
		     vec_partition *ret, struct err *e)
{
	static const uint8_t unused[16];
	struct rd r = { disk, n, 0, false };
	vec_partition v = { 0 };
	struct header h = { 0 };
	int err;

	rd_seek(&r, sector_bytes);
	err = header_parse(&r, &h, e);
	if (err < 0)
		return err;
	for (uint32_t i = 0; i < h.n_entries; i++) {
		struct partition p = { .number = i + 1 };
		const uint8_t *entry;

		rd_seek(&r, h.entries_lba > n
				    ? UINT64_MAX
				    : h.entries_lba * sector_bytes + (uint64_t)i * h.entry_bytes);
		entry = rd_bytes(&r, ENTRY_BYTES_MIN);
		if (!entry)
			return err_set(e, -EBADMSG,
				       "the partition table is not within the first %zu bytes", n);
		if (!memcmp(entry, unused, sizeof(unused)))
			continue;
		uuid_from_gpt(entry, p.type);
		uuid_from_gpt(entry + 16, p.uuid);
		memcpy(&p.start_lba, entry + 32, sizeof(p.start_lba));
		p.start_lba = le64toh(p.start_lba);
		vec_push(a, &v) = p;
	}
	*ret = v;
	return 0;
}
