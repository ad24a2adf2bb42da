/* SPDX-License-Identifier: MIT */
#include "agent/common/disks.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/uuid.h"
#include "disk/gpt.h"

/* sysfs counts in these whatever the disk's own sector is. */
enum { SYSFS_SECTOR_BYTES = 512, ATTRIBUTE_BYTES_MAX = 4096 };

/* A number from DIR/NAME; false when it is not there or not a number. */
static bool attribute_u64(struct arena *a, const char *dir, const char *name, uint64_t *ret)
{
	struct err ignored;
	struct str text;

	return file_read(a, path_join(a, dir, name), ATTRIBUTE_BYTES_MAX, &text, &ignored) == 0 &&
	       str_u64(str_trim(text), INT64_MAX / SYSFS_SECTOR_BYTES, ret);
}

static int node_read(void *arg, uint64_t offset, uint8_t *to, size_t n, struct err *e)
{
	ssize_t got = pread(*(int *)arg, to, n, (off_t)offset);

	if (got < 0)
		return err_sys(e, "read");
	if ((size_t)got < n)
		return err_set(e, -EIO, "read: it ends after %llu bytes",
			       (unsigned long long)offset + (size_t)got);
	return 0;
}

/* Kernels before 6.13 do not tell a partition's UUID in sysfs, so the table is read again. */
static int table_read(struct arena *a, const char *node, const struct disk *disk,
		      uint32_t sector_bytes, struct gpt *ret, struct str *ret_damage, struct err *e)
{
	_cleanup_close_ int fd = open(node, O_RDONLY | O_CLOEXEC);
	const struct gpt_disk source = { disk->size_bytes, sector_bytes, node_read, &fd };

	return fd < 0 ? err_sys(e, "open") : gpt_scan(a, &source, ret, ret_damage, e);
}

/* Fills in what sysfs knows of the partition at @dir; false when it is not the one that the table
 * means. */
static bool partition_match(struct arena *a, const char *dir, const struct gpt *table,
			    uint32_t sector_bytes, struct disk_partition *part)
{
	uint64_t number, start, size;
	struct err ignored;
	struct str devno;

	if (!attribute_u64(a, dir, "partition", &number) ||
	    !attribute_u64(a, dir, "start", &start) || !attribute_u64(a, dir, "size", &size) ||
	    file_read(a, path_join(a, dir, "dev"), ATTRIBUTE_BYTES_MAX, &devno, &ignored) < 0)
		return false;
	for (size_t i = 0; i < table->n_partitions; i++) {
		const struct gpt_partition *p = &table->partitions[i];

		/* The first comparison keeps the product below 64 bits. */
		if (p->number != number || p->start_lba > start ||
		    p->start_lba * (sector_bytes / SYSFS_SECTOR_BYTES) != start)
			continue;
		memcpy(part->type, p->type, sizeof(part->type));
		memcpy(part->uuid, p->uuid, sizeof(part->uuid));
		part->devno = str_trim(devno);
		part->size_bytes = size * SYSFS_SECTOR_BYTES;
		return true;
	}
	return false;
}

static int partitions_scan(struct arena *a, const char *dir, const char *dev, struct disk *disk,
			   struct err *e)
{
	uint64_t sector_bytes = SYSFS_SECTOR_BYTES;
	struct gpt table;
	vec_str names;
	int r;

	(void)attribute_u64(a, dir, "queue/logical_block_size", &sector_bytes);
	r = table_read(a, path_join(a, dev, str_z(a, disk->name)), disk, (uint32_t)sector_bytes,
		       &table, &disk->problem, e);
	if (r < 0)
		return r;
	r = dir_list(a, dir, &names, e);
	if (r < 0)
		return r;
	vec_each(name, &names) {
		struct disk_partition part = { .name = *name };

		if (partition_match(a, path_join(a, dir, str_z(a, *name)), &table,
				    (uint32_t)sector_bytes, &part))
			vec_push(a, &disk->parts) = part;
	}
	return 0;
}

int disks_scan(struct arena *a, const char *sys, const char *dev, vec_disk *ret, struct err *e)
{
	const char *block = path_join(a, sys, "block");
	vec_disk disks = { 0 };
	vec_str names;
	int r;

	r = dir_list(a, block, &names, e);
	if (r < 0)
		return r;
	vec_each(name, &names) {
		const char *dir = path_join(a, block, str_z(a, *name));
		struct disk disk = { .name = *name };
		struct err why;
		uint64_t size;

		if (!attribute_u64(a, dir, "size", &size) || size == 0)
			continue;
		disk.size_bytes = size * SYSFS_SECTOR_BYTES;
		if (partitions_scan(a, dir, dev, &disk, &why) < 0)
			disk.problem = str_dup(a, str_c(why.msg));
		vec_push(a, &disks) = disk;
	}
	*ret = disks;
	return 0;
}

const struct disk_partition *disk_partition_find(const struct disk *disk, const uint8_t uuid[16])
{
	vec_each(part, &disk->parts)
		if (!memcmp(part->uuid, uuid, 16))
			return part;
	return NULL;
}

const struct disk *disks_find(const vec_disk *disks, const uint8_t root[16],
			      const uint8_t verity[16])
{
	vec_each(disk, disks)
		if (disk_partition_find(disk, root) && disk_partition_find(disk, verity))
			return disk;
	return NULL;
}

struct disk disk_dup(struct arena *a, const struct disk *disk)
{
	struct disk copy = { .name = str_dup(a, disk->name),
			     .size_bytes = disk->size_bytes,
			     .problem = str_dup(a, disk->problem) };

	vec_each(part, &disk->parts) {
		struct disk_partition *p = &vec_push(a, &copy.parts);

		*p = *part;
		p->name = str_dup(a, part->name);
		p->devno = str_dup(a, part->devno);
	}
	return copy;
}

struct str disks_text(struct arena *a, const vec_disk *disks)
{
	struct buf b = { .a = a };

	vec_each(disk, disks) {
		buf_printf(&b, "%s%.*s (%llu MiB):", disk == disks->p ? "" : "; ",
			   STR_FMT(disk->name), (unsigned long long)(disk->size_bytes >> 20));
		if (disk->parts.n == 0)
			buf_printf(&b, " %.*s",
				   STR_FMT(disk->problem.n > 0 ? disk->problem
							       : STR("no partitions")));
		vec_each(part, &disk->parts)
			buf_printf(&b, "%s %.*s %.*s", part == disk->parts.p ? "" : ",",
				   STR_FMT(part->name), STR_FMT(uuid_text(a, part->uuid)));
	}
	if (disks->n == 0)
		return STR("no disk at all");
	return (struct str){ (const char *)b.v.p, b.v.n };
}
