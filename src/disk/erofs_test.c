/* SPDX-License-Identifier: MIT */
#include "disk/erofs.h"

#include "base/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/proc.h"
#include "disk/erofs_format.h"

typedef VEC(struct erofs_dirent) vec_dirent;

/* A tree that grows. */
struct tree {
	struct arena *a;
	VEC(struct erofs_inode) inodes;
	VEC(vec_dirent) entries;
};

static uint32_t tree_inode(struct tree *t, uint32_t mode, struct str data)
{
	uint32_t id = (uint32_t)t->inodes.n;

	vec_push(t->a, &t->inodes) = (struct erofs_inode){ .mode = mode,
							   .uid = 1000 + id % 3,
							   .gid = 100000 + id,
							   .mtime_sec = 1700000000 + id,
							   .data = data };
	vec_push(t->a, &t->entries) = (vec_dirent){ 0 };
	return id;
}

static void tree_link(struct tree *t, uint32_t dir, struct str name, uint32_t inode)
{
	vec_push(t->a, &t->entries.p[dir]) = (struct erofs_dirent){ name, inode };
}

static uint32_t tree_add(struct tree *t, uint32_t dir, const char *name, uint32_t mode,
			 struct str data)
{
	uint32_t id = tree_inode(t, mode, data);

	tree_link(t, dir, str_c(name), id);
	return id;
}

static struct tree tree_new(struct arena *a)
{
	struct tree t = { .a = a };

	tree_inode(&t, S_IFDIR | 0755, (struct str){ 0 });
	return t;
}

static struct erofs_input tree_input(struct tree *t)
{
	for (size_t i = 0; i < t->inodes.n; i++) {
		t->inodes.p[i].entries = t->entries.p[i].p;
		t->inodes.p[i].n_entries = t->entries.p[i].n;
	}
	return (struct erofs_input){
		.inodes = t->inodes.p,
		.n_inodes = t->inodes.n,
		.build_time_sec = 1700000000,
		.uuid = { 0xa5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
		.volume_name = "ashlar-root",
	};
}

static struct str pattern(struct arena *a, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 31 + i / 255 + n);
	return (struct str){ p, n };
}

static int by_name(const void *x, const void *y)
{
	return str_cmp(((const struct erofs_dirent *)x)->name,
		       ((const struct erofs_dirent *)y)->name);
}

static int by_xattr(const void *x, const void *y)
{
	return str_cmp(((const struct xattr *)x)->name, ((const struct xattr *)y)->name);
}

static void *sorted(struct arena *a, const void *p, size_t n, size_t size,
		    int (*by)(const void *, const void *))
{
	void *copy = arena_copy(a, p, n * size);

	qsort(copy, n, size, by);
	return copy;
}

static void assert_same_xattrs(struct arena *a, const struct erofs_inode *x,
			       const struct erofs_inode *y)
{
	struct xattr *xs = sorted(a, x->xattrs, x->n_xattrs, sizeof(*xs), by_xattr);
	struct xattr *ys = sorted(a, y->xattrs, y->n_xattrs, sizeof(*ys), by_xattr);

	assert_int_equal(x->n_xattrs, y->n_xattrs);
	for (size_t i = 0; i < x->n_xattrs; i++) {
		assert_true(str_eq(xs[i].name, ys[i].name));
		assert_true(str_eq(xs[i].value, ys[i].value));
	}
}

/* The bytes of a file or link, cut or not. */
static struct str data_of(struct arena *a, const struct erofs_input *in,
			  const struct erofs_inode *inode)
{
	struct str data = inode->data;
	struct err e;

	if (inode->content)
		assert_ok(erofs_content_read(a, in->codec, inode->content, in->fragments,
					     in->n_fragments, &data, &e),
			  &e);
	return data;
}

/* The same tree, hard links included; @twin maps inodes of @x to those of @y, + 1. */
static void assert_same(struct arena *a, const struct erofs_input *x, uint32_t xi,
			const struct erofs_input *y, uint32_t yi, uint32_t *twin)
{
	const struct erofs_inode *i = &x->inodes[xi], *j = &y->inodes[yi];
	struct erofs_dirent *xs, *ys;

	if (twin[xi]) {
		assert_int_equal(twin[xi], yi + 1);
		return;
	}
	twin[xi] = yi + 1;
	assert_int_equal(i->mode, j->mode);
	assert_int_equal(i->uid, j->uid);
	assert_int_equal(i->gid, j->gid);
	assert_int_equal(i->mtime_sec, j->mtime_sec);
	assert_int_equal(i->rdev, j->rdev);
	assert_true(str_eq(data_of(a, x, i), data_of(a, y, j)));
	assert_same_xattrs(a, i, j);
	assert_int_equal(i->n_entries, j->n_entries);
	xs = sorted(a, i->entries, i->n_entries, sizeof(*xs), by_name);
	ys = sorted(a, j->entries, j->n_entries, sizeof(*ys), by_name);
	for (size_t k = 0; k < i->n_entries; k++) {
		assert_true(str_eq(xs[k].name, ys[k].name));
		assert_same(a, x, xs[k].inode, y, ys[k].inode, twin);
	}
}

static struct str write_and_read(struct arena *a, const struct erofs_input *in,
				 struct erofs_input *ret_back)
{
	struct segments s;
	struct err e;
	uint8_t *image;

	assert_ok(erofs_write(a, in, &s, &e), &e);
	assert_int_equal(s.size_bytes % EROFS_BLOCK_BYTES, 0);
	image = segments_flatten(a, &s);
	assert_ok(erofs_read(a, image, s.size_bytes, ret_back, &e), &e);
	assert_int_equal(ret_back->n_inodes, in->n_inodes);
	assert_int_equal(ret_back->build_time_sec, in->build_time_sec);
	assert_memory_equal(ret_back->uuid, in->uuid, 16);
	assert_string_equal(ret_back->volume_name, in->volume_name);
	assert_same(a, in, 0, ret_back, 0, arena_array(a, in->n_inodes, sizeof(uint32_t)));
	return (struct str){ (const char *)image, s.size_bytes };
}

/* Written, read back the same, and written again to the same bytes: at once, or, where content lay
 * in the order in which inodes were given, when they are given in the order of the tree. */
static struct str round_trip(struct arena *a, const struct erofs_input *in)
{
	bool cut = false;
	struct erofs_input back, again;
	struct str image = write_and_read(a, in, &back), second, third;

	for (size_t i = 0; i < in->n_inodes; i++)
		cut |= in->inodes[i].content != NULL;
	second = write_and_read(a, &back, &again);
	third = write_and_read(a, &again, &back);
	assert_int_equal(second.n, image.n);
	assert_true(cut || str_eq(image, second));
	assert_true(str_eq(second, third));
	return image;
}

static bool missing(const char *tool)
{
	return !file_exists(tool);
}

static struct str run(struct arena *a, const char *const *argv)
{
	struct proc_result r;
	struct err e;

	assert_ok(proc_run(a, argv, (struct str){ 0 }, NULL, &r, &e), &e);
	if (r.status != 0)
		fail_msg("%s: status %d: %.*s%.*s", argv[0], r.status, STR_FMT(r.out),
			 STR_FMT(r.err));
	return str_cat(a, r.out, r.err);
}

static char *image_file(struct arena *a, struct str image)
{
	char *path = path_join(a, test_dir(a), "image");
	struct err e;

	assert_ok(file_write(path, 0644, image.p, image.n, &e), &e);
	return path;
}

static void judge_fsck(struct arena *a, struct str image)
{
	char *path = image_file(a, image);
	struct str out = run(a, (const char *[]){ "fsck.erofs", "-d1", path, NULL });

	assert_false(str_has(out, "corrupt"));
	unlink(path);
}

static void assert_extracted(struct arena *a, const struct erofs_input *in, uint32_t id,
			     const char *path)
{
	const struct erofs_inode *inode = &in->inodes[id];
	struct stat st;
	struct str data;
	char target[4096];
	struct err e;

	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & S_IFMT, inode->mode & S_IFMT);
	if (S_ISREG(inode->mode)) {
		assert_ok(file_read(a, path, 64 << 20, &data, &e), &e);
		assert_true(str_eq(data, data_of(a, in, inode)));
	} else if (S_ISLNK(inode->mode)) {
		assert_int_equal(readlink(path, target, sizeof(target)), inode->data.n);
		assert_memory_equal(target, inode->data.p, inode->data.n);
	}
	for (size_t i = 0; i < inode->n_entries; i++)
		assert_extracted(a, in, inode->entries[i].inode,
				 path_join(a, path, str_z(a, inode->entries[i].name)));
}

/* What fsck.erofs unpacks is the tree. */
static void judge_extract(struct arena *a, const struct erofs_input *in, struct str image)
{
	char *dir = test_dir(a), *path = path_join(a, dir, "image"), *to = path_join(a, dir, "to");
	struct err e;

	assert_ok(file_write(path, 0644, image.p, image.n, &e), &e);
	run(a, (const char *[]){ "fsck.erofs", "--no-preserve",
				 str_z(a, str_printf(a, "--extract=%s", to)), path, NULL });
	assert_extracted(a, in, 0, to);
	assert_ok(dir_remove(dir, &e), &e);
}

static struct tree small_tree(struct arena *a)
{
	static const size_t sizes[] = { 0,    1,    4031, 4032, 4033,
					4095, 4096, 4097, 8191, (1 << 20) + 3 };
	static char long_name[256];
	struct tree t = tree_new(a);
	uint32_t usr = tree_add(&t, 0, "usr", S_IFDIR | 0755, (struct str){ 0 });
	uint32_t bin = tree_add(&t, usr, "bin", S_IFDIR | 0711, (struct str){ 0 });
	uint32_t file;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		tree_add(&t, bin, str_z(a, str_printf(a, "size-%zu", sizes[i])), S_IFREG | 0644,
			 pattern(a, sizes[i]));
	memset(long_name, 'n', 255);
	file = tree_add(&t, 0, long_name, S_IFREG | 04755, STR("hello\n"));
	tree_link(&t, bin, STR("hard"), file);
	tree_link(&t, bin, STR("-sorts before the dots"), file);
	tree_add(&t, 0, "link", S_IFLNK | 0777, STR("usr/bin/hard"));
	tree_add(&t, 0, "long link", S_IFLNK | 0777,
		 str_c(memset(arena_alloc(a, 4000), 'l', 3999)));
	tree_add(&t, 0, "empty", S_IFDIR | 01777, (struct str){ 0 });
	return t;
}

static void add_specials(struct tree *t)
{
	uint32_t dev = tree_add(t, 0, "dev", S_IFDIR | 0755, (struct str){ 0 });

	t->inodes.p[tree_add(t, dev, "null", S_IFCHR | 0666, (struct str){ 0 })].rdev =
		makedev(1, 3);
	t->inodes.p[tree_add(t, dev, "big", S_IFBLK | 0600, (struct str){ 0 })].rdev =
		makedev(4095, 0xabcde);
	tree_add(t, dev, "fifo", S_IFIFO | 0600, (struct str){ 0 });
	tree_add(t, dev, "socket", S_IFSOCK | 0600, (struct str){ 0 });
}

static void test_extract(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t = small_tree(&a);
	struct erofs_input in = tree_input(&t);
	struct str image = round_trip(&a, &in);

	(void)state;
	if (missing("/usr/bin/fsck.erofs"))
		skip();
	judge_extract(&a, &in, image);
}

/* Cuts all files of a tree, as packs do: rests one behind the other into fragments. */
static void tree_cut(struct tree *t, const struct erofs_compression *how, struct erofs_input *in)
{
	struct buf rests = { .a = t->a };
	struct erofs_fragment *f = arena_array(t->a, 1, sizeof(*f));
	struct str bytes;
	struct err e;

	vec_each(inode, &t->inodes) {
		struct erofs_content *c = arena_new(t->a, struct erofs_content);
		uint32_t rest;

		if (!S_ISREG(inode->mode))
			continue;
		assert_ok(erofs_cut(t->a, inode->data, how, c, &bytes, &rest, &e), &e);
		c->blocks = (struct segment){ (const uint8_t *)bytes.p, bytes.n, NULL };
		c->fragment = rest > 0 ? 0 : EROFS_NO_FRAGMENT;
		c->fragment_offset = (uint32_t)rests.v.n;
		buf_put(&rests, str_from(inode->data, inode->data.n - rest).p, rest);
		inode->data = (struct str){ 0 };
		inode->content = c;
	}
	*in = tree_input(t);
	in->codec = how->codec;
	if (rests.v.n == 0)
		return;
	assert_ok(erofs_cut_fragment(t->a, (struct str){ (char *)rests.v.p, rests.v.n }, how,
				     &f->cluster, &bytes, &e),
		  &e);
	f->blocks = (struct segment){ (const uint8_t *)bytes.p, bytes.n, NULL };
	in->fragments = f;
	in->n_fragments = 1;
}

/* @n bytes by chance, of so many values: 256 do not shrink. */
static struct str noise(struct arena *a, size_t n, unsigned n_values)
{
	char *p = arena_alloc(a, n + 1);
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1103515245 + 12345;
		p[i] = (char)((x >> 16) % n_values);
	}
	return (struct str){ p, n };
}

static struct tree compressed_tree(struct arena *a)
{
	struct tree t = small_tree(a);
	uint32_t many = tree_add(&t, 0, "with many xattrs", S_IFREG, noise(a, 8191, 256));
	struct xattr *x = arena_new(a, struct xattr);

	*x = (struct xattr){ STR("user.long"), pattern(a, 3000) };
	t.inodes.p[many].xattrs = x;
	t.inodes.p[many].n_xattrs = 1;
	tree_add(&t, 0, "shrinks", S_IFREG | 0644, noise(a, 1200000, 9));
	tree_add(&t, 0, "does not", S_IFREG | 0644, noise(a, 70000, 256));
	tree_add(&t, 0, "in part", S_IFREG | 0644,
		 str_cat(a, noise(a, 500000, 7), noise(a, 200000, 256)));
	tree_add(&t, 0, "one byte", S_IFREG | 0644, noise(a, 700000, 1));
	tree_add(&t, 0, "small", S_IFREG | 0644, noise(a, 20000, 7));
	return t;
}

static void test_compressed(void **state)
{
	static const struct erofs_compression hows[] = {
		{ EROFS_CODEC_ZSTD, 5, 65536 },
		{ EROFS_CODEC_LZ4HC, 9, 32768 },
		{ EROFS_CODEC_ZSTD, 3, 4096 },
		{ EROFS_CODEC_NONE, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hows) / sizeof(*hows); i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct tree t = compressed_tree(&a);
		struct erofs_input in;

		tree_cut(&t, &hows[i], &in);
		(void)round_trip(&a, &in);
	}
}

/* Inodes with one content have its blocks once. */
static void test_shared(void **state)
{
	static const struct erofs_compression how = { EROFS_CODEC_ZSTD, 3, 65536 };
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t = tree_new(&a);
	uint32_t one = tree_add(&t, 0, "one", S_IFREG, noise(&a, 500000, 20));
	uint32_t flat = tree_add(&t, 0, "flat", S_IFREG, noise(&a, 100000, 256));
	struct erofs_input in;
	size_t before;

	(void)state;
	tree_cut(&t, &how, &in);
	before = round_trip(&a, &in).n;
	t.inodes.p[tree_add(&t, 0, "two", S_IFREG, STR(""))].content = t.inodes.p[one].content;
	t.inodes.p[tree_add(&t, 0, "flat, too", S_IFREG, STR(""))].content =
		t.inodes.p[flat].content;
	in.inodes = tree_input(&t).inodes;
	in.n_inodes = t.inodes.n;
	assert_true(round_trip(&a, &in).n < before + 4 * EROFS_BLOCK_BYTES);
}

static void test_bad_content(void **state)
{
	static const struct erofs_compression how = { EROFS_CODEC_ZSTD, 3, 65536 };
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t = tree_new(&a);
	uint32_t id = tree_add(&t, 0, "x", S_IFREG, noise(&a, 500000, 20));
	struct erofs_content bad, good;
	struct erofs_input in;
	struct segments s;
	struct err e;

	(void)state;
	tree_cut(&t, &how, &in);
	good = bad = *t.inodes.p[id].content;
	t.inodes.p[id].content = &bad;
	in.codec = EROFS_CODEC_NONE;
	assert_err(erofs_write(&a, &in, &s, &e), &e, "fragments without a codec");
	in.codec = how.codec;
	bad.n_clusters--;
	assert_err(erofs_write(&a, &in, &s, &e), &e,
		   "'/x': has content whose clusters are not what is in its blocks");
	bad = good;
	bad.fragment = 8;
	assert_err(erofs_write(&a, &in, &s, &e), &e,
		   "'/x': has content that neither ends with its clusters nor lies in a fragment");
	bad = good;
	bad.clusters = NULL;
	bad.n_clusters = 0;
	bad.fragment = EROFS_NO_FRAGMENT;
	assert_err(erofs_write(&a, &in, &s, &e), &e,
		   "'/x': has flat content whose blocks and tail are not its size");
	t.inodes.p[id].mode = S_IFIFO;
	assert_err(erofs_write(&a, &in, &s, &e), &e,
		   "'/x': has cut content and is no file, or has data, too");
}

static void test_specials_and_xattrs(void **state)
{
	static const struct xattr xattrs[] = {
		{ { "user.x", 6 }, { "", 0 } },
		{ { "security.capability", 19 },
		  { "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20 } },
		{ { "security.selinux", 16 }, { "system_u:object_r:bin_t:s0", 27 } },
		{ { "trusted.overlay.opaque", 22 }, { "y", 1 } },
		{ { "system.posix_acl_access", 23 }, { "\2\0\0\0", 4 } },
		{ { "system.posix_acl_default", 24 }, { "\2\0\0\0", 4 } },
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct xattr huge = { STR("user.huge"), pattern(&a, 65535) };
	struct tree t = small_tree(&a);
	struct erofs_input in;
	struct str image;

	(void)state;
	add_specials(&t);
	for (size_t i = 0; i < t.inodes.n; i++) {
		t.inodes.p[i].xattrs = xattrs + i % 3;
		t.inodes.p[i].n_xattrs = 1 + i % 4;
	}
	t.inodes.p[3].xattrs = t.inodes.p[9].xattrs = &huge; /* its tail cannot be inlined */
	t.inodes.p[3].n_xattrs = t.inodes.p[9].n_xattrs = 1;
	in = tree_input(&t);
	image = round_trip(&a, &in);
	if (missing("/usr/bin/fsck.erofs"))
		skip();
	judge_fsck(&a, image);
}

/* What the kernel's own driver says of a file's attribute; only where root may mount. */
static void judge_kernel_xattr(struct arena *a, struct str image, const char *file,
			       const struct xattr *want)
{
	char *dir = test_dir(a), *path = path_join(a, dir, "image"), *to = path_join(a, dir, "to");
	struct proc_result r;
	char value[256];
	ssize_t n;
	struct err e;

	assert_ok(file_write(path, 0644, image.p, image.n, &e), &e);
	assert_ok(dir_make(to, &e), &e);
	assert_ok(proc_run(a,
			   (const char *[]){ "mount", "-t", "erofs", "-o", "loop,ro", path, to,
					     NULL },
			   (struct str){ 0 }, NULL, &r, &e),
		  &e);
	if (r.status == 0) {
		n = lgetxattr(path_join(a, to, file), want->name.p, value, sizeof(value));
		run(a, (const char *[]){ "umount", to, NULL });
		assert_int_equal(n, want->value.n);
		assert_memory_equal(value, want->value.p, want->value.n);
	}
	assert_ok(dir_remove(dir, &e), &e);
}

static void test_shared_xattrs(void **state)
{
	static const struct xattr label[] = {
		{ { "security.selinux", 16 }, { "system_u:object_r:etc_t:s0", 27 } },
		{ { "user.mine", 9 }, { "of one file only", 16 } },
	};
	static const struct xattr other = { { "security.selinux", 16 },
					    { "system_u:object_r:bin_t:s0", 27 } };
	enum { FILES = 600 };
	_cleanup_arena_ struct arena a = { 0 };
	struct tree plain = tree_new(&a), t = tree_new(&a);
	struct erofs_disk_super super;
	struct erofs_input in;
	struct str image, without;

	(void)state;
	for (int i = 0; i < FILES; i++) {
		const char *name = str_z(&a, str_printf(&a, "f%d", i));
		uint32_t id = tree_add(&t, 0, name, S_IFREG | 0644, pattern(&a, 100));

		(void)tree_add(&plain, 0, name, S_IFREG | 0644, pattern(&a, 100));
		t.inodes.p[id].xattrs = i % 3 ? label : &other;
		t.inodes.p[id].n_xattrs = i == 1 ? 2 : 1;
	}
	in = tree_input(&plain);
	without = round_trip(&a, &in);
	in = tree_input(&t);
	image = round_trip(&a, &in);
	/* a header and an id each, which may cost a slot; the values only once */
	assert_true(image.n <= without.n + FILES * EROFS_SLOT_BYTES + 2 * EROFS_BLOCK_BYTES);
	memcpy(&super, image.p + EROFS_SUPER_OFFSET, sizeof(super));
	assert_int_not_equal(super.xattr_block, 0);
	memcpy(&super, without.p + EROFS_SUPER_OFFSET, sizeof(super));
	assert_int_equal(super.xattr_block, 0);
	if (!missing("/usr/bin/fsck.erofs"))
		judge_fsck(&a, image);
	if (geteuid() == 0) {
		judge_kernel_xattr(&a, image, "f3", &other);
		judge_kernel_xattr(&a, image, "f1", &label[0]);
		judge_kernel_xattr(&a, image, "f1", &label[1]);
	}
}

static void test_dump(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t = small_tree(&a);
	struct erofs_input in;
	struct str image, out;
	char *path;

	(void)state;
	add_specials(&t);
	in = tree_input(&t);
	image = round_trip(&a, &in);
	if (missing("/usr/bin/dump.erofs"))
		skip();
	path = image_file(&a, image);
	out = run(&a, (const char *[]){ "dump.erofs", "-s", path, NULL });
	assert_true(str_has(out, "a5010203-0405-0607-0809-0a0b0c0d0e0f"));
	assert_true(str_has(out, "sb_csum mtime"));
	out = run(&a, (const char *[]){ "dump.erofs", "--path=/usr/bin/hard", path, NULL });
	assert_true(str_has(out, "Links: 3"));
	assert_true(str_has(out, "Uid: 1001   Gid: 100013  Access: 0755/rwxr-xr-x"));
	out = run(&a, (const char *[]){ "dump.erofs", "--path=/usr", path, NULL });
	assert_true(str_has(out, "Links: 3"));
	unlink(path);
}

/* The same device numbers as the kernel's new_encode_dev(). */
static void test_devices(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t = tree_new(&a);
	struct erofs_disk_inode d;
	struct erofs_input in;
	struct str image;

	(void)state;
	t.inodes.p[tree_add(&t, 0, "d", S_IFBLK, (struct str){ 0 })].rdev = makedev(0x123, 0x45678);
	in = tree_input(&t);
	image = round_trip(&a, &in);
	/* super block up to 1152, the root with three entries of 12 bytes and their names: 64 + 40
	 */
	memcpy(&d, image.p + 1152 + 128, sizeof(d));
	assert_int_equal(le32toh(d.start_block_or_device), 0x45612378);
}

static void test_big_directory(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t = tree_new(&a);
	uint32_t dir = tree_add(&t, 0, "big", S_IFDIR | 0755, (struct str){ 0 });
	struct erofs_input in;
	struct str image;

	(void)state;
	for (int i = 0; i < 5000; i++)
		tree_add(&t, dir,
			 str_z(&a, str_printf(&a, "%s-%d", i % 7 ? "entry" : "+a longer name",
					      i * 7919 % 5000)),
			 S_IFREG | 0644, pattern(&a, (size_t)i % 11));
	for (size_t n = 200; n <= 255;
	     n++) /* blocks that end with a name exactly, and with few bytes left */
		tree_link(&t, dir, (struct str){ memset(arena_alloc(&a, n), 'z', n), n }, dir + 1);
	in = tree_input(&t);
	image = round_trip(&a, &in);
	if (missing("/usr/bin/fsck.erofs"))
		skip();
	judge_fsck(&a, image);
}

static uint32_t next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static void random_tree(struct tree *t, uint32_t *seed, unsigned n)
{
	static const uint32_t types[] = { S_IFREG, S_IFREG, S_IFREG, S_IFLNK,
					  S_IFDIR, S_IFCHR, S_IFIFO, S_IFDIR };
	static const struct xattr xattrs[] = {
		{ { "user.a", 6 }, { "1", 1 } },
		{ { "security.capability", 19 }, { "12345678901234567890", 20 } },
		{ { "trusted.b", 9 }, { NULL, 0 } },
	};
	uint32_t dirs[64] = { 0 }, n_dirs = 1;

	for (unsigned i = 0; i < n; i++) {
		uint32_t type = types[next_random(seed) % 8],
			 dir = dirs[next_random(seed) % n_dirs], id;
		size_t size =
			next_random(seed) % 3 ? next_random(seed) % 300 : next_random(seed) % 10000;
		size_t name_n = 1 + next_random(seed) % (next_random(seed) % 5 ? 12 : 200);
		char *name = arena_alloc(t->a, 256);

		snprintf(name, 256, "%c%u%.*s", (int)(33 + next_random(seed) % 14), i, (int)name_n,
			 str_z(t->a, str_printf(t->a, "%0200d", 7)));
		name[0] = name[0] == '/' ? '!' : name[0];
		if (type == S_IFLNK)
			size = 1 + size % 4000;
		id = tree_add(t, dir, name, type | (next_random(seed) & 07777),
			      type == S_IFREG ? pattern(t->a, size)
			      : type == S_IFLNK
				      ? str_c(memset(arena_alloc(t->a, size + 1), 'x', size))
				      : (struct str){ 0 });
		if (type == S_IFDIR && n_dirs < 64)
			dirs[n_dirs++] = id;
		if (type == S_IFCHR)
			t->inodes.p[id].rdev =
				makedev(next_random(seed) & 0xfff, next_random(seed) & 0xfffff);
		if (type != S_IFDIR && next_random(seed) % 8 == 0)
			tree_link(t, dirs[next_random(seed) % n_dirs],
				  str_printf(t->a, "link-%u", i), id);
		t->inodes.p[id].xattrs = xattrs;
		t->inodes.p[id].n_xattrs = next_random(seed) % 4;
	}
}

static void test_random(void **state)
{
	uint32_t seed = 20240229;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct tree t = tree_new(&a);
		struct erofs_input in;
		struct str image;

		random_tree(&t, &seed, i * i / 2);
		in = tree_input(&t);
		image = round_trip(&a, &in);
		if (i % 8 == 7 && !missing("/usr/bin/fsck.erofs"))
			judge_fsck(&a, image);
	}
}

/* The order of inodes and entries in the input does not show. */
static void test_canonical(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t = small_tree(&a), u;
	struct erofs_input in, other;
	struct segments x, y;
	struct err e;
	size_t n;

	(void)state;
	in = tree_input(&t);
	other = in;
	n = in.n_inodes;
	u = (struct tree){ .a = &a };
	for (size_t i = 0; i < n; i++) { /* all but the root in reverse, entries too */
		struct erofs_inode inode = t.inodes.p[i ? n - i : 0];
		struct erofs_dirent *entries =
			arena_copy(&a, inode.entries, inode.n_entries * sizeof(*entries));

		for (size_t k = 0; k < inode.n_entries; k++) {
			entries[k] = inode.entries[inode.n_entries - 1 - k];
			entries[k].inode = (uint32_t)n - entries[k].inode;
		}
		inode.entries = entries;
		vec_push(&a, &u.inodes) = inode;
	}
	other.inodes = u.inodes.p;
	assert_ok(erofs_write(&a, &in, &x, &e), &e);
	assert_ok(erofs_write(&a, &other, &y, &e), &e);
	assert_int_equal(x.size_bytes, y.size_bytes);
	assert_memory_equal(segments_flatten(&a, &x), segments_flatten(&a, &y), x.size_bytes);
}

/* File content is pointed at. */
static void test_borrows(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t = tree_new(&a);
	struct str data = pattern(&a, 5 * EROFS_BLOCK_BYTES + 100);
	struct erofs_input in;
	struct segments s;
	struct err e;
	uint64_t borrowed = 0, at = 0;

	(void)state;
	tree_add(&t, 0, "f", S_IFREG | 0644, data);
	in = tree_input(&t);
	assert_ok(erofs_write(&a, &in, &s, &e), &e);
	vec_each(g, &s.v) {
		if (g->data >= (const uint8_t *)data.p &&
		    g->data < (const uint8_t *)data.p + data.n) {
			borrowed += g->size_bytes;
			assert_true(g->size_bytes == 100 || at % EROFS_BLOCK_BYTES == 0);
		}
		at += g->size_bytes;
	}
	assert_int_equal(borrowed, data.n);
}

static void write_fails(struct tree *t, const char *text)
{
	struct erofs_input in = tree_input(t);
	struct segments s;
	struct err e;

	assert_err(erofs_write(t->a, &in, &s, &e), &e, text);
}

static void test_bad_names(void **state)
{
	static const struct {
		struct str name;
		const char *text;
	} rows[] = {
		{ { "", 0 }, "'/etc': has an entry without a name" },
		{ { ".", 1 }, "'/etc': has an entry '.' or '..', which the writer adds by itself" },
		{ { "..", 2 }, "'/etc': has an entry '.' or '..'" },
		{ { "a/b", 3 }, "'/etc': has an entry with '/' or NUL in its name: 'a/b'" },
		{ { "a\0b", 3 }, "'/etc': has an entry with '/' or NUL in its name" },
		{ { "same", 4 }, "'/etc': has two entries of one name: 'same'" },
	};
	_cleanup_arena_ struct arena a = { 0 };
	char *name = memset(arena_alloc(&a, 256), 'x', 256);

	(void)state;
	for (size_t i = 0; i <= sizeof(rows) / sizeof(*rows); i++) {
		struct tree t = tree_new(&a);
		uint32_t etc = tree_add(&t, 0, "etc", S_IFDIR, (struct str){ 0 });
		bool last = i == sizeof(rows) / sizeof(*rows);

		tree_add(&t, etc, "same", S_IFREG, (struct str){ 0 });
		tree_link(&t, etc, last ? (struct str){ name, 256 } : rows[i].name, 2);
		write_fails(&t,
			    last ? "'/etc': has an entry with a name of more than 255 bytes: 'xxx"
				 : rows[i].text);
	}
}

static void test_bad_trees(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t = tree_new(&a);
	uint32_t dir = tree_add(&t, 0, "d", S_IFDIR, (struct str){ 0 });
	uint32_t sub = tree_add(&t, dir, "sub", S_IFDIR, (struct str){ 0 });

	(void)state;
	tree_link(&t, sub, STR("loop"), dir);
	write_fails(&t, "'/d/sub': has a second name of a directory: 'loop'");
	t.entries.p[sub].p[0].inode = 0;
	write_fails(&t, "'/d/sub': has a second name of a directory: 'loop'");
	t.entries.p[sub].p[0].inode = 77;
	write_fails(&t, "'/d/sub': has an entry of an inode that does not exist: 'loop'");
	t.entries.p[sub].n = 0;
	tree_inode(&t, S_IFREG, (struct str){ 0 });
	write_fails(&t, "inode 3 is in no directory below the root");
	t.inodes.p[0].mode = S_IFREG;
	write_fails(&t, "the first of 4 inodes is not a root directory");
}

static void test_bad_inodes(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t = tree_new(&a);
	uint32_t id = tree_add(&t, 0, "x", 0644, (struct str){ 0 });
	struct erofs_inode *x = &t.inodes.p[id];
	struct xattr xattrs[5] = { { STR("system.other"), STR("1") } };
	struct erofs_input in;
	struct segments s;
	struct err e;

	(void)state;
	write_fails(&t, "'/x': has no valid file type in its mode");
	x->mode = S_IFLNK;
	write_fails(&t, "'/x': is a symbolic link whose target is not 1 to 4095 bytes long");
	x->data = STR("a\0b");
	write_fails(&t, "'/x': is a symbolic link with a NUL in its target");
	x->mode = S_IFIFO;
	write_fails(&t, "'/x': has data and is neither file nor symbolic link");
	x->data = (struct str){ 0 };
	x->mode = S_IFCHR;
	x->rdev = makedev(4096, 0);
	write_fails(&t, "'/x': has a device number beyond 4095:1048575");
	x->mode = S_IFREG;
	tree_link(&t, id, STR("y"), id);
	write_fails(&t, "'/x': has directory entries and is no directory");
	t.entries.p[id].n = 0;

	x->xattrs = xattrs;
	x->n_xattrs = 1;
	write_fails(&t, "'/x': xattr 'system.other' has a prefix that EROFS does not know");
	xattrs[0].name = STR("user.");
	write_fails(
		&t,
		"'/x': xattr 'user.' has a prefix that EROFS does not know, or nothing behind it");
	xattrs[0].name = xattrs[1].name = STR("user.a");
	x->n_xattrs = 2;
	write_fails(&t, "'/x': xattr 'user.a' stands twice");
	xattrs[1] = (struct xattr){ STR("user.b"), { pattern(&a, 65536).p, 65536 } };
	write_fails(&t, "'/x': xattr 'user.b' has a value of more than 65535 bytes");
	for (size_t i = 0; i < 5; i++)
		xattrs[i] = (struct xattr){ str_printf(&a, "user.%zu", i),
					    { pattern(&a, 65535).p, 65535 } };
	x->n_xattrs = 5;
	write_fails(&t, "'/x': has 327712 bytes of xattrs, EROFS holds 262148");
	x->n_xattrs = 0;
	in = tree_input(&t);
	in.volume_name = "sixteen bytes ..";
	assert_err(erofs_write(&a, &in, &s, &e), &e,
		   "the volume name 'sixteen bytes ..' is longer than 15 bytes");
}

/* Many a bit of the metadata flipped: refused, or another tree, but never a crash; and a flip in
 * the first block is always noticed. */
static void test_flipped_bits(void **state)
{
	static const struct erofs_compression how = { EROFS_CODEC_ZSTD, 3, 65536 };
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t = tree_new(&a);
	struct erofs_input in;
	struct str image, data;
	uint8_t *copy;
	struct err e;

	(void)state;
	random_tree(&t, &(uint32_t){ 7 }, 60);
	tree_add(&t, 0, "shrinks", S_IFREG, noise(&a, 50000, 3));
	tree_cut(&t, &how, &in);
	image = round_trip(&a, &in);
	copy = arena_copy(&a, image.p, image.n);
	for (size_t bit = 1024 * 8; bit < image.n * 8; bit += bit < 4096 * 8 ? 13 : 499) {
		_cleanup_arena_ struct arena b = { 0 };
		int r;

		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		r = erofs_read(&b, copy, image.n, &in, &e);
		for (size_t i = 0; r == 0 && i < in.n_inodes; i++) {
			if (in.inodes[i].content && in.inodes[i].content->size_bytes < 1 << 20)
				(void)!erofs_content_read(&b, in.codec, in.inodes[i].content,
							  in.fragments, in.n_fragments, &data, &e);
		}
		if (bit < 4096 * 8 &&
		    bit / 8 != 1024 + 8) /* but for the bit that says there is a checksum */
			assert_true(r < 0);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void test_bad_images(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t = small_tree(&a);
	struct erofs_input in = tree_input(&t), back;
	struct segments s;
	struct err e;
	uint8_t *image;

	(void)state;
	assert_ok(erofs_write(&a, &in, &s, &e), &e);
	image = segments_flatten(&a, &s);
	assert_err(erofs_read(&a, image, 4095, &back, &e), &e,
		   "is not an EROFS image: 4095 bytes are less than a block");
	assert_err(erofs_read(&a, image, s.size_bytes - 4096, &back, &e), &e,
		   "blocks of 4096 bytes, has");
	image[1024 + 64] ^= 1;
	assert_err(erofs_read(&a, image, s.size_bytes, &back, &e), &e,
		   "the checksum of the super block is");
	image[1024] ^= 1;
	assert_err(erofs_read(&a, image, s.size_bytes, &back, &e), &e,
		   "no magic number at byte 1024");
}

/* What mkfs.erofs writes: compact inodes, shared xattrs. */
static void test_reads_mkfs(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct tree t = small_tree(&a);
	struct erofs_input in = tree_input(&t), back;
	char *dir = test_dir(&a), *path = path_join(&a, dir, "image"),
	     *to = path_join(&a, dir, "to");
	const char *hard = path_join(&a, to, "usr/bin/hard");
	struct str image;
	struct err e;

	(void)state;
	if (missing("/usr/bin/mkfs.erofs"))
		skip();
	image = round_trip(&a, &in);
	assert_ok(file_write(path, 0644, image.p, image.n, &e), &e);
	run(&a, (const char *[]){ "fsck.erofs", "--no-preserve",
				  str_z(&a, str_printf(&a, "--extract=%s", to)), path, NULL });
	/* mkfs.erofs 1.5 has no room for so long a name. */
	assert_int_equal(unlink(path_join(&a, to,
					  str_z(&a, (struct str){ memset(arena_alloc(&a, 255), 'n',
									 255),
								  255 }))),
			 0);
	for (int i = 0; i < 4; i++) /* three of the same are shared */
		(void)!setxattr(path_join(&a, to,
					  i == 0   ? "usr"
					  : i == 1 ? "empty"
					  : i == 2 ? "usr/bin"
						   : "usr/bin/hard"),
				"user.shared", "value", 5, 0);
	assert_int_equal(chmod(hard, 0644), 0);
	run(&a, (const char *[]){ "mkfs.erofs", "--quiet", "-T1700000000", path, to, NULL });
	assert_ok(file_read(&a, path, 64 << 20, &image, &e), &e);
	assert_ok(erofs_read(&a, (const uint8_t *)image.p, image.n, &back, &e), &e);
	assert_int_equal(back.build_time_sec, 1700000000);
	assert_extracted(&a, &back, 0, to);
	if (getxattr(hard, "user.shared", NULL, 0) == 5) {
		size_t n = 0;

		for (size_t i = 0; i < back.n_inodes; i++)
			n += back.inodes[i].n_xattrs == 1 &&
			     str_eqz(back.inodes[i].xattrs[0].name, "user.shared") &&
			     str_eqz(back.inodes[i].xattrs[0].value, "value");
		assert_int_equal(n, 4);
	}
	assert_ok(dir_remove(dir, &e), &e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extract),
		cmocka_unit_test(test_compressed),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_bad_content),
		cmocka_unit_test(test_specials_and_xattrs),
		cmocka_unit_test(test_shared_xattrs),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_big_directory),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_borrows),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_bad_trees),
		cmocka_unit_test(test_bad_inodes),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_bad_images),
		cmocka_unit_test(test_reads_mkfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
