/* SPDX-License-Identifier: MIT */
#include "disk/fat.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "disk/fat_format.h"

enum {
	FILES_MAX = 4096,
	SIZE_ALIGN = 4096,
	CLUSTERS_MARGIN = 16, /* 3.5: stay away from the limits between the types, as some drivers
				 count wrong */
	CLUSTER_SECTORS_MAX = 8,
	DATA_ALIGN = SIZE_ALIGN / FAT_SECTOR_BYTES,
	FAT16_ROOT_ENTRIES = 512,
	FAT32_RESERVED = 32,
	FAT32_INFO_SECTOR = 1,
	FAT32_BACKUP_SECTOR = 6,
	SHORT_NUMBER_MAX = 999999,
	LABEL_BYTES = FAT_SHORT_BYTES,
};

#define SIZE_MAX_BYTES (256ULL << 30) /* so that clusters of 4 KiB are few enough to count */
#define TIME_MIN_SEC   315532800ULL   /* 1980-01-01 */
#define TIME_MAX_SEC   4354819198ULL  /* 2107-12-31 23:59:58 */

struct geometry {
	unsigned bits; /* 16 or 32 */
	uint32_t sectors, cluster_sectors, reserved_sectors, fat_sectors, root_sectors, clusters;
};

/* A file or a directory. Sorted by key, so parents stand before what is in them. */
struct node {
	struct str path, key;        /* @key: the path in upper case, as FAT compares */
	const struct fat_file *file; /* NULL: a directory */
	uint32_t parent, first_child,
		next; /* indexes; 0 ends a list, as the root is nobody's child */
	uint8_t short_name[FAT_SHORT_BYTES];
	enum fat_fit fit;
	uint32_t cluster, n_clusters;
	uint64_t size_bytes;
};

typedef VEC(struct node) vec_node;

struct stamp {
	uint16_t date, time;
	uint8_t tenths;
};

struct writer {
	struct arena *a;
	const struct fat_input *in;
	struct geometry geo;
	vec_node nodes; /* [0] is the root */
	struct stamp stamp;
	uint32_t next_cluster;
};

static struct stamp stamp_make(uint64_t time_sec)
{
	uint64_t sec = time_sec < TIME_MIN_SEC   ? TIME_MIN_SEC
		       : time_sec > TIME_MAX_SEC ? TIME_MAX_SEC
						 : time_sec;
	time_t t = (time_t)sec;
	struct tm tm = { 0 };

	gmtime_r(&t, &tm);
	return (struct stamp){
		.date = (uint16_t)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday),
		.time = (uint16_t)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2),
		.tenths = (uint8_t)(tm.tm_sec % 2 * 100),
	};
}

static uint32_t div_up(uint64_t x, uint32_t by)
{
	return (uint32_t)((x + by - 1) / by);
}

/* Lays the areas out; the tables may come out a sector larger than needed, which is allowed. */
static struct geometry geometry_make(uint64_t size_bytes, unsigned bits, uint32_t cluster_sectors)
{
	struct geometry g = { .bits = bits, .cluster_sectors = cluster_sectors };
	uint32_t before;

	g.sectors = (uint32_t)(size_bytes / FAT_SECTOR_BYTES);
	g.reserved_sectors = bits == 32 ? FAT32_RESERVED : 1;
	g.root_sectors = bits == 32 ? 0 : FAT16_ROOT_ENTRIES * FAT_ENTRY_BYTES / FAT_SECTOR_BYTES;
	before = g.reserved_sectors + g.root_sectors;
	if (g.sectors <= before)
		return g;
	g.fat_sectors =
		div_up(((uint64_t)(g.sectors - before) / cluster_sectors + FAT_CLUSTER_FIRST) *
			       bits / 8,
		       FAT_SECTOR_BYTES);
	before += FAT_COPIES * g.fat_sectors;
	/* Files begin at multiples of 4 KiB, where a file system below can share them. */
	g.reserved_sectors += -before % DATA_ALIGN;
	before += -before % DATA_ALIGN;
	if (g.sectors > before)
		g.clusters = (g.sectors - before) / cluster_sectors;
	return g;
}

/* FAT32 wherever it has clusters enough, with the largest of them; else FAT16. */
static int geometry_choose(uint64_t size_bytes, struct geometry *ret, struct err *e)
{
	if (size_bytes % SIZE_ALIGN != 0 || size_bytes > SIZE_MAX_BYTES)
		return err_set(e, -EINVAL,
			       "FAT: size of %llu bytes, want a multiple of %d, at most %llu",
			       (unsigned long long)size_bytes, SIZE_ALIGN, SIZE_MAX_BYTES);
	for (unsigned bits = 32; bits >= 16; bits -= 16)
		for (uint32_t sectors = CLUSTER_SECTORS_MAX; sectors > 0; sectors /= 2) {
			struct geometry g = geometry_make(size_bytes, bits, sectors);
			uint32_t min = bits == 32 ? FAT32_CLUSTERS_MIN : FAT16_CLUSTERS_MIN;
			uint32_t max = bits == 32 ? FAT32_CLUSTERS_MAX : FAT32_CLUSTERS_MIN - 1;

			if (g.clusters >= min + CLUSTERS_MARGIN &&
			    g.clusters <= max - CLUSTERS_MARGIN) {
				*ret = g;
				return 0;
			}
		}
	return err_set(
		e, -EINVAL,
		"FAT: size of %llu bytes is too small, FAT16 has at least %d clusters of %d bytes",
		(unsigned long long)size_bytes, FAT16_CLUSTERS_MIN + CLUSTERS_MARGIN,
		FAT_SECTOR_BYTES);
}

static bool label_valid(struct str s)
{
	uint8_t name[FAT_SHORT_BYTES];

	if (s.n == 0 || s.n > LABEL_BYTES || s.p[0] == ' ')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		struct str c = { s.p + i, 1 };

		if (s.p[i] != ' ' && (!fat_name_valid(c) || fat_short(c, name) != FAT_FIT_EXACT))
			return false;
	}
	return true;
}

static int label_check(const char *label, struct err *e)
{
	if (label && !label_valid(str_c(label)))
		return err_set(e, -EINVAL, "FAT: label '%s', want at most %d upper-case characters",
			       label, LABEL_BYTES);
	return 0;
}

static struct str key_make(struct arena *a, struct str path)
{
	char *key = arena_alloc(a, path.n);

	for (size_t i = 0; i < path.n; i++)
		key[i] = fat_upper(path.p[i]);
	return (struct str){ key, path.n };
}

/* The directory part, empty for what stands in the root. */
static struct str path_parent(struct str path)
{
	while (path.n > 0 && path.p[path.n - 1] != '/')
		path.n--;
	return str_head(path, path.n > 0 ? path.n - 1 : 0);
}

static struct str path_name(struct str path)
{
	struct str parent = path_parent(path);

	return str_from(path, parent.n > 0 ? parent.n + 1 : 0);
}

static int path_check(const struct fat_file *file, struct err *e)
{
	struct str rest = file->path;

	if (rest.n == 0 || rest.n > FAT_PATH_MAX || rest.p[rest.n - 1] == '/')
		return err_set(e, -EINVAL,
			       "FAT: path '%.*s' is empty, longer than %d bytes, or ends with '/'",
			       STR_FMT(rest), FAT_PATH_MAX);
	while (rest.n > 0)
		if (!fat_name_valid(str_cut(&rest, '/')))
			return err_set(e, -EINVAL,
				       "FAT: path '%.*s' has a name that FAT cannot store",
				       STR_FMT(file->path));
	if (file->data.n > UINT32_MAX)
		return err_set(e, -EFBIG, "FAT: '%.*s' of %zu bytes, files are below 4 GiB",
			       STR_FMT(file->path), file->data.n);
	return 0;
}

static void node_push(struct writer *w, struct str path, const struct fat_file *file)
{
	vec_push(w->a, &w->nodes) = (struct node){
		.path = path,
		.key = key_make(w->a, path),
		.file = file,
		.size_bytes = file ? file->data.n : 0,
	};
}

/* By key; of one name, directories first, so that duplicates stand side by side. */
static int node_cmp(const void *x, const void *y)
{
	const struct node *p = x, *q = y;
	int r = str_cmp(p->key, q->key);

	if (r == 0)
		r = (p->file != NULL) - (q->file != NULL);
	return r ? r : str_cmp(p->path, q->path);
}

/* Finds everyone's parent, and lists everyone's children in order. */
static void nodes_link(struct writer *w)
{
	struct map index = { 0 };
	struct node *nodes = w->nodes.p;

	for (uint32_t i = 0; i < w->nodes.n; i++)
		if (!nodes[i].file)
			map_put(w->a, &index, nodes[i].key, i);
	for (uint32_t i = (uint32_t)w->nodes.n - 1; i > 0; i--) {
		const uint32_t *parent = map_get(&index, path_parent(nodes[i].key));

		assert(parent); /* nodes_collect() made every parent */
		nodes[i].parent = *parent;
		nodes[i].next = nodes[*parent].first_child;
		nodes[*parent].first_child = i;
	}
}

/* Every file and every directory on the way to it, sorted, each once. */
static int nodes_collect(struct writer *w, struct err *e)
{
	vec_node *v = &w->nodes;
	size_t n = 1;

	if (w->in->n_files > FILES_MAX)
		return err_set(e, -EINVAL, "FAT: %zu files, want at most %d", w->in->n_files,
			       FILES_MAX);
	node_push(w, (struct str){ 0 }, NULL);
	for (size_t i = 0; i < w->in->n_files; i++) {
		const struct fat_file *file = &w->in->files[i];
		int r = path_check(file, e);

		if (r < 0)
			return r;
		node_push(w, file->path, file);
		for (struct str dir = path_parent(file->path); dir.n > 0; dir = path_parent(dir))
			node_push(w, dir, NULL);
	}
	qsort(v->p, v->n, sizeof(*v->p), node_cmp);
	for (size_t i = 1; i < v->n; i++) {
		bool same = str_eq(v->p[i].key, v->p[n - 1].key);

		if (same && v->p[i].file)
			return err_set(e, -EINVAL, "FAT: path '%.*s' stands twice",
				       STR_FMT(v->p[i].path));
		if (!same)
			v->p[n++] = v->p[i];
	}
	v->n = n;
	nodes_link(w);
	return 0;
}

/* Whether this short name was still free in its directory; it is taken now. */
static bool short_take(struct writer *w, struct map *taken, const struct node *node)
{
	struct str key = str_printf(w->a, "%.*s/%u", FAT_SHORT_BYTES,
				    (const char *)node->short_name, node->parent);

	if (map_get(taken, key))
		return false;
	map_put(w->a, taken, key, 1);
	return true;
}

/* Names that fit come first: they cannot collide with each other. Then numbers for the rest. */
static int names_shorten(struct writer *w, struct err *e)
{
	struct node *end = w->nodes.p + w->nodes.n;
	struct map taken = { 0 };

	for (struct node *node = w->nodes.p + 1; node < end; node++) {
		node->fit = fat_short(path_name(node->path), node->short_name);
		if (node->fit != FAT_FIT_LOSSY)
			(void)short_take(w, &taken, node);
	}
	for (struct node *node = w->nodes.p + 1; node < end; node++) {
		unsigned number = 0;

		while (node->fit == FAT_FIT_LOSSY &&
		       (number == 0 || !short_take(w, &taken, node))) {
			if (++number > SHORT_NUMBER_MAX)
				return err_set(e, -EINVAL, "FAT: '%.*s': no short name left",
					       STR_FMT(node->path));
			(void)fat_short(path_name(node->path), node->short_name);
			fat_short_number(node->short_name, number);
		}
	}
	return 0;
}

static uint32_t long_entries(const struct node *node)
{
	return node->fit == FAT_FIT_EXACT ? 0 : div_up(path_name(node->path).n, FAT_LONG_CHARS);
}

static int dirs_size(struct writer *w, struct err *e)
{
	vec_each(node, &w->nodes) {
		uint64_t n = node != w->nodes.p ? 2 : w->in->label ? 1 : 0, max = FAT_DIR_BYTES_MAX;

		if (node->file)
			continue;
		if (node == w->nodes.p && w->geo.bits == 16)
			max = (uint64_t)FAT16_ROOT_ENTRIES * FAT_ENTRY_BYTES;
		for (uint32_t i = node->first_child; i > 0; i = w->nodes.p[i].next)
			n += 1 + long_entries(&w->nodes.p[i]);
		node->size_bytes = n * FAT_ENTRY_BYTES;
		if (node->size_bytes > max)
			return err_set(e, -ENOSPC,
				       "FAT: directory '/%.*s' needs %llu bytes, at most %llu fit",
				       STR_FMT(node->path), (unsigned long long)node->size_bytes,
				       (unsigned long long)max);
	}
	return 0;
}

static int clusters_assign(struct writer *w, struct err *e)
{
	uint32_t cluster_bytes = w->geo.cluster_sectors * FAT_SECTOR_BYTES;
	uint64_t need = 0;

	vec_each(node, &w->nodes) {
		if (node == w->nodes.p && w->geo.bits == 16)
			continue; /* the root has an area of its own */
		node->n_clusters = div_up(node->size_bytes, cluster_bytes);
		if (!node->file && node->n_clusters == 0)
			node->n_clusters = 1;
		if (node->n_clusters > 0)
			node->cluster = (uint32_t)need + FAT_CLUSTER_FIRST;
		need += node->n_clusters;
		if (need > w->geo.clusters)
			break;
	}
	w->next_cluster = (uint32_t)need + FAT_CLUSTER_FIRST;
	if (need <= w->geo.clusters)
		return 0;
	need = 0;
	vec_each(node, &w->nodes)
		need += div_up(node->size_bytes, cluster_bytes);
	return err_set(e, -ENOSPC,
		       "FAT: files need %llu bytes, a file system of %llu bytes holds %llu",
		       (unsigned long long)need * cluster_bytes,
		       (unsigned long long)w->in->size_bytes,
		       (unsigned long long)w->geo.clusters * cluster_bytes);
}

static void padded_put(struct buf *b, const char *s, size_t n)
{
	struct str text = str_head(str_c(s), n);

	buf_put(b, text.p, text.n);
	for (size_t i = text.n; i < n; i++)
		buf_u8(b, ' ');
}

/* What stands at the end of both boot sectors: drive, serial number, label, type. */
static void boot_tail_put(struct buf *b, const struct writer *w)
{
	buf_u8(b, 0x80);
	buf_u8(b, 0);
	buf_u8(b, 0x29); /* the three fields below are there */
	buf_le32(b, w->in->volume_id);
	padded_put(b, w->in->label ? w->in->label : "NO NAME", LABEL_BYTES);
	padded_put(b, w->geo.bits == 32 ? "FAT32" : "FAT16", 8);
}

static void boot_put(struct buf *b, const struct writer *w)
{
	static const uint8_t jump[2][3] = { { 0xeb, 0x3c, 0x90 }, { 0xeb, 0x58, 0x90 } };
	const struct geometry *g = &w->geo;
	bool wide = g->bits == 32;
	size_t start = b->v.n;

	buf_put(b, jump[wide], 3);
	buf_put(b, "MSWIN4.1", 8); /* 3.1: what the fewest drivers stumble over */
	buf_le16(b, FAT_SECTOR_BYTES);
	buf_u8(b, (uint8_t)g->cluster_sectors);
	buf_le16(b, (uint16_t)g->reserved_sectors);
	buf_u8(b, FAT_COPIES);
	buf_le16(b, wide ? 0 : FAT16_ROOT_ENTRIES);
	buf_le16(b, wide || g->sectors > UINT16_MAX ? 0 : (uint16_t)g->sectors);
	buf_u8(b, FAT_MEDIA);
	buf_le16(b, wide ? 0 : (uint16_t)g->fat_sectors);
	buf_le16(b, 63); /* sectors per track, heads: of use to nobody */
	buf_le16(b, 255);
	buf_le32(b, 0);
	buf_le32(b, wide || g->sectors > UINT16_MAX ? g->sectors : 0);
	if (wide) {
		buf_le32(b, g->fat_sectors);
		buf_le32(b, 0); /* both tables are kept, version 0 */
		buf_le32(b, w->nodes.p[0].cluster);
		buf_le16(b, FAT32_INFO_SECTOR);
		buf_le16(b, FAT32_BACKUP_SECTOR);
		buf_zero(b, 12);
	}
	boot_tail_put(b, w);
	buf_zero(b, start + FAT_SIGNATURE_OFFSET - b->v.n);
	buf_le16(b, FAT_SIGNATURE);
}

/* FSInfo, section 5 */
static void info_put(struct buf *b, const struct writer *w)
{
	uint32_t n_free = w->geo.clusters - (w->next_cluster - FAT_CLUSTER_FIRST);

	buf_le32(b, 0x41615252);
	buf_zero(b, 480);
	buf_le32(b, 0x61417272);
	buf_le32(b, n_free);
	buf_le32(b, n_free > 0 ? w->next_cluster : UINT32_MAX);
	buf_zero(b, 12);
	buf_le32(b, 0xaa550000);
}

static void reserved_add(struct writer *w, struct segments *out)
{
	struct buf b = { .a = w->a };

	boot_put(&b, w);
	if (w->geo.bits == 32) {
		info_put(&b, w);
		buf_align(&b, (size_t)FAT32_BACKUP_SECTOR * FAT_SECTOR_BYTES);
		boot_put(&b, w);
		info_put(&b, w);
	}
	segments_add(w->a, out, b.v.p, b.v.n);
	segments_zero(w->a, out, (uint64_t)w->geo.reserved_sectors * FAT_SECTOR_BYTES - b.v.n);
}

static void link_put(struct buf *b, const struct writer *w, uint32_t to)
{
	if (w->geo.bits == 32)
		buf_le32(b, to);
	else
		buf_le16(b, (uint16_t)to);
}

/* Both copies of the table; every chain is one run. The first two entries: media, clean shutdown.
 */
static void tables_add(struct writer *w, struct segments *out)
{
	struct buf b = { .a = w->a };

	link_put(&b, w, 0x0fffff00 | FAT_MEDIA);
	link_put(&b, w, FAT32_MASK);
	vec_each(node, &w->nodes)
		for (uint32_t i = 1; i <= node->n_clusters; i++)
			link_put(&b, w, i < node->n_clusters ? node->cluster + i : FAT32_MASK);
	for (unsigned i = 0; i < FAT_COPIES; i++) {
		segments_add(w->a, out, b.v.p, b.v.n);
		segments_zero(w->a, out, (uint64_t)w->geo.fat_sectors * FAT_SECTOR_BYTES - b.v.n);
	}
}

static void entry_put(struct buf *b, const struct stamp *t, const void *name, uint8_t attributes,
		      uint32_t cluster, uint32_t size_bytes)
{
	buf_put(b, name, FAT_SHORT_BYTES);
	buf_u8(b, attributes);
	buf_u8(b, 0);
	buf_u8(b, t->tenths);
	buf_le16(b, t->time);
	buf_le16(b, t->date);
	buf_le16(b, t->date);
	buf_le16(b, (uint16_t)(cluster >> 16));
	buf_le16(b, t->time);
	buf_le16(b, t->date);
	buf_le16(b, (uint16_t)cluster);
	buf_le32(b, size_bytes);
}

static void long_chars_put(struct buf *b, struct str name, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		buf_le16(b, i < name.n ? (uint8_t)name.p[i] : i == name.n ? 0 : 0xffff);
}

/* The long name, its last part first (7.1). */
static void long_put(struct buf *b, const struct node *node)
{
	struct str name = path_name(node->path);
	uint32_t n = long_entries(node);

	for (uint32_t i = n; i > 0; i--) {
		size_t from = (size_t)(i - 1) * FAT_LONG_CHARS;

		buf_u8(b, (uint8_t)(i == n ? i | FAT_LONG_LAST : i));
		long_chars_put(b, name, from, 5);
		buf_u8(b, FAT_LONG_NAME);
		buf_u8(b, 0);
		buf_u8(b, fat_short_sum(node->short_name));
		long_chars_put(b, name, from + 5, 6);
		buf_le16(b, 0);
		long_chars_put(b, name, from + 11, 2);
	}
}

/* The root's number is 0 where it is named as a parent, even on FAT32 (6.5). */
static void dir_add(struct writer *w, const struct node *dir, struct segments *out)
{
	const struct node *nodes = w->nodes.p;
	struct buf b = { .a = w->a };

	if (dir != nodes) {
		entry_put(&b, &w->stamp, ".          ", FAT_DIRECTORY, dir->cluster, 0);
		entry_put(&b, &w->stamp, "..         ", FAT_DIRECTORY,
			  dir->parent ? nodes[dir->parent].cluster : 0, 0);
	} else if (w->in->label) {
		struct buf label = { .a = w->a };

		padded_put(&label, w->in->label, LABEL_BYTES);
		entry_put(&b, &w->stamp, label.v.p, FAT_LABEL, 0, 0);
	}
	for (uint32_t i = dir->first_child; i > 0; i = nodes[i].next) {
		long_put(&b, &nodes[i]);
		entry_put(&b, &w->stamp, nodes[i].short_name,
			  nodes[i].file ? FAT_ARCHIVE : FAT_DIRECTORY, nodes[i].cluster,
			  nodes[i].file ? (uint32_t)nodes[i].size_bytes : 0);
	}
	segments_add(w->a, out, b.v.p, b.v.n);
}

/* The root of FAT16, then all clusters. */
static void content_add(struct writer *w, struct segments *out)
{
	uint64_t cluster_bytes = (uint64_t)w->geo.cluster_sectors * FAT_SECTOR_BYTES, area;

	vec_each(node, &w->nodes) {
		area = node->n_clusters * cluster_bytes;
		if (node == w->nodes.p && w->geo.bits == 16)
			area = (uint64_t)w->geo.root_sectors * FAT_SECTOR_BYTES;
		if (node->file)
			segments_add(w->a, out, node->file->data.p, node->size_bytes);
		else
			dir_add(w, node, out);
		segments_zero(w->a, out, area - node->size_bytes);
	}
	segments_zero(w->a, out, w->in->size_bytes - out->size_bytes);
}

int fat_write(struct arena *a, const struct fat_input *in, struct segments *ret, struct err *e)
{
	struct writer w = { .a = a, .in = in, .stamp = stamp_make(in->time_sec) };
	struct segments out = { 0 };
	int r = geometry_choose(in->size_bytes, &w.geo, e);

	if (r == 0)
		r = label_check(in->label, e);
	if (r == 0)
		r = nodes_collect(&w, e);
	if (r == 0)
		r = names_shorten(&w, e);
	if (r == 0)
		r = dirs_size(&w, e);
	if (r == 0)
		r = clusters_assign(&w, e);
	if (r < 0)
		return r;
	reserved_add(&w, &out);
	tables_add(&w, &out);
	content_add(&w, &out);
	*ret = out;
	return 0;
}
