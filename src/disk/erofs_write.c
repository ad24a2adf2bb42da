/* SPDX-License-Identifier: MIT */
/* The image: super block, inodes and everything small that fits beside an inode (the metadata),
 * then the blocks of directories, then those of files. Passes over the inodes, each of which relies
 * on the one before: walk the tree, place inodes, place blocks, emit. File content is never
 * touched, only pointed at. */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/trace.h"
#include "disk/erofs_write.h"

#define NONE UINT32_MAX

enum { BLOCK_SLOTS = EROFS_BLOCK_SLOTS };

static uint64_t align_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
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
 * than a block begins at a new one. */
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

/* How long the tail is that could stand beside an inode. */
static uint32_t tail_of(const struct writer *w, const struct node *node)
{
	const struct erofs_content *c = inode_of(w, node)->content;

	return c ? (uint32_t)c->tail.n : (uint32_t)(node->size_bytes % EROFS_BLOCK_BYTES);
}

/* Puts an inode at the end of a block's list, and what is free behind it up for others. */
static void node_chain(struct writer *w, uint32_t id, uint32_t block, uint32_t slots,
		       uint32_t free_slots)
{
	struct meta_block *b = &w->blocks.p[block];
	uint32_t rest = slots % BLOCK_SLOTS;

	if (b->first == NONE)
		b->first = id;
	else
		w->nodes[b->last].next = id;
	b->last = id;
	if (slots < free_slots)
		meta_open(w, block, free_slots - slots);
	else if (slots > free_slots && rest > 0)
		meta_open(w, block + slots / BLOCK_SLOTS, BLOCK_SLOTS - rest);
}

/* Finds an inode's place. Its tail is inlined if inode, xattrs and tail fit in one block, as the
 * kernel reads a tail from one block only. */
static void node_place(struct writer *w, uint32_t id)
{
	struct node *node = &w->nodes[id];
	uint32_t tail = tail_of(w, node), n = node->head_bytes, free_slots, slots, block;

	node->next = NONE;
	node->start_block = EROFS_NO_BLOCK;
	if (node->index_bytes > 0)
		n = (uint32_t)align_up(n, EROFS_INDEX_ALIGN) + node->index_bytes;
	else if (node->head_bytes + tail <= EROFS_BLOCK_BYTES)
		node->tail_bytes = tail;
	if (S_ISREG(inode_of(w, node)->mode))
		w->n_file_tail_bytes += node->tail_bytes;
	slots = (n + node->tail_bytes + EROFS_SLOT_BYTES - 1) / EROFS_SLOT_BYTES;
	block = meta_take(w, slots, &free_slots);
	node->nid = (uint64_t)block * BLOCK_SLOTS + (BLOCK_SLOTS - free_slots);
	node_chain(w, id, block, slots, free_slots);
}

static uint32_t super_bytes(const struct writer *w)
{
	uint8_t more[EROFS_COMPRESSION_BYTES_MAX];
	struct erofs_disk_super d = { 0 };

	return (uint32_t)(sizeof(d) + erofs_compression_fill(w, &d, more));
}

/* The root goes first and so near the start: the super block has 16 bits for its number. */
static void meta_place(struct writer *w)
{
	uint64_t n = EROFS_SUPER_OFFSET + align_up(super_bytes(w), EROFS_SLOT_BYTES);

	memset(w->open, 0xff, sizeof(w->open));
	meta_open(w, meta_new(w), BLOCK_SLOTS - (uint32_t)n / EROFS_SLOT_BYTES);
	for (size_t i = 0; i < w->n_order; i++)
		node_place(w, w->order[i]);
	if (w->in->n_fragments > 0)
		node_place(w, (uint32_t)w->in->n_inodes);
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
		end = erofs_dir_block_end(dir, i, &used);
		dir_fill_block(w, dir, i, end, block);
	}
}

static uint32_t block_next(const struct writer *w)
{
	assert(w->data.size_bytes % EROFS_BLOCK_BYTES == 0);
	return (uint32_t)(w->blocks.n + w->data.size_bytes / EROFS_BLOCK_BYTES);
}

/* In front of all other data, when there is any. */
static void xattrs_place(struct writer *w)
{
	if (w->xattrs.v.n == 0)
		return;
	w->xattr_block = block_next(w);
	segments_add(w->a, &w->data, w->xattrs.v.p, w->xattrs.v.n);
	segments_align(w->a, &w->data, EROFS_BLOCK_BYTES);
}

/* Lays the blocks of directories, or of files without cut content. */
static void data_place(struct writer *w, bool dirs)
{
	for (size_t i = 0; i < w->n_order; i++) {
		struct node *node = &w->nodes[w->order[i]];
		uint64_t n = node->size_bytes - node->tail_bytes;

		if (S_ISDIR(inode_of(w, node)->mode) != dirs || inode_of(w, node)->content)
			continue;
		if (dirs)
			dir_fill(w, node);
		else
			node->content = (const uint8_t *)inode_of(w, node)->data.p;
		if (n == 0)
			continue;
		node->start_block = block_next(w);
		segments_add(w->a, &w->data, node->content, n);
		segments_align(w->a, &w->data, EROFS_BLOCK_BYTES);
	}
}

static void blocks_add(struct writer *w, const struct segment *s)
{
	if (s->blocks)
		segments_add_blocks(w->a, &w->data, s->blocks, s->data, s->size_bytes);
	else
		segments_add(w->a, &w->data, s->data, s->size_bytes);
}

/* Finds for each inode the first one with the same content. */
static void leaders_find(struct writer *w)
{
	struct map first = { 0 };

	for (uint32_t i = 0; i < w->in->n_inodes; i++) {
		const struct erofs_content *const *content = &w->in->inodes[i].content;
		struct str key = { (const char *)content, sizeof(*content) };
		struct node *node = &w->nodes[i];
		uint32_t *found;

		if (!*content)
			continue;
		found = map_get(&first, key);
		node->leader = found ? *found : i;
		if (!found)
			map_put(w->a, &first, key, i);
		if (node->tail_bytes < (*content)->tail.n)
			w->nodes[node->leader].spills = true;
	}
}

static void content_place(struct writer *w)
{
	leaders_find(w);
	for (uint32_t i = 0; i < w->in->n_inodes; i++) {
		const struct erofs_content *c = w->in->inodes[i].content;
		struct node *node = &w->nodes[i];

		if (!c)
			continue;
		if (node->leader != i) {
			node->start_block = w->nodes[node->leader].start_block;
			continue;
		}
		if (c->blocks.size_bytes > 0 || node->spills)
			node->start_block = block_next(w);
		blocks_add(w, &c->blocks);
		if (node->spills)
			segments_add(w->a, &w->data, c->tail.p, c->tail.n);
		segments_align(w->a, &w->data, EROFS_BLOCK_BYTES);
	}
	w->nodes[w->in->n_inodes].start_block = block_next(w);
	for (size_t i = 0; i < w->in->n_fragments; i++)
		blocks_add(w, &w->in->fragments[i].blocks);
}

static void metadata_put(struct writer *w, const void *p, size_t n)
{
	if (n == 0)
		return;
	assert(n <= w->n_bytes_max - w->n_bytes);
	memcpy(w->bytes + w->n_bytes, p, n);
	segments_add(w->a, &w->meta, w->bytes + w->n_bytes, n);
	w->n_bytes += n;
}

/* The bytes are zero from birth. */
static void meta_pad(struct writer *w, uint64_t to)
{
	uint64_t n = to - w->meta.size_bytes;

	/* what was measured is what was emitted */
	assert(to >= w->meta.size_bytes && n <= w->n_bytes_max - w->n_bytes);
	segments_add(w->a, &w->meta, w->bytes + w->n_bytes, n);
	w->n_bytes += n;
}

/* The ids of shared ones, then the others. */
static void xattrs_emit(struct writer *w, const struct node *node)
{
	struct erofs_disk_xattrs header = { 0 };
	size_t n = inode_of(w, node)->n_xattrs;
	struct buf b = { .a = w->a };

	if (!node->xattrs)
		return;
	for (size_t i = 0; i < n; i++)
		if (node->shared[i] != NOT_SHARED)
			header.n_shared++;
	buf_put(&b, &header, sizeof(header));
	for (size_t i = 0; i < n; i++)
		if (node->shared[i] != NOT_SHARED)
			buf_le32(&b, node->shared[i]);
	for (size_t i = 0; i < n; i++)
		if (node->shared[i] == NOT_SHARED)
			erofs_xattr_put(&b, &node->xattrs[i]);
	metadata_put(w, b.v.p, b.v.n);
}

/* Linux' new_encode_dev(). */
static uint32_t device_encode(uint64_t rdev)
{
	uint32_t low = minor(rdev) & 0xff, high = minor(rdev) & ~0xffu;

	return low | major(rdev) << 8 | high << 12;
}

static void tail_emit(struct writer *w, const struct node *node)
{
	const struct erofs_content *c = inode_of(w, node)->content;
	const uint8_t *tail = c ? (const uint8_t *)c->tail.p
				: node->content + (node->size_bytes - node->tail_bytes);

	if (S_ISREG(inode_of(w, node)->mode))
		segments_add(w->a, &w->meta, tail, node->tail_bytes);
	else
		metadata_put(w, tail, node->tail_bytes);
}

static void index_emit(struct writer *w, const struct node *node)
{
	uint8_t *index;

	meta_pad(w, align_up(w->meta.size_bytes, EROFS_INDEX_ALIGN));
	index = w->bytes + w->n_bytes;
	erofs_index_fill(w, node, index);
	segments_add(w->a, &w->meta, index, node->index_bytes);
	w->n_bytes += node->index_bytes;
}

static uint32_t layout_of(const struct node *node)
{
	if (node->index_bytes > 0)
		return EROFS_LAYOUT_COMPRESSED;
	return node->tail_bytes > 0 ? EROFS_LAYOUT_INLINE : EROFS_LAYOUT_PLAIN;
}

/* What stands where a flat file has its first block. */
static uint32_t inode_number(const struct writer *w, const struct node *node)
{
	const struct erofs_inode *inode = inode_of(w, node);

	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		return device_encode(inode->rdev);
	return node->index_bytes > 0
		       ? (uint32_t)(inode->content->blocks.size_bytes / EROFS_BLOCK_BYTES)
		       : node->start_block;
}

static void node_emit(struct writer *w, const struct node *node)
{
	const struct erofs_inode *inode = inode_of(w, node);
	uint32_t layout = layout_of(node);
	uint64_t start = node->nid * EROFS_SLOT_BYTES;
	uint32_t n_xattr_bytes = node->head_bytes - (uint32_t)sizeof(struct erofs_disk_inode);
	struct erofs_disk_inode d = {
		.format = htole16(
			(uint16_t)(EROFS_FORMAT_EXTENDED | layout << EROFS_FORMAT_LAYOUT_SHIFT)),
		.mode = htole16((uint16_t)inode->mode),
		.size_bytes = htole64(node->size_bytes),
		.start_block_or_device = htole32(inode_number(w, node)),
		.ino = htole32(node->ino),
		.uid = htole32(inode->uid),
		.gid = htole32(inode->gid),
		.mtime_sec = htole64(inode->mtime_sec),
		.n_links = htole32(node->n_links),
	};

	if (n_xattr_bytes > 0)
		d.xattr_count = htole16(
			(uint16_t)((n_xattr_bytes - sizeof(struct erofs_disk_xattrs)) / 4 + 1));
	meta_pad(w, start);
	metadata_put(w, &d, sizeof(d));
	xattrs_emit(w, node);
	assert(w->meta.size_bytes == start + node->head_bytes);
	if (node->index_bytes > 0)
		index_emit(w, node);
	if (node->tail_bytes > 0)
		tail_emit(w, node);
}

static void meta_emit(struct writer *w)
{
	uint64_t end = (uint64_t)w->blocks.n * EROFS_BLOCK_BYTES;

	w->n_bytes_max = end - w->n_file_tail_bytes;
	w->bytes = arena_alloc(w->a, w->n_bytes_max);
	meta_pad(w, EROFS_SUPER_OFFSET + super_bytes(w));
	vec_each(b, &w->blocks) {
		for (uint32_t id = b->first; id != NONE; id = w->nodes[id].next)
			node_emit(w, &w->nodes[id]);
	}
	meta_pad(w, end);
	assert(w->n_bytes == w->n_bytes_max && w->meta.size_bytes == end);
}

/* Last, as the checksum covers what follows it in the first block. */
static void super_emit(struct writer *w)
{
	uint8_t more[EROFS_COMPRESSION_BYTES_MAX], first[EROFS_BLOCK_BYTES];
	struct erofs_disk_super d = {
		.magic = htole32(EROFS_MAGIC),
		.compat = htole32(EROFS_COMPAT_CHECKSUM | EROFS_COMPAT_MTIME),
		.block_bits = EROFS_BLOCK_BITS,
		.root_nid = htole16((uint16_t)w->nodes[0].nid),
		.n_inodes = htole64(w->n_order),
		.epoch_sec = htole64(w->in->build_time_sec),
		.blocks = htole32(block_next(w)),
		.xattr_block = htole32(w->xattr_block),
	};

	size_t n_more = erofs_compression_fill(w, &d, more);

	if (w->in->n_fragments > 0)
		d.packed_nid = htole64(w->nodes[w->in->n_inodes].nid);
	memcpy(w->bytes + EROFS_SUPER_OFFSET + sizeof(d), more, n_more);
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
	TRACE("lay EROFS");
	struct writer w = { .a = a, .in = in };
	int r;

	if (in->volume_name &&
	    strlen(in->volume_name) >= sizeof(((struct erofs_disk_super *)0)->volume_name))
		return err_set(e, -EINVAL, "the volume name '%s' is longer than 15 bytes",
			       in->volume_name);
	w.nodes = arena_array(a, in->n_inodes + 1, sizeof(*w.nodes));
	w.order = arena_array(a, in->n_inodes, sizeof(*w.order));
	r = erofs_packed_make(&w, e);
	if (r < 0)
		return r;
	r = erofs_walk(&w, e);
	if (r < 0)
		return r;
	meta_place(&w);
	xattrs_place(&w);
	data_place(&w, true);
	data_place(&w, false);
	content_place(&w);
	if (w.blocks.n + w.data.size_bytes / EROFS_BLOCK_BYTES >= EROFS_NO_BLOCK)
		return err_set(e, -EFBIG,
			       "%llu bytes of files are more than the 16 TiB of an EROFS image",
			       (unsigned long long)w.data.size_bytes);
	meta_emit(&w);
	super_emit(&w);
	assert(w.data.size_bytes % EROFS_BLOCK_BYTES == 0);
	segments_append(a, &w.meta, &w.data);
	*ret = w.meta;
	return 0;
}
