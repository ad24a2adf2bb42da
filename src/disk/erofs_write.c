/* SPDX-License-Identifier: MIT */
/* The image: super block, inodes and everything small that fits beside an inode (the metadata),
 * then the blocks of directories, then those of files. Passes over the inodes, each of which relies
 * on the one before: walk the tree, place inodes, place blocks, emit. File content is never
 * touched, only pointed at. */
#include "disk/erofs.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "disk/erofs_format.h"

#define NONE UINT32_MAX

enum {
	BLOCK_SLOTS = EROFS_BLOCK_BYTES / EROFS_SLOT_BYTES,
	SUPER_SLOTS = (EROFS_SUPER_OFFSET + sizeof(struct erofs_disk_super)) / EROFS_SLOT_BYTES,
	XATTR_COUNT_MAX = UINT16_MAX,
};

struct node {
	struct str name; /* the first by which it is found */
	uint32_t parent, ino, n_links;
	uint32_t head_bytes;  /* inode and xattrs */
	uint32_t tail_bytes;  /* of the content, inlined behind the head */
	uint32_t next;        /* the inode behind this one in its metadata block */
	uint32_t start_block; /* of the content before the tail */
	uint64_t nid, size_bytes;
	struct erofs_dirent *entries; /* of a directory: sorted, dots included */
	size_t n_entries;
	struct erofs_xattr *xattrs; /* sorted */
	const uint8_t *content;     /* a directory's blocks */
};

/* A block of metadata. Free space is at its end. */
struct meta_block {
	uint32_t first, last; /* inodes that begin in it, by offset */
	uint32_t next_open;   /* the next block with as much free space */
};

struct writer {
	struct arena *a;
	const struct erofs_input *in;
	struct node *nodes;
	uint32_t *order; /* directories before what is in them, names sorted: numbers of inodes */
	size_t n_order;

	VEC(struct meta_block) blocks;
	uint32_t open[BLOCK_SLOTS + 1]; /* by free slots: blocks, the youngest first */

	struct segments meta, data;
	uint8_t *bytes; /* of the metadata, but for tails of files */
	size_t n_bytes, n_file_tail_bytes;
};

static const struct erofs_inode *inode_of(const struct writer *w, const struct node *node)
{
	return &w->in->inodes[node - w->nodes];
}

/* "/usr/bin/ls"; for messages. */
static struct str node_path(const struct writer *w, uint32_t id)
{
	struct str path = { 0 };

	for (; id != 0; id = w->nodes[id].parent)
		path = str_printf(w->a, "/%.*s%.*s", STR_FMT(w->nodes[id].name), STR_FMT(path));
	return path.n > 0 ? path : STR("/");
}

static int node_err(const struct writer *w, uint32_t id, struct err *e, const char *what)
{
	return err_set(e, -EINVAL, "'%.*s': %s", STR_FMT(node_path(w, id)), what);
}

static const struct erofs_xattr_prefix *xattr_prefix(struct str name)
{
	for (const struct erofs_xattr_prefix *p = erofs_xattr_prefixes; p->id; p++) {
		if (str_starts(name, p->text.p) && p->whole == (name.n == p->text.n))
			return p;
	}
	return NULL;
}

static int by_xattr_name(const void *x, const void *y)
{
	return str_cmp(((const struct erofs_xattr *)x)->name,
		       ((const struct erofs_xattr *)y)->name);
}

static uint32_t xattr_bytes(const struct erofs_xattr *x)
{
	size_t n = sizeof(struct erofs_disk_xattr) + x->name.n - xattr_prefix(x->name)->text.n +
		   x->value.n;

	return (uint32_t)(n + 3) & ~3u;
}

static const char *xattr_flaw(const struct erofs_xattr *x)
{
	const struct erofs_xattr_prefix *prefix = xattr_prefix(x->name);

	if (!prefix)
		return "has a prefix that EROFS does not know, or nothing behind it";
	if (x->name.n - prefix->text.n > EROFS_NAME_BYTES_MAX)
		return "has a name of more than 255 bytes";
	if (memchr(x->name.p, '\0', x->name.n))
		return "has a NUL in its name";
	return x->value.n > EROFS_XATTR_VALUE_BYTES_MAX ? "has a value of more than 65535 bytes"
							: NULL;
}

/* Sorts, checks and measures: fills .xattrs and .head_bytes. */
static int xattrs_walk(struct writer *w, uint32_t id, struct err *e)
{
	const struct erofs_inode *inode = &w->in->inodes[id];
	struct node *node = &w->nodes[id];
	uint64_t n = sizeof(struct erofs_disk_xattrs);

	node->head_bytes = sizeof(struct erofs_disk_inode);
	if (inode->n_xattrs == 0)
		return 0;
	node->xattrs = arena_copy(w->a, inode->xattrs, inode->n_xattrs * sizeof(*inode->xattrs));
	qsort(node->xattrs, inode->n_xattrs, sizeof(*node->xattrs), by_xattr_name);
	for (size_t i = 0; i < inode->n_xattrs; i++) {
		const struct erofs_xattr *x = &node->xattrs[i];
		const char *flaw = xattr_flaw(x);

		if (!flaw && i > 0 && str_eq(x->name, x[-1].name))
			flaw = "stands twice";
		if (flaw)
			return err_set(e, -EINVAL, "'%.*s': xattr '%.*s' %s",
				       STR_FMT(node_path(w, id)), STR_FMT(x->name), flaw);
		n += xattr_bytes(x);
	}
	if (n > sizeof(struct erofs_disk_xattrs) + UINT64_C(4) * (XATTR_COUNT_MAX - 1))
		return err_set(e, -EINVAL, "'%.*s': has %llu bytes of xattrs, EROFS holds 262148",
			       STR_FMT(node_path(w, id)), (unsigned long long)n);
	node->head_bytes += (uint32_t)n;
	return 0;
}

static const char *inode_flaw(const struct erofs_inode *inode)
{
	bool is_device = S_ISCHR(inode->mode) || S_ISBLK(inode->mode);

	if (erofs_file_type(inode->mode) == 0)
		return "has no valid file type in its mode";
	if (inode->n_entries > 0 && !S_ISDIR(inode->mode))
		return "has directory entries and is no directory";
	if (inode->data.n > 0 && !S_ISREG(inode->mode) && !S_ISLNK(inode->mode))
		return "has data and is neither file nor symbolic link";
	if (S_ISLNK(inode->mode) && (inode->data.n == 0 || inode->data.n > EROFS_SYMLINK_BYTES_MAX))
		return "is a symbolic link whose target is not 1 to 4095 bytes long";
	if (S_ISLNK(inode->mode) && memchr(inode->data.p, '\0', inode->data.n))
		return "is a symbolic link with a NUL in its target";
	/* Linux' new_encode_dev() has 12 bits for the major and 20 for the minor number. */
	if (is_device && (major(inode->rdev) > 0xfff || minor(inode->rdev) > 0xfffff))
		return "has a device number beyond 4095:1048575";
	return NULL;
}

static const char *name_flaw(struct str name)
{
	if (name.n == 0)
		return "an entry without a name";
	if (str_eqz(name, ".") || str_eqz(name, ".."))
		return "an entry '.' or '..', which the writer adds by itself";
	if (name.n > EROFS_NAME_BYTES_MAX)
		return "an entry with a name of more than 255 bytes";
	if (memchr(name.p, '/', name.n) || memchr(name.p, '\0', name.n))
		return "an entry with '/' or NUL in its name";
	return NULL;
}

static int by_name(const void *x, const void *y)
{
	return str_cmp(((const struct erofs_dirent *)x)->name,
		       ((const struct erofs_dirent *)y)->name);
}

static int entry_err(const struct writer *w, uint32_t dir, const struct erofs_dirent *entry,
		     struct err *e, const char *what)
{
	return err_set(e, -EINVAL, "'%.*s': has %s: '%.*s'", STR_FMT(node_path(w, dir)), what,
		       STR_FMT(entry->name));
}

/* Takes @entry of the directory @dir into the tree. */
static int entry_walk(struct writer *w, uint32_t dir, const struct erofs_dirent *entry,
		      struct err *e)
{
	struct node *child;
	bool is_dir;

	if (entry->inode >= w->in->n_inodes)
		return entry_err(w, dir, entry, e, "an entry of an inode that does not exist");
	child = &w->nodes[entry->inode];
	is_dir = S_ISDIR(w->in->inodes[entry->inode].mode);
	if (is_dir && child->n_links > 0)
		return entry_err(w, dir, entry, e, "a second name of a directory");
	if (child->n_links == 0) {
		child->name = entry->name;
		child->parent = dir;
		w->order[w->n_order++] = entry->inode;
	}
	child->n_links += is_dir ? 2 : 1; /* its name, and its own "." */
	w->nodes[dir].n_links += is_dir;  /* its ".." */
	return 0;
}

/* The end of the run of entries from @start that share a block, and what they take of it. A dirent
 * stands with its name in one block. */
static size_t dir_block_end(const struct node *dir, size_t start, size_t *ret_used)
{
	size_t used = 0, end = start;

	for (; end < dir->n_entries; end++) {
		size_t n = sizeof(struct erofs_disk_dirent) + dir->entries[end].name.n;

		if (used + n > EROFS_BLOCK_BYTES)
			break;
		used += n;
	}
	*ret_used = used;
	return end;
}

static uint64_t dir_bytes(const struct node *dir)
{
	uint64_t n = 0;
	size_t used = 0;

	for (size_t i = 0; i < dir->n_entries; n += EROFS_BLOCK_BYTES)
		i = dir_block_end(dir, i, &used);
	return n - EROFS_BLOCK_BYTES + used;
}

/* The entries sorted, dots included: the kernel searches names by halving, and '+' sorts before
 * '.'. */
static int dir_sort(struct writer *w, uint32_t id, struct err *e)
{
	const struct erofs_inode *inode = &w->in->inodes[id];
	struct node *dir = &w->nodes[id];
	struct erofs_dirent *entries = arena_array(w->a, inode->n_entries + 2, sizeof(*entries));

	for (size_t i = 0; i < inode->n_entries; i++) {
		const char *flaw = name_flaw(inode->entries[i].name);

		if (flaw)
			return entry_err(w, id, &inode->entries[i], e, flaw);
		entries[i] = inode->entries[i];
	}
	dir->entries = entries;
	dir->n_entries = inode->n_entries + 2;
	entries[inode->n_entries] = (struct erofs_dirent){ STR("."), id };
	entries[inode->n_entries + 1] = (struct erofs_dirent){ STR(".."), dir->parent };
	qsort(entries, dir->n_entries, sizeof(*entries), by_name);
	for (size_t i = 1; i < dir->n_entries; i++) {
		if (by_name(&entries[i - 1], &entries[i]) == 0)
			return entry_err(w, id, &entries[i], e, "two entries of one name");
	}
	return 0;
}

static int dir_walk(struct writer *w, uint32_t id, struct err *e)
{
	struct node *dir = &w->nodes[id];
	int r = dir_sort(w, id, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < dir->n_entries; i++) {
		if (name_flaw(dir->entries[i].name))
			continue; /* a dot */
		r = entry_walk(w, id, &dir->entries[i], e);
		if (r < 0)
			return r;
	}
	dir->size_bytes = dir_bytes(dir);
	return 0;
}

static int inode_walk(struct writer *w, uint32_t id, struct err *e)
{
	const struct erofs_inode *inode = &w->in->inodes[id];
	struct node *node = &w->nodes[id];
	const char *flaw = inode_flaw(inode);
	int r;

	if (flaw)
		return node_err(w, id, e, flaw);
	r = xattrs_walk(w, id, e);
	if (r < 0)
		return r;
	node->size_bytes = inode->data.n;
	return S_ISDIR(inode->mode) ? dir_walk(w, id, e) : 0;
}

static int walk(struct writer *w, struct err *e)
{
	if (w->in->n_inodes == 0 || w->in->n_inodes >= NONE || !S_ISDIR(w->in->inodes[0].mode))
		return err_set(e, -EINVAL, "the first of %zu inodes is not a root directory",
			       w->in->n_inodes);
	w->nodes[0].n_links = 2;
	w->order[w->n_order++] = 0;
	for (size_t i = 0; i < w->n_order; i++) {
		int r = inode_walk(w, w->order[i], e);

		if (r < 0)
			return r;
		w->nodes[w->order[i]].ino = (uint32_t)i + 1;
	}
	for (size_t i = 0; i < w->in->n_inodes; i++) {
		if (w->nodes[i].n_links == 0)
			return err_set(e, -EINVAL, "inode %zu is in no directory below the root",
				       i);
	}
	return 0;
}

/* Remembers that the last slots of @block are free. */
static void meta_open(struct writer *w, uint32_t block, uint32_t free_slots)
{
	w->blocks.p[block].next_open = w->open[free_slots];
	w->open[free_slots] = block;
}

static uint32_t meta_new(struct writer *w)
{
	vec_push(w->a, &w->blocks) = (struct meta_block){ NONE, NONE, NONE };
	return (uint32_t)w->blocks.n - 1;
}

/* The block with the smallest space at its end that holds @slots, else a new one. What is larger
 * than a block begins at a new one and has its blocks for itself. */
static uint32_t meta_take(struct writer *w, uint32_t slots, uint32_t *ret_free)
{
	uint32_t free_slots = slots, block;

	while (free_slots <= BLOCK_SLOTS && w->open[free_slots] == NONE)
		free_slots++;
	if (free_slots <= BLOCK_SLOTS) {
		block = w->open[free_slots];
		w->open[free_slots] = w->blocks.p[block].next_open;
		*ret_free = free_slots;
		return block;
	}
	block = meta_new(w);
	for (uint32_t rest = slots; rest > BLOCK_SLOTS; rest -= BLOCK_SLOTS)
		(void)meta_new(w);
	*ret_free = BLOCK_SLOTS;
	return block;
}

/* Finds an inode's place. Its tail is inlined if inode, xattrs and tail fit in one block, as the
 * kernel reads a tail from one block only. */
static void node_place(struct writer *w, uint32_t id)
{
	struct node *node = &w->nodes[id];
	uint32_t tail = (uint32_t)(node->size_bytes % EROFS_BLOCK_BYTES), slots, free_slots, block;
	struct meta_block *b;

	node->next = NONE;
	node->start_block = EROFS_NO_BLOCK;
	if (node->head_bytes + tail <= EROFS_BLOCK_BYTES)
		node->tail_bytes = tail;
	if (S_ISREG(inode_of(w, node)->mode))
		w->n_file_tail_bytes += node->tail_bytes;
	slots = (node->head_bytes + node->tail_bytes + EROFS_SLOT_BYTES - 1) / EROFS_SLOT_BYTES;
	block = meta_take(w, slots, &free_slots);
	node->nid = (uint64_t)block * BLOCK_SLOTS + (BLOCK_SLOTS - free_slots);

	b = &w->blocks.p[block];
	if (b->first == NONE)
		b->first = id;
	else
		w->nodes[b->last].next = id;
	b->last = id;
	if (slots < free_slots)
		meta_open(w, block, free_slots - slots);
}

/* The root goes first and so near the start: the super block has 16 bits for its number. */
static void meta_place(struct writer *w)
{
	memset(w->open, 0xff, sizeof(w->open));
	meta_open(w, meta_new(w), BLOCK_SLOTS - SUPER_SLOTS);
	for (size_t i = 0; i < w->n_order; i++)
		node_place(w, w->order[i]);
}

static void dir_fill_block(const struct writer *w, const struct node *dir, size_t start, size_t end,
			   uint8_t *block)
{
	size_t name_offset = (end - start) * sizeof(struct erofs_disk_dirent);

	for (size_t i = start; i < end; i++) {
		const struct erofs_dirent *entry = &dir->entries[i];
		struct erofs_disk_dirent d = {
			.nid = htole64(w->nodes[entry->inode].nid),
			.name_offset = htole16((uint16_t)name_offset),
			.type = erofs_file_type(w->in->inodes[entry->inode].mode),
		};

		memcpy(block + (i - start) * sizeof(d), &d, sizeof(d));
		memcpy(block + name_offset, entry->name.p, entry->name.n);
		name_offset += entry->name.n;
	}
}

static void dir_fill(const struct writer *w, struct node *dir)
{
	uint8_t *block = arena_alloc(w->a, dir->size_bytes);
	size_t used, end;

	dir->content = block;
	for (size_t i = 0; i < dir->n_entries; i = end, block += EROFS_BLOCK_BYTES) {
		end = dir_block_end(dir, i, &used);
		dir_fill_block(w, dir, i, end, block);
	}
}

/* Lays the blocks of directories, or of all else. */
static void data_place(struct writer *w, bool dirs)
{
	for (size_t i = 0; i < w->n_order; i++) {
		struct node *node = &w->nodes[w->order[i]];
		uint64_t n = node->size_bytes - node->tail_bytes;

		if (S_ISDIR(inode_of(w, node)->mode) != dirs)
			continue;
		if (dirs)
			dir_fill(w, node);
		else
			node->content = (const uint8_t *)inode_of(w, node)->data.p;
		if (n == 0)
			continue;
		node->start_block =
			(uint32_t)(w->blocks.n + w->data.size_bytes / EROFS_BLOCK_BYTES);
		segments_add(w->a, &w->data, node->content, n);
		segments_align(w->a, &w->data, EROFS_BLOCK_BYTES);
	}
}

static void metadata_put(struct writer *w, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(w->bytes + w->n_bytes, p, n);
	segments_add(w->a, &w->meta, w->bytes + w->n_bytes, n);
	w->n_bytes += n;
}

/* The bytes are zero from birth. */
static void meta_pad(struct writer *w, uint64_t to)
{
	uint64_t n = to - w->meta.size_bytes;

	segments_add(w->a, &w->meta, w->bytes + w->n_bytes, n);
	w->n_bytes += n;
}

static void xattrs_emit(struct writer *w, const struct node *node)
{
	struct erofs_disk_xattrs header = { 0 };

	if (!node->xattrs)
		return;
	metadata_put(w, &header, sizeof(header));
	for (size_t i = 0; i < inode_of(w, node)->n_xattrs; i++) {
		const struct erofs_xattr *x = &node->xattrs[i];
		const struct erofs_xattr_prefix *prefix = xattr_prefix(x->name);
		struct str name = str_from(x->name, prefix->text.n);
		struct erofs_disk_xattr d = {
			.name_bytes = (uint8_t)name.n,
			.prefix = prefix->id,
			.value_bytes = htole16((uint16_t)x->value.n),
		};

		metadata_put(w, &d, sizeof(d));
		metadata_put(w, name.p, name.n);
		metadata_put(w, x->value.p, x->value.n);
		meta_pad(w, (w->meta.size_bytes + 3) & ~UINT64_C(3));
	}
}

/* Linux' new_encode_dev(). */
static uint32_t device_encode(uint64_t rdev)
{
	uint32_t low = minor(rdev) & 0xff, high = minor(rdev) & ~0xffu;

	return low | major(rdev) << 8 | high << 12;
}

static void tail_emit(struct writer *w, const struct node *node)
{
	const uint8_t *tail = node->content + (node->size_bytes - node->tail_bytes);

	if (S_ISREG(inode_of(w, node)->mode))
		segments_add(w->a, &w->meta, tail, node->tail_bytes);
	else
		metadata_put(w, tail, node->tail_bytes);
}

static void node_emit(struct writer *w, const struct node *node)
{
	const struct erofs_inode *inode = inode_of(w, node);
	uint32_t layout = node->tail_bytes > 0 ? EROFS_LAYOUT_INLINE : EROFS_LAYOUT_PLAIN;
	uint32_t n_xattr_bytes = node->head_bytes - (uint32_t)sizeof(struct erofs_disk_inode);
	struct erofs_disk_inode d = {
		.format = htole16(
			(uint16_t)(EROFS_FORMAT_EXTENDED | layout << EROFS_FORMAT_LAYOUT_SHIFT)),
		.mode = htole16((uint16_t)inode->mode),
		.size_bytes = htole64(node->size_bytes),
		.start_block_or_device = htole32(node->start_block),
		.ino = htole32(node->ino),
		.uid = htole32(inode->uid),
		.gid = htole32(inode->gid),
		.mtime_sec = htole64(inode->mtime_sec),
		.n_links = htole32(node->n_links),
	};

	if (n_xattr_bytes > 0)
		d.xattr_count = htole16(
			(uint16_t)((n_xattr_bytes - sizeof(struct erofs_disk_xattrs)) / 4 + 1));
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		d.start_block_or_device = htole32(device_encode(inode->rdev));

	meta_pad(w, node->nid * EROFS_SLOT_BYTES);
	metadata_put(w, &d, sizeof(d));
	xattrs_emit(w, node);
	if (node->tail_bytes > 0)
		tail_emit(w, node);
}

static void meta_emit(struct writer *w)
{
	uint64_t end = (uint64_t)w->blocks.n * EROFS_BLOCK_BYTES;

	w->bytes = arena_alloc(w->a, end - w->n_file_tail_bytes);
	meta_pad(w, EROFS_SUPER_OFFSET + sizeof(struct erofs_disk_super));
	vec_each(b, &w->blocks) {
		for (uint32_t id = b->first; id != NONE; id = w->nodes[id].next)
			node_emit(w, &w->nodes[id]);
	}
	meta_pad(w, end);
}

/* Last, as the checksum covers what follows it in the first block. */
static void super_emit(struct writer *w)
{
	uint64_t blocks = w->blocks.n + w->data.size_bytes / EROFS_BLOCK_BYTES;
	uint8_t first[EROFS_BLOCK_BYTES];
	struct erofs_disk_super d = {
		.magic = htole32(EROFS_MAGIC),
		.compat = htole32(EROFS_COMPAT_CHECKSUM | EROFS_COMPAT_MTIME),
		.block_bits = EROFS_BLOCK_BITS,
		.root_nid = htole16((uint16_t)w->nodes[0].nid),
		.n_inodes = htole64(w->n_order),
		.epoch_sec = htole64(w->in->build_time_sec),
		.blocks = htole32((uint32_t)blocks),
	};

	memcpy(d.uuid, w->in->uuid, sizeof(d.uuid));
	if (w->in->volume_name)
		memcpy(d.volume_name, w->in->volume_name, strlen(w->in->volume_name));
	memcpy(w->bytes + EROFS_SUPER_OFFSET, &d, sizeof(d));
	segments_read(&w->meta, 0, first, sizeof(first));
	d.checksum = htole32(erofs_checksum(first));
	memcpy(w->bytes + EROFS_SUPER_OFFSET, &d, sizeof(d));
}

int erofs_write(struct arena *a, const struct erofs_input *in, struct segments *ret, struct err *e)
{
	struct writer w = { .a = a, .in = in };
	int r;

	if (in->volume_name &&
	    strlen(in->volume_name) >= sizeof(((struct erofs_disk_super *)0)->volume_name))
		return err_set(e, -EINVAL, "the volume name '%s' is longer than 15 bytes",
			       in->volume_name);
	w.nodes = arena_array(a, in->n_inodes, sizeof(*w.nodes));
	w.order = arena_array(a, in->n_inodes, sizeof(*w.order));
	r = walk(&w, e);
	if (r < 0)
		return r;
	meta_place(&w);
	data_place(&w, true);
	data_place(&w, false);
	if (w.blocks.n + w.data.size_bytes / EROFS_BLOCK_BYTES >= EROFS_NO_BLOCK)
		return err_set(e, -EFBIG,
			       "%llu bytes of files are more than the 16 TiB of an EROFS image",
			       (unsigned long long)w.data.size_bytes);
	meta_emit(&w);
	super_emit(&w);
	segments_append(a, &w.meta, &w.data);
	*ret = w.meta;
	return 0;
}
