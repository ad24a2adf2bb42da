/* SPDX-License-Identifier: MIT */
#include "disk/fat.h"

#include <stdlib.h>
#include <time.h>

#include "base/rd.h"
#include "disk/fat_format.h"

enum { LONG_ENTRIES_MAX = 20, CLUSTER_SECTORS_MAX = 128 };

/* Long entries met before their short one. */
struct long_name {
	char text[LONG_ENTRIES_MAX * FAT_LONG_CHARS];
	size_t n;
	uint8_t left, sum; /* entries still to come; what ties them to the short name */
	bool pending;
};

struct dir {
	struct str path;
	uint32_t cluster;
};

struct reader {
	struct arena *a;
	const uint8_t *image;
	unsigned bits;
	uint32_t sectors, cluster_sectors, reserved_sectors, fat_sectors, root_entries, data_sector,
		clusters;
	uint32_t root_cluster;
	uint8_t *seen; /* a byte a cluster: it belongs to a chain already */
	VEC(struct dir) dirs;
	VEC(struct fat_file) files;
	struct fat_input out;
};

static const uint8_t *sector_at(const struct reader *f, uint32_t sector)
{
	return f->image + (size_t)sector * FAT_SECTOR_BYTES;
}

/* The serial number and all fields that both types have. Returns the FAT16 size of a table. */
static uint16_t boot_fields(struct reader *f, struct rd *r, uint16_t *ret_sector_bytes,
			    uint8_t *ret_tables)
{
	uint16_t small_sectors, small_tables;

	rd_seek(r, 11);
	*ret_sector_bytes = rd_le16(r);
	f->cluster_sectors = rd_u8(r);
	f->reserved_sectors = rd_le16(r);
	*ret_tables = rd_u8(r);
	f->root_entries = rd_le16(r);
	small_sectors = rd_le16(r);
	rd_u8(r);
	small_tables = rd_le16(r);
	rd_seek(r, 32);
	f->sectors = rd_le32(r);
	if (small_sectors > 0)
		f->sectors = small_sectors;
	f->fat_sectors = small_tables;
	if (small_tables == 0)
		f->fat_sectors = rd_le32(r);
	rd_seek(r, 44);
	f->root_cluster = rd_le32(r);
	rd_seek(r, small_tables == 0 ? 67 : 39);
	f->out.volume_id = rd_le32(r);
	return small_tables;
}

/* Where the areas are, and by the number of clusters which type it is (3.5). */
static int layout_check(struct reader *f, bool wide, struct err *e)
{
	uint64_t root = (uint64_t)f->root_entries * FAT_ENTRY_BYTES / FAT_SECTOR_BYTES;
	uint64_t data = f->reserved_sectors + (uint64_t)FAT_COPIES * f->fat_sectors + root;

	if (f->cluster_sectors == 0 || (f->cluster_sectors & (f->cluster_sectors - 1)) != 0 ||
	    f->reserved_sectors == 0 || f->root_entries * FAT_ENTRY_BYTES % FAT_SECTOR_BYTES != 0 ||
	    data >= f->sectors)
		return err_set(e, -EBADMSG, "FAT: areas do not fit %u sectors", f->sectors);
	f->data_sector = (uint32_t)data;
	f->clusters = (f->sectors - f->data_sector) / f->cluster_sectors;
	f->bits = f->clusters < FAT32_CLUSTERS_MIN ? 16 : 32;
	if (f->clusters < FAT16_CLUSTERS_MIN || f->clusters > FAT32_CLUSTERS_MAX ||
	    wide != (f->bits == 32) || wide != (f->root_entries == 0))
		return err_set(e, -EBADMSG, "FAT: %u clusters in neither FAT16 nor FAT32",
			       f->clusters);
	if ((uint64_t)f->fat_sectors * FAT_SECTOR_BYTES <
	    ((uint64_t)f->clusters + FAT_CLUSTER_FIRST) * f->bits / 8)
		return err_set(e, -EBADMSG, "FAT: tables of %u sectors do not hold %u clusters",
			       f->fat_sectors, f->clusters);
	return 0;
}

static int boot_read(struct reader *f, size_t n, struct err *e)
{
	struct rd r = { f->image, n, FAT_SIGNATURE_OFFSET, false };
	uint16_t sector_bytes = 0, small_tables;
	uint8_t tables = 0;
	int err;

	if (rd_le16(&r) != FAT_SIGNATURE || r.bad)
		return err_set(e, -EBADMSG, "FAT: no signature in the boot sector");
	small_tables = boot_fields(f, &r, &sector_bytes, &tables);
	if (sector_bytes != FAT_SECTOR_BYTES || tables != FAT_COPIES)
		return err_set(e, -EBADMSG,
			       "FAT: %u tables and sectors of %u bytes, want %d and %d", tables,
			       sector_bytes, FAT_COPIES, FAT_SECTOR_BYTES);
	if (f->sectors > n / FAT_SECTOR_BYTES)
		return err_set(e, -EBADMSG, "FAT: %u sectors do not stand in %zu bytes", f->sectors,
			       n);
	err = layout_check(f, small_tables == 0, e);
	if (err < 0)
		return err;
	if (memcmp(sector_at(f, f->reserved_sectors),
		   sector_at(f, f->reserved_sectors + f->fat_sectors),
		   (size_t)f->fat_sectors * FAT_SECTOR_BYTES) != 0)
		return err_set(e, -EBADMSG, "FAT: the two tables differ");
	f->out.size_bytes = (uint64_t)f->sectors * FAT_SECTOR_BYTES;
	return 0;
}

/* What follows @cluster in its chain; FAT32_END at the end. */
static uint32_t chain_next(const struct reader *f, uint32_t cluster)
{
	struct rd r = { sector_at(f, f->reserved_sectors),
			(size_t)f->fat_sectors * FAT_SECTOR_BYTES, 0, false };
	uint32_t next;

	rd_seek(&r, (uint64_t)cluster * f->bits / 8);
	if (f->bits == 16) {
		next = rd_le16(&r);
		return next >= FAT16_END ? FAT32_END : next;
	}
	next = rd_le32(&r) & FAT32_MASK;
	return next >= FAT32_END ? FAT32_END : next;
}

/* Walks a chain once, to see that it stays inside, meets no other, and ends: so it is at most the
 * disk long. What is empty has cluster 0 and no chain. */
static int chain_check(struct reader *f, struct str path, uint32_t first, uint32_t *ret_clusters,
		       struct err *e)
{
	uint32_t n = 0;

	for (uint32_t c = first ? first : FAT32_END; c != FAT32_END; c = chain_next(f, c)) {
		if (c < FAT_CLUSTER_FIRST || c - FAT_CLUSTER_FIRST >= f->clusters)
			return err_set(e, -EBADMSG, "FAT: '/%.*s': chain leads to cluster %u of %u",
				       STR_FMT(path), c, f->clusters);
		if (f->seen[c - FAT_CLUSTER_FIRST]++)
			return err_set(e, -EBADMSG,
				       "FAT: '/%.*s': cluster %u belongs to another chain",
				       STR_FMT(path), c);
		n++;
	}
	*ret_clusters = n;
	return 0;
}

/* The content of a checked chain of @n clusters. */
static uint8_t *chain_copy(const struct reader *f, uint32_t first, uint32_t n)
{
	size_t cluster_bytes = (size_t)f->cluster_sectors * FAT_SECTOR_BYTES;
	uint8_t *p = arena_array(f->a, n, cluster_bytes);
	uint32_t c = first;

	for (size_t i = 0; i < n; i++, c = chain_next(f, c)) {
		uint32_t sector = f->data_sector + (c - FAT_CLUSTER_FIRST) * f->cluster_sectors;

		memcpy(p + i * cluster_bytes, sector_at(f, sector), cluster_bytes);
	}
	return p;
}

static int file_add(struct reader *f, struct str path, uint32_t cluster, uint32_t size_bytes,
		    struct err *e)
{
	uint64_t cluster_bytes = (uint64_t)f->cluster_sectors * FAT_SECTOR_BYTES;
	uint32_t n = 0;
	int r = chain_check(f, path, cluster, &n, e);

	if (r < 0)
		return r;
	if (n != (size_bytes + cluster_bytes - 1) / cluster_bytes)
		return err_set(e, -EBADMSG, "FAT: '/%.*s': %u bytes in %u clusters of %llu bytes",
			       STR_FMT(path), size_bytes, n, (unsigned long long)cluster_bytes);
	vec_push(f->a, &f->files) = (struct fat_file){
		.path = path,
		.data = { (const char *)chain_copy(f, cluster, n), size_bytes },
	};
	return 0;
}

/* One part of a long name; what is not ASCII becomes a byte that fat_name_valid() refuses. */
static int long_part(struct long_name *l, const uint8_t *entry, struct str dir, struct err *e)
{
	static const uint8_t offsets[FAT_LONG_CHARS] = { 1,  3,  5,  7,  9,  14, 16,
							 18, 20, 22, 24, 28, 30 };
	uint8_t order = entry[0] & ~FAT_LONG_LAST;

	if (entry[0] & FAT_LONG_LAST)
		*l = (struct long_name){ .left = order,
					 .sum = entry[13],
					 .pending = true,
					 .n = (size_t)order * FAT_LONG_CHARS };
	if (!l->pending || order == 0 || order > LONG_ENTRIES_MAX || order != l->left ||
	    entry[13] != l->sum)
		return err_set(e, -EBADMSG, "FAT: '/%.*s': a long name is out of order",
			       STR_FMT(dir));
	l->left--;
	for (size_t i = 0; i < FAT_LONG_CHARS; i++) {
		uint16_t c = (uint16_t)(entry[offsets[i]] | entry[offsets[i] + 1] << 8);
		size_t at = (size_t)l->left * FAT_LONG_CHARS + i;

		if (c == 0 && at < l->n)
			l->n = at;
		l->text[at] = c < 0x7f ? (char)c : 0x7f;
	}
	return 0;
}

/* The entry's name, from the long one before it if there is one. */
static int entry_name(struct reader *f, struct long_name *l, const uint8_t *entry, struct str dir,
		      struct str *ret, struct err *e)
{
	struct str name = fat_short_text(f->a, entry, entry[12]);

	if (l->pending) {
		if (l->left > 0 || l->sum != fat_short_sum(entry))
			return err_set(e, -EBADMSG,
				       "FAT: '/%.*s': a long name does not belong to its entry",
				       STR_FMT(dir));
		name = (struct str){ l->text, l->n };
	}
	l->pending = false;
	if (!fat_name_valid(name))
		return err_set(e, -EBADMSG, "FAT: '/%.*s': an entry has no valid ASCII name",
			       STR_FMT(dir));
	if (dir.n + 1 + name.n > FAT_PATH_MAX)
		return err_set(e, -EBADMSG, "FAT: '/%.*s': path is longer than %d bytes",
			       STR_FMT(dir), FAT_PATH_MAX);
	*ret = str_printf(f->a, "%.*s%s%.*s", STR_FMT(dir), dir.n > 0 ? "/" : "", STR_FMT(name));
	return 0;
}

/* When an entry was written, as UTC; 0 when it does not say. To two seconds, unless it was created
 * then: that time has a byte more. */
static uint64_t entry_time(const uint8_t *entry, uint16_t date, uint16_t time)
{
	int odd = memcmp(entry + 14, entry + 22, 4) == 0 ? entry[13] / 100 : 0;
	struct tm tm = {
		.tm_year = 80 + (date >> 9),
		.tm_mon = (date >> 5 & 15) - 1,
		.tm_mday = date & 31,
		.tm_hour = time >> 11,
		.tm_min = time >> 5 & 63,
		.tm_sec = (time & 31) * 2 + odd,
	};

	return date == 0 || tm.tm_mon < 0 ? 0 : (uint64_t)timegm(&tm);
}

static void label_set(struct reader *f, const uint8_t *entry)
{
	size_t n = FAT_SHORT_BYTES;

	while (n > 0 && entry[n - 1] == ' ')
		n--;
	f->out.label = arena_copy(f->a, entry, n);
}

/* One entry that is neither deleted nor part of a long name. */
static int entry_read(struct reader *f, struct long_name *l, const uint8_t *entry, struct str dir,
		      struct err *e)
{
	struct rd r = { entry, FAT_ENTRY_BYTES, 20, false };
	uint32_t cluster = (uint32_t)rd_le16(&r) << 16, size_bytes;
	uint16_t time = rd_le16(&r), date = rd_le16(&r);
	uint64_t time_sec = entry_time(entry, date, time);
	struct str path = { 0 };
	int err;

	cluster = (f->bits == 32 ? cluster : 0) | rd_le16(&r);
	size_bytes = rd_le32(&r);
	if (time_sec > f->out.time_sec)
		f->out.time_sec = time_sec;
	if (entry[11] & FAT_LABEL) {
		label_set(f, entry);
		return 0;
	}
	if (dir.n > 0 && (memcmp(entry, ".          ", FAT_SHORT_BYTES) == 0 ||
			  memcmp(entry, "..         ", FAT_SHORT_BYTES) == 0))
		return 0;
	err = entry_name(f, l, entry, dir, &path, e);
	if (err < 0)
		return err;
	if (!(entry[11] & FAT_DIRECTORY))
		return file_add(f, path, cluster, size_bytes, e);
	vec_push(f->a, &f->dirs) = (struct dir){ path, cluster };
	return 0;
}

static int entries_read(struct reader *f, struct str dir, const uint8_t *p, size_t n, struct err *e)
{
	struct long_name l = { .pending = false };

	for (; n >= FAT_ENTRY_BYTES && p[0] != 0; p += FAT_ENTRY_BYTES, n -= FAT_ENTRY_BYTES) {
		int r = 0;

		if (p[0] == 0xe5) /* deleted */
			l.pending = false;
		else if ((p[11] & (FAT_LONG_NAME | FAT_DIRECTORY | FAT_ARCHIVE)) == FAT_LONG_NAME)
			r = long_part(&l, p, dir, e);
		else
			r = entry_read(f, &l, p, dir, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int dir_read(struct reader *f, struct dir dir, struct err *e)
{
	uint32_t n = 0, max = FAT_DIR_BYTES_MAX / FAT_SECTOR_BYTES / f->cluster_sectors;
	int r = chain_check(f, dir.path, dir.cluster, &n, e);

	if (r < 0)
		return r;
	if (n == 0 || n > max)
		return err_set(e, -EBADMSG, "FAT: directory '/%.*s' of %u clusters",
			       STR_FMT(dir.path), n);
	return entries_read(f, dir.path, chain_copy(f, dir.cluster, n),
			    (size_t)n * f->cluster_sectors * FAT_SECTOR_BYTES, e);
}

static int file_cmp(const void *x, const void *y)
{
	return str_cmp(((const struct fat_file *)x)->path, ((const struct fat_file *)y)->path);
}

/* Sorted by path, whatever order the directories had. */
static int files_sort(struct reader *f, struct err *e)
{
	if (f->files.n > 0)
		qsort(f->files.p, f->files.n, sizeof(*f->files.p), file_cmp);
	for (size_t i = 1; i < f->files.n; i++)
		if (file_cmp(&f->files.p[i - 1], &f->files.p[i]) == 0)
			return err_set(e, -EBADMSG, "FAT: '/%.*s' stands twice",
				       STR_FMT(f->files.p[i].path));
	f->out.files = f->files.p;
	f->out.n_files = f->files.n;
	return 0;
}

int fat_read(struct arena *a, const uint8_t *image, size_t n, struct fat_input *ret, struct err *e)
{
	struct reader f = { .a = a, .image = image };
	size_t root_bytes;
	int r = boot_read(&f, n, e);

	if (r < 0)
		return r;
	f.seen = arena_alloc(a, f.clusters);
	root_bytes = (size_t)f.root_entries * FAT_ENTRY_BYTES;
	if (f.bits == 32)
		vec_push(a, &f.dirs) = (struct dir){ .cluster = f.root_cluster };
	else
		r = entries_read(&f, (struct str){ 0 }, sector_at(&f, f.data_sector) - root_bytes,
				 root_bytes, e);
	for (size_t i = 0; r == 0 && i < f.dirs.n; i++)
		r = dir_read(&f, f.dirs.p[i], e);
	if (r == 0)
		r = files_sort(&f, e);
	if (r < 0)
		return r;
	*ret = f.out;
	return 0;
}
