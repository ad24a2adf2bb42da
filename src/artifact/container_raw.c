/* SPDX-License-Identifier: MIT */
#include "artifact/boot.h"
#include "artifact/container.h"
#include "artifact/layout.h"

/* The partition tables at both ends, partitions where the layout says, zeroes between. */
static void disk_lay(struct arena *a, const struct image_layout *l,
		     const struct segments *contents[IMAGE_PARTITIONS], struct segments *ret)
{
	segments_add(a, ret, l->primary.p, l->primary.n);
	for (size_t i = 0; i < IMAGE_PARTITIONS; i++) {
		uint64_t start = l->partitions[i].start_lba * GPT_SECTOR_BYTES;

		segments_zero(a, ret, start - ret->size_bytes);
		segments_append(a, ret, contents[i]);
	}
	segments_zero(a, ret, l->size_bytes - l->backup.n - ret->size_bytes);
	segments_add(a, ret, l->backup.p, l->backup.n);
}

static int raw_lay(struct arena *a, const struct payload *p, struct laid *ret, struct err *e)
{
	struct image_layout *l = arena_new(a, struct image_layout);
	struct segments esp = { 0 };
	const struct segments *contents[IMAGE_PARTITIONS] = {
		[PARTITION_ESP] = &esp,
		[PARTITION_ROOT] = &p->root,
		[PARTITION_VERITY] = &p->verity,
		[PARTITION_VERITY_SIG] = &p->verity_sig,
	};
	struct laid laid = { .n_partitions = IMAGE_PARTITIONS };
	uint64_t sizes[IMAGE_PARTITIONS];
	int r = boot_esp(a, p, &esp, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < IMAGE_PARTITIONS; i++)
		sizes[i] = contents[i]->size_bytes;
	r = image_layout(a, p->arch, p->version, p->root_hash, sizes, l, e);
	if (r < 0)
		return r;
	disk_lay(a, l, contents, &laid.bytes);
	laid.stored_bytes = segments_stored(&laid.bytes);
	memcpy(laid.disk_uuid, l->disk_uuid, sizeof(laid.disk_uuid));
	laid.partitions = l->partitions;
	*ret = laid;
	return 0;
}

const struct container container_raw = { .name = "raw", .suffix = ".raw", .lay = raw_lay };
