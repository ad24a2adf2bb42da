/* SPDX-License-Identifier: MIT */
#include "artifact/layout.h"
#include "base/uuid.h"

#include "disk/verity.h"

enum { GRAIN_BYTES = 4096, BACKUP_BYTES = 33 * GPT_SECTOR_BYTES };

#define READ_ONLY (1ull << 60) /* Discoverable Partitions Specification */

static const struct {
	enum gpt_type type;
	const char *label; /* the version follows */
	uint64_t attributes;
} kinds[IMAGE_PARTITIONS] = {
	[PARTITION_ESP] = { GPT_TYPE_ESP, "esp", 0 },
	[PARTITION_ROOT] = { GPT_TYPE_ROOT, "root-", READ_ONLY },
	[PARTITION_VERITY] = { GPT_TYPE_ROOT_VERITY, "verity-", READ_ONLY },
	[PARTITION_VERITY_SIG] = { GPT_TYPE_ROOT_VERITY_SIG, "verity-sig-", READ_ONLY },
};

static void uuids_fill(struct image_layout *l, const uint8_t root_hash[SHA256_BYTES])
{
	uuid_derive("disk", root_hash, SHA256_BYTES, l->disk_uuid);
	uuid_derive("ESP", root_hash, SHA256_BYTES, l->partitions[PARTITION_ESP].uuid);
	verity_partition_uuids(root_hash, l->partitions[PARTITION_ROOT].uuid,
			       l->partitions[PARTITION_VERITY].uuid);
	uuid_derive("verity signature", root_hash, SHA256_BYTES,
		    l->partitions[PARTITION_VERITY_SIG].uuid);
}

static int tables_write(struct arena *a, struct image_layout *l, struct err *e)
{
	struct gpt gpt = { .disk_lba = l->size_bytes / GPT_SECTOR_BYTES,
			   .partitions = l->partitions,
			   .n_partitions = IMAGE_PARTITIONS };

	memcpy(gpt.disk_uuid, l->disk_uuid, sizeof(gpt.disk_uuid));
	return gpt_write(a, &gpt, &l->primary, &l->backup, e);
}

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

int image_layout(struct arena *a, const struct arch *arch, struct str version,
		 const uint8_t root_hash[SHA256_BYTES], const uint64_t sizes[IMAGE_PARTITIONS],
		 struct image_layout *ret, struct err *e)
{
	struct image_layout l = { 0 };
	uint64_t at = GPT_ALIGN_BYTES;
	int r;

	uuids_fill(&l, root_hash);
	for (size_t i = 0; i < IMAGE_PARTITIONS; i++) {
		struct gpt_partition *p = &l.partitions[i];

		gpt_type_uuid(kinds[i].type, arch, p->type);
		p->label = str_c(kinds[i].label);
		if (i != PARTITION_ESP)
			p->label = str_cat(a, p->label, version);
		p->attributes = kinds[i].attributes;
		p->start_lba = at / GPT_SECTOR_BYTES;
		p->size_lba = sizes[i] / GPT_SECTOR_BYTES;
		at = round_up(at + sizes[i], GRAIN_BYTES);
	}
	/* the backup table in the last 33 sectors */
	l.size_bytes = round_up(at + BACKUP_BYTES, GPT_ALIGN_BYTES);
	r = tables_write(a, &l, e);
	if (r == 0)
		*ret = l;
	return r;
}
