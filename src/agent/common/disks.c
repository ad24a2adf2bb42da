/* SPDX-License-Identifier: MIT */
#include "agent/common/disks.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/common/partitions.h"
#include "base/io.h"
#include "base/uuid.h"
#include "disk/gpt.h"

/* sysfs counts in these whatever the disk's own sector is. */
enum { SYSFS_SECTOR_BYTES = 512, ATTRIBUTE_BYTES_MAX = 4096, SECTOR_BYTES_MAX = 32768 };

/* A number from DIR/NAME; false when it is not there or not a number. */
static bool attribute_u64(struct arena *a, const char *dir, const char *name, uint64_t *ret)
{
	struct err ignored;
	struct str text;

	return file_read(a, path_join(a, dir, name), ATTRIBUTE_BYTES_MAX, &text, &ignored) == 0 &&
	       str_u64(str_trim(text), UINT64_MAX / SYSFS_SECTOR_BYTES, ret);
}

static int table_read(struct arena *a, const char *node, uint32_t sector_bytes, vec_partition *ret,
		      struct err *e)
{
	_cleanup_close_ int fd = open(node, O_RDONLY | O_CLOEXEC);
	uint8_t *start = arena_alloc(a, PARTITIONS_BYTES);
	ssize_t n;

	if (fd < 0)
		return err_sys(e, "open");
	n = pread(fd, start, PARTITIONS_BYTES, 0);
	if (n < 0)
		return err_sys(e, "read");
	return partitions_parse(a, start, (size_t)n, sector_bytes, ret, e);
}

/* Fills in what sysfs knows of the partition at @dir; false when it is not the one that the table
 * means. */
static bool partition_match(struct arena *a, const char *dir, const vec_partition *table,
			    uint32_t sector_bytes, struct disk_partition *part)
{
	uint64_t number, start, size;
	struct err ignored;
	struct str devno;

	if (!attribute_u64(a, dir, "partition", &number) ||
	    !attribute_u64(a, dir, "start", &start) || !attribute_u64(a, dir, "size", &size) ||
	    file_read(a, path_join(a, dir, "dev"), ATTRIBUTE_BYTES_MAX, &devno, &ignored) < 0)
		return false;
	vec_each(p, table) {
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
	vec_partition table;
	vec_str names;
	int r;

	(void)attribute_u64(a, dir, "queue/logical_block_size", &sector_bytes);
	if (sector_bytes < SYSFS_SECTOR_BYTES || sector_bytes > SECTOR_BYTES_MAX)
		return err_set(e, -EINVAL, "sectors of %llu bytes",
			       (unsigned long long)sector_bytes);
	r = table_read(a, path_join(a, dev, str_z(a, disk->name)), (uint32_t)sector_bytes, &table,
		       e);
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
