/* SPDX-License-Identifier: MIT */
/* Reads an image whose bytes may be hostile: every offset is checked, every directory is named
 * once, and all inodes together claim no more bytes than the image has, so that time and memory
 * stay within a constant times its size. */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "disk/erofs_read.h"

int erofs_claim(struct reader *r, uint64_t nid, uint64_t n, struct err *e)
{
	if (n > r->n - r->claimed)
		return err_set(e, -EBADMSG,
			       "inode %llu: the inodes up to it hold more bytes than the image",
			       (unsigned long long)nid);
	r->claimed += n;
	return 0;
}

/* Of all compressed content. Before there were records behind the super block, it was LZ4. */
static int codec_read(struct reader *r, const struct erofs_disk_super *d, struct err *e)
{
	uint32_t incompat = le32toh(d->incompat), algorithms = le16toh(d->compression);

	if (!(incompat & EROFS_INCOMPAT_PADDING))
		r->codec = EROFS_CODEC_NONE;
	else if (!(incompat & EROFS_INCOMPAT_CLUSTERS) || algorithms == 1 << EROFS_ALGORITHM_LZ4)
		r->codec = EROFS_CODEC_LZ4HC;
	else if (algorithms == 1 << EROFS_ALGORITHM_ZSTD)
		r->codec = EROFS_CODEC_ZSTD;
	else
		return err_set(e, -EBADMSG,
			       "is compressed with algorithms %#x, this reader knows LZ4 or zstd",
			       algorithms);
	return 0;
}

static int super_check(const struct reader *r, const struct erofs_disk_super *d, struct err *e)
{
	uint32_t known =
		EROFS_INCOMPAT_PADDING | EROFS_INCOMPAT_CLUSTERS | EROFS_INCOMPAT_FRAGMENTS;
	uint32_t incompat = le32toh(d->incompat) & ~known;

	if (le32toh(d->magic) != EROFS_MAGIC)
		return err_set(e, -EBADMSG, "is not an EROFS image: no magic number at byte 1024");
	if (d->block_bits != EROFS_BLOCK_BITS || d->dir_block_bits != 0)
		return err_set(e, -EBADMSG, "has blocks of 2^%u bytes, this reader wants 4096",
			       d->block_bits);
	if (le32toh(d->compat) & EROFS_COMPAT_CHECKSUM &&
	    le32toh(d->checksum) != erofs_checksum(r->image))
		return err_set(e, -EBADMSG,
			       "the checksum of the super block is %08x, %08x is written in it",
			       erofs_checksum(r->image), le32toh(d->checksum));
	if (incompat != 0)
		return err_set(e, -EBADMSG, "has features %#x that this reader does not know",
			       incompat);
	if (le32toh(d->blocks) == 0 || le32toh(d->blocks) > r->n / EROFS_BLOCK_BYTES)
		return err_set(e, -EBADMSG, "should have %u blocks of 4096 bytes, has %llu bytes",
			       le32toh(d->blocks), (unsigned long long)r->n);
	if (memchr(d->volume_name, '\0', sizeof(d->volume_name)) == NULL)
		return err_set(e, -EBADMSG, "has a volume name without an end");
	return 0;
}

static int super_read(struct reader *r, struct erofs_input *ret, struct err *e)
{
	struct erofs_disk_super d;
	int code;

	if (r->n < EROFS_BLOCK_BYTES)
		return err_set(e, -EBADMSG,
			       "is not an EROFS image: %llu bytes are less than a block",
			       (unsigned long long)r->n);
	memcpy(&d, r->image + EROFS_SUPER_OFFSET, sizeof(d));
	code = super_check(r, &d, e);
	if (code >= 0)
		code = codec_read(r, &d, e);
	if (code < 0)
		return code;
	if (le32toh(d.incompat) & EROFS_INCOMPAT_FRAGMENTS)
		r->packed_nid = le64toh(d.packed_nid);
	r->n = (uint64_t)le32toh(d.blocks) * EROFS_BLOCK_BYTES;
	r->meta_at = (uint64_t)le32toh(d.meta_block) * EROFS_BLOCK_BYTES;
	r->xattr_at = (uint64_t)le32toh(d.xattr_block) * EROFS_BLOCK_BYTES;
	r->root_nid = le16toh(d.root_nid);
	r->epoch_sec = le64toh(d.epoch_sec);
	ret->build_time_sec = r->epoch_sec + le32toh(d.build_sec);
	memcpy(ret->uuid, d.uuid, sizeof(ret->uuid));
	ret->volume_name = d.volume_name[0] ? str_z(r->a, str_c(d.volume_name)) : NULL;
	return 0;
}

/* Linux' new_decode_dev(). */
static uint64_t device_decode(uint32_t dev)
{
	return makedev(dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & 0xfff00));
}

static void compact_parse(const struct reader *r, const uint8_t *p, struct found *f,
			  struct erofs_inode *inode)
{
	struct erofs_disk_compact d;

	memcpy(&d, p, sizeof(d));
	f->xattr_count = le16toh(d.xattr_count);
	f->size_bytes = le32toh(d.size_bytes);
	f->n_links = le16toh(d.n_links);
	f->start_block = le32toh(d.start_block_or_device);
	*inode = (struct erofs_inode){
		.mode = le16toh(d.mode),
		.uid = le16toh(d.uid),
		.gid = le16toh(d.gid),
		.mtime_sec = r->epoch_sec + le32toh(d.mtime_sec),
	};
}

static void extended_parse(const uint8_t *p, struct found *f, struct erofs_inode *inode)
{
	struct erofs_disk_inode d;

	memcpy(&d, p, sizeof(d));
	f->xattr_count = le16toh(d.xattr_count);
	f->size_bytes = le64toh(d.size_bytes);
	f->n_links = le32toh(d.n_links);
	f->start_block = le32toh(d.start_block_or_device);
	*inode = (struct erofs_inode){
		.mode = le16toh(d.mode),
		.uid = le32toh(d.uid),
		.gid = le32toh(d.gid),
		.mtime_sec = le64toh(d.mtime_sec),
	};
}

static int inode_parse(struct reader *r, struct found *f, struct erofs_inode *inode, struct err *e)
{
	struct rd rd = { .p = r->image, .n = r->n };
	uint16_t format;
	const uint8_t *p;

	rd_seek(&rd, r->meta_at + f->nid * EROFS_SLOT_BYTES);
	format = rd_le16(&rd);
	rd_seek(&rd, r->meta_at + f->nid * EROFS_SLOT_BYTES);
	p = rd_bytes(&rd, format & EROFS_FORMAT_EXTENDED ? sizeof(struct erofs_disk_inode)
							 : sizeof(struct erofs_disk_compact));
	if (!p)
		return damage(f, e, "reaches beyond the end of the image");
	f->layout = (uint8_t)(format >> EROFS_FORMAT_LAYOUT_SHIFT);
	if (f->layout != EROFS_LAYOUT_PLAIN && f->layout != EROFS_LAYOUT_INLINE &&
	    f->layout != EROFS_LAYOUT_COMPRESSED)
		return damage(f, e,
			      "has a compact index or chunks, which this reader does not know");
	if (format & EROFS_FORMAT_EXTENDED)
		extended_parse(p, f, inode);
	else
		compact_parse(r, p, f, inode);
	f->at = rd.pos;
	return erofs_claim(r, f->nid, rd.pos - (r->meta_at + f->nid * EROFS_SLOT_BYTES), e);
}

/* The bytes of a file, link or directory: blocks, and with the inline layout a tail behind inode
 * and xattrs. */
static int content_read(struct reader *r, const struct found *f, struct str *ret, struct err *e)
{
	bool inlined = f->layout == EROFS_LAYOUT_INLINE;
	uint64_t n_tail = inlined ? f->size_bytes % EROFS_BLOCK_BYTES : 0;
	uint64_t n_full = f->size_bytes - n_tail;
	struct rd tail = { .p = r->image, .n = r->n }, full = tail;
	struct str s_tail, s_full;
	int code;

	if (f->layout == EROFS_LAYOUT_COMPRESSED)
		return damage(f, e, "is compressed and no file");
	code = erofs_claim(r, f->nid, f->size_bytes, e);
	if (code < 0)
		return code;
	if (inlined && (n_tail == 0 || f->at % EROFS_BLOCK_BYTES + n_tail > EROFS_BLOCK_BYTES))
		return damage(f, e, "has inlined data that is empty or crosses a block");
	rd_seek(&tail, f->at);
	s_tail = rd_str(&tail, n_tail);
	if (n_full > 0)
		rd_seek(&full, (uint64_t)f->start_block * EROFS_BLOCK_BYTES);
	s_full = rd_str(&full, n_full);
	if (tail.bad || full.bad)
		return damage(f, e, "has data beyond the end of the image");
	if (n_full > 0 && n_tail > 0)
		*ret = str_cat(r->a, s_full, s_tail);
	else
		*ret = n_tail > 0 ? s_tail : s_full;
	return 0;
}

static bool xattr_take(struct reader *r, struct rd *rd, struct xattr *ret)
{
	uint8_t name_bytes = rd_u8(rd), id = rd_u8(rd);
	uint16_t value_bytes = rd_le16(rd);
	struct str name = rd_str(rd, name_bytes);
	const struct erofs_xattr_prefix *prefix = erofs_xattr_prefixes;

	ret->value = rd_str(rd, value_bytes);
	while (prefix->id != 0 && prefix->id != id)
		prefix++;
	if (rd->bad || prefix->id == 0 || prefix->whole != (name.n == 0) ||
	    (name.n > 0 && memchr(name.p, '\0', name.n)))
		return false;
	ret->name = str_cat(r->a, prefix->text, name);
	return true;
}

/* The table of shared xattrs, by its ids in units of 4 bytes. */
static bool xattr_take_shared(struct reader *r, uint32_t id, struct xattr *ret)
{
	struct rd rd = { .p = r->image, .n = r->n };

	rd_seek(&rd, r->xattr_at + (uint64_t)id * 4);
	return xattr_take(r, &rd, ret);
}

static int xattrs_read(struct reader *r, struct found *f, struct erofs_inode *inode, struct err *e)
{
	uint64_t n = sizeof(struct erofs_disk_xattrs) + 4 * ((uint64_t)f->xattr_count - 1);
	VEC(struct xattr) xattrs = { 0 };
	struct xattr x;
	struct rd rd;
	uint8_t n_shared;
	int code;

	if (f->xattr_count == 0)
		return 0;
	code = erofs_claim(r, f->nid, n, e);
	if (code < 0)
		return code;
	if (n > r->n - f->at)
		return damage(f, e, "has xattrs beyond the end of the image");
	rd = (struct rd){ .p = r->image + f->at, .n = n, .pos = sizeof(uint32_t) };
	n_shared = rd_u8(&rd);
	rd_seek(&rd, sizeof(struct erofs_disk_xattrs));
	for (unsigned i = 0; i < n_shared; i++) {
		if (!xattr_take_shared(r, rd_le32(&rd), &x) || rd.bad)
			return damage(f, e, "has a damaged shared xattr");
		vec_push(r->a, &xattrs) = x;
	}
	while (rd.pos < rd.n) {
		if (!xattr_take(r, &rd, &x))
			return damage(f, e, "has a damaged xattr");
		vec_push(r->a, &xattrs) = x;
		rd_seek(&rd, (rd.pos + 3) & ~UINT64_C(3));
	}
	f->at += n;
	inode->xattrs = xattrs.p;
	inode->n_xattrs = xattrs.n;
	return 0;
}

/* Puts an inode at the end of the list, once. *ret_new says whether it was not there before. */
static int inode_add(struct reader *r, uint64_t nid, uint64_t parent_nid, uint32_t *ret,
		     bool *ret_new, struct err *e)
{
	struct found f = { .nid = nid, .parent_nid = parent_nid };
	struct erofs_inode inode;
	int code;

	if (nid >= r->n / EROFS_SLOT_BYTES)
		return damage(&f, e, "lies beyond the end of the image");
	*ret_new = r->index[nid] == 0;
	if (!*ret_new) {
		*ret = r->index[nid] - 1;
		return 0;
	}
	code = inode_parse(r, &f, &inode, e);
	if (code < 0)
		return code;
	if (erofs_file_type(inode.mode) == 0)
		return damage(&f, e, "has no valid file type in its mode");
	code = xattrs_read(r, &f, &inode, e);
	if (code < 0)
		return code;
	vec_push(r->a, &r->inodes) = inode;
	vec_push(r->a, &r->found) = f;
	*ret = (uint32_t)r->inodes.n - 1;
	r->index[nid] = *ret + 1;
	return 0;
}

static bool dot_check(const struct found *dir, struct str name, uint64_t nid)
{
	return nid == (name.n == 1 ? dir->nid : dir->parent_nid);
}

static int entry_add(struct reader *r, uint32_t dir, struct str name,
		     const struct erofs_disk_dirent *d, uint32_t *ret, struct err *e)
{
	const uint64_t parent_nid = r->found.p[dir].nid;
	bool is_new, is_dir;
	int code = inode_add(r, le64toh(d->nid), parent_nid, ret, &is_new, e);

	if (code < 0)
		return err_wrap(e, code, "inode %llu: entry '%.*s'", (unsigned long long)parent_nid,
				STR_FMT(name));
	is_dir = S_ISDIR(r->inodes.p[*ret].mode);
	if (is_dir && !is_new)
		return damage(&r->found.p[*ret], e, "is a directory with two names");
	if (erofs_file_type(r->inodes.p[*ret].mode) != d->type)
		return damage(&r->found.p[*ret], e, "is of another type than its directory says");
	r->found.p[*ret].n_links_seen += is_dir ? 2 : 1;
	r->found.p[dir].n_links_seen += is_dir;
	return 0;
}

struct dir_state {
	uint32_t dir;
	struct str previous;
	unsigned n_dots;
	VEC(struct erofs_dirent) entries;
};

static int name_read(struct reader *r, struct dir_state *s, struct str name,
		     const struct erofs_disk_dirent *d, struct err *e)
{
	const struct found *dir = &r->found.p[s->dir];
	uint32_t inode;
	int code;

	if (name.n == 0 || name.n > EROFS_NAME_BYTES_MAX || memchr(name.p, '/', name.n) ||
	    memchr(name.p, '\0', name.n))
		return damage(dir, e, "is a directory with an impossible name in it");
	if (str_cmp(s->previous, name) >= 0)
		return damage(dir, e, "is a directory whose names are not in order");
	s->previous = name;
	if (str_eqz(name, ".") || str_eqz(name, "..")) {
		s->n_dots++;
		return dot_check(dir, name, le64toh(d->nid))
			       ? 0
			       : damage(dir, e, "has a wrong '.' or '..'");
	}
	code = entry_add(r, s->dir, name, d, &inode, e);
	if (code < 0)
		return code;
	vec_push(r->a, &s->entries) = (struct erofs_dirent){ name, inode };
	return 0;
}

/* Entry @i of the @n in @block. A name ends where the next begins; the last one with the block, or
 * before a NUL. */
static bool dirent_parse(struct str block, size_t i, size_t n, struct erofs_disk_dirent *ret,
			 struct str *ret_name)
{
	struct erofs_disk_dirent next = { .name_offset = htole16((uint16_t)block.n) };
	size_t start, end;

	memcpy(ret, block.p + i * sizeof(*ret), sizeof(*ret));
	if (i + 1 < n)
		memcpy(&next, block.p + (i + 1) * sizeof(next), sizeof(next));
	start = le16toh(ret->name_offset);
	end = le16toh(next.name_offset);
	if (start < n * sizeof(*ret) || start > end || end > block.n)
		return false;
	*ret_name = (struct str){ block.p + start, end - start };
	if (i + 1 == n)
		ret_name->n = strnlen(ret_name->p, ret_name->n);
	return true;
}

static int dir_block_read(struct reader *r, struct dir_state *s, struct str block, struct err *e)
{
	struct erofs_disk_dirent d = { 0 };
	struct str name;
	size_t n_bytes;

	if (block.n >= sizeof(d))
		memcpy(&d, block.p, sizeof(d));
	n_bytes = le16toh(d.name_offset); /* of all the dirents */
	if (n_bytes == 0 || n_bytes % sizeof(d) != 0 || n_bytes > block.n)
		return damage(&r->found.p[s->dir], e, "is a directory with a damaged block");
	for (size_t i = 0; i < n_bytes / sizeof(d); i++) {
		int code;

		if (!dirent_parse(block, i, n_bytes / sizeof(d), &d, &name))
			return damage(&r->found.p[s->dir], e,
				      "is a directory with a damaged block");
		code = name_read(r, s, name, &d, e);
		if (code < 0)
			return code;
	}
	return 0;
}

static int dir_read(struct reader *r, uint32_t id, struct err *e)
{
	struct dir_state s = { .dir = id };
	struct str content;
	int code = content_read(r, &r->found.p[id], &content, e);

	if (code < 0)
		return code;
	while (content.n > 0) {
		code = dir_block_read(r, &s, str_head(content, EROFS_BLOCK_BYTES), e);
		if (code < 0)
			return code;
		content = str_from(content, EROFS_BLOCK_BYTES);
	}
	if (s.n_dots != 2)
		return damage(&r->found.p[id], e, "is a directory without '.' or '..'");
	r->inodes.p[id].entries = s.entries.p;
	r->inodes.p[id].n_entries = s.entries.n;
	return 0;
}

static int inode_fill(struct reader *r, uint32_t id, struct err *e)
{
	uint32_t mode = r->inodes.p[id].mode;
	struct str data;
	int code;

	if (S_ISDIR(mode))
		return dir_read(r, id, e);
	if (S_ISREG(mode)) {
		code = erofs_file_content(r, &r->found.p[id], &r->inodes.p[id].content, e);
		if (code < 0 || r->inodes.p[id].content)
			return code;
	}
	if (S_ISREG(mode) || S_ISLNK(mode)) {
		code = content_read(r, &r->found.p[id], &data, e);
		if (code < 0)
			return code;
		if (S_ISLNK(mode) && (data.n == 0 || data.n > EROFS_SYMLINK_BYTES_MAX ||
				      memchr(data.p, '\0', data.n)))
			return damage(&r->found.p[id], e,
				      "is a symbolic link with an impossible target");
		r->inodes.p[id].data = data;
	} else if (r->found.p[id].size_bytes != 0) {
		return damage(&r->found.p[id], e, "has data and is neither file nor symbolic link");
	} else if (S_ISCHR(mode) || S_ISBLK(mode)) {
		r->inodes.p[id].rdev = device_decode(r->found.p[id].start_block);
	}
	return 0;
}

static int packed_read(struct reader *r, struct err *e)
{
	struct found f = { .nid = r->packed_nid };
	struct erofs_inode inode;
	int code;

	if (f.nid == 0)
		return 0;
	if (f.nid >= r->n / EROFS_SLOT_BYTES)
		return damage(&f, e, "lies beyond the end of the image");
	code = inode_parse(r, &f, &inode, e);
	if (code >= 0)
		code = xattrs_read(r, &f, &inode, e);
	return code < 0 ? code : erofs_packed_read(r, &f, e);
}

static int tree_read(struct reader *r, struct err *e)
{
	bool is_new;
	uint32_t root;
	int code = inode_add(r, r->root_nid, r->root_nid, &root, &is_new, e);

	if (code < 0)
		return code;
	if (!S_ISDIR(r->inodes.p[root].mode))
		return damage(&r->found.p[root], e, "is the root and no directory");
	r->found.p[root].n_links_seen = 2;
	for (uint32_t id = 0; id < r->inodes.n; id++) {
		code = inode_fill(r, id, e);
		if (code < 0)
			return code;
	}
	vec_each(f, &r->found) {
		if (f->n_links != f->n_links_seen)
			return damage(f, e, "has another number of links than its directories say");
	}
	return 0;
}

int erofs_read(struct arena *a, const uint8_t *image, size_t n, struct erofs_input *ret,
	       struct err *e)
{
	struct reader r = { .a = a, .image = image, .n = n };
	struct erofs_input input = { 0 };
	int code = super_read(&r, &input, e);

	if (code < 0)
		return code;
	r.index = arena_array(a, r.n / EROFS_SLOT_BYTES, sizeof(*r.index));
	code = packed_read(&r, e);
	if (code >= 0)
		code = tree_read(&r, e);
	if (code < 0)
		return code;
	input.codec = r.codec;
	input.fragments = r.fragments.p;
	input.n_fragments = r.fragments.n;
	input.inodes = r.inodes.p;
	input.n_inodes = r.inodes.n;
	*ret = input;
	return 0;
}
