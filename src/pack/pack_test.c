/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "pack/pack_format.h"

enum { TEXT_BYTES = 900000, NOISE_BYTES = 70000 };

static const struct erofs_compression ways[] = {
	{ EROFS_CODEC_ZSTD, 3, 65536 },
	{ EROFS_CODEC_LZ4HC, 9, 16384 },
	{ EROFS_CODEC_NONE, 0, 4096 },
};
enum { N_WAYS = sizeof(ways) / sizeof(*ways) };

static const struct pack_rpm rpm = {
	.sha256 = { 1, 2, 3 }, .bytes = 1234, .front_sha256 = { 4, 5, 6 }, .front_bytes = 123
};

static struct str text(struct arena *a, const char *word, size_t n)
{
	struct buf b = { .a = a };

	for (unsigned i = 0; b.v.n < n; i++)
		buf_printf(&b, "%s %u of many lines, but for %x\n", word, i, i * 2654435761u);
	return (struct str){ (char *)b.v.p, n };
}

static struct str noise(struct arena *a, size_t n)
{
	uint8_t *p = arena_alloc(a, n);
	uint64_t x = 88172645463325252u;

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = (uint8_t)(x >> 32);
	}
	return (struct str){ (char *)p, n };
}

/* All kinds of files. */
static struct rpm_package package(struct arena *a)
{
	static struct xattr xattrs[] = {
		{ { XATTR_CAPS, sizeof(XATTR_CAPS) - 1 }, { "\1\0\0\2\0 = \n", 9 } },
		{ { "user. = ", 8 }, { "", 0 } },
	};
	const struct rpm_file files[] = {
		{ .path = STR("/dev/null"),
		  .mode = S_IFCHR | 0666,
		  .rdev_major = 1,
		  .rdev_minor = 3 },
		{ .path = STR("/etc/ghost"), .mode = S_IFREG | 0644, .flags = FILE_GHOST },
		{ .path = STR("/run/fifo"), .mode = S_IFIFO | 0600, .lang = STR("de") },
		{ .path = STR("/usr"),
		  .mode = S_IFDIR | 0755,
		  .mtime_sec = 77,
		  .size_bytes = 4096 },
		{ .path = STR("/usr/bin/a"),
		  .mode = S_IFREG | 0755,
		  .link_group = 1,
		  .data = text(a, "a", TEXT_BYTES),
		  .mtime_sec = (uint64_t)1 << 33 },
		{ .path = STR("/usr/bin/b"),
		  .mode = S_IFREG | 0755,
		  .link_group = 1,
		  .data = text(a, "a", TEXT_BYTES) },
		{ .path = STR("/usr/bin/empty"),
		  .mode = S_IFREG | 04755,
		  .xattrs = { xattrs, 2, 2 },
		  .flags = FILE_CONFIG | FILE_NOREPLACE },
		{ .path = STR("/usr/bin/link"),
		  .mode = S_IFLNK | 0777,
		  .data = STR("../bin/a"),
		  .size_bytes = 8 },
		{ .path = STR("/usr/bin/noise"),
		  .mode = S_IFREG | 0755,
		  .data = noise(a, NOISE_BYTES) },
		{ .path = STR("/usr/bin/same"),
		  .mode = S_IFREG | 0644,
		  .data = noise(a, NOISE_BYTES) },
		{ .path = STR("/usr/share/doc/x"),
		  .mode = S_IFREG | 0644,
		  .flags = FILE_DOC,
		  .data = STR("documentation\n") },
		{ .path = STR("/usr/share/l"),
		  .mode = S_IFREG | 0644,
		  .flags = FILE_LICENSE,
		  .data = STR("MIT\n") },
		{ .path = STR("/usr/share/small"),
		  .mode = S_IFREG | 0644,
		  .data = text(a, "small", 3000) },
		{ .path = STR("/usr/share/small-2"),
		  .mode = S_IFREG | 0644,
		  .data = text(a, "smaller", 2000) },
		{ .path = STR("/usr/share/t"),
		  .mode = S_IFREG | 0644,
		  .lang = STR("de"),
		  .data = STR("Datei\n") },
	};
	struct rpm_package p = { .meta = { .name = STR("x"),
					   .version = STR("1"),
					   .release = STR("2"),
					   .arch = STR("noarch"),
					   .license = STR("MIT"),
					   .epoch = 5 },
				 .build_time_sec = 99 };

	vec_push(a, &p.replaces) = (struct dep){ STR("y"), STR("1-0"), DEP_LESS };
	vec_push(a, &p.diverts) = (struct rpm_divert){ STR("x"), STR("/a"), STR("/b") };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct rpm_file *f = &vec_push(a, &p.files);

		*f = files[i];
		f->user = STR("root");
		f->group = STR("daemon");
		if (!S_ISREG(f->mode) || f->flags & FILE_GHOST)
			continue;
		f->size_bytes = f->data.n;
		sha256(f->data.p, f->data.n, f->sha256);
	}
	return p;
}

struct made {
	struct rpm_package package;
	struct str recipe, bytes;
	struct segments segments;
	char *path; /* of a file with the bytes */
	struct pack *pack;
};

static struct made make(struct arena *a, const struct erofs_compression *how)
{
	struct made m = { .package = package(a) };
	struct err e;

	m.recipe = STR("package x\ndefinition abc\n");
	assert_ok(pack_encode(a, m.recipe, &m.package, &rpm, how, &m.segments, &e), &e);
	m.bytes = (struct str){ (char *)segments_flatten(a, &m.segments), m.segments.size_bytes };
	m.path = path_join(a, test_dir(a), "x.pack");
	assert_ok(file_write(m.path, 0644, m.bytes.p, m.bytes.n, &e), &e);
	assert_ok(pack_open(a, m.path, &m.pack, &e), &e);
	return m;
}

static void assert_same_str(struct str x, struct str y)
{
	assert_int_equal(x.n, y.n);
	assert_true(str_eq(x, y));
}

static void assert_same_file(struct arena *a, const struct rpm_file *x, const struct rpm_file *y)
{
	struct str content;
	struct err e;

	assert_same_str(x->path, y->path);
	assert_same_str(x->user, y->user);
	assert_same_str(x->group, y->group);
	assert_true(xattrs_same(&x->xattrs, &y->xattrs));
	assert_same_str(x->lang, y->lang);
	assert_int_equal(x->mode, y->mode);
	assert_int_equal(x->mtime_sec, y->mtime_sec);
	assert_int_equal(x->rdev_major, y->rdev_major);
	assert_int_equal(x->rdev_minor, y->rdev_minor);
	assert_int_equal(x->flags, y->flags);
	assert_int_equal(x->size_bytes, y->size_bytes);
	assert_int_equal(x->link_group, y->link_group);
	assert_memory_equal(x->sha256, y->sha256, SHA256_BYTES);
	if (!S_ISREG(x->mode) || x->flags & FILE_GHOST) {
		assert_same_str(x->data, y->data);
		assert_null(y->packed);
		return;
	}
	assert_ok(pack_read(a, y->packed, &content, &e), &e);
	assert_same_str(x->data, content);
}

static const struct rpm_file *file(const struct pack *p, const char *path)
{
	vec_each(f, &p->package.files)
		if (str_eqz(f->path, path))
			return f;
	fail_msg("no '%s'", path);
	return NULL;
}

static void test_round_trip(void **state)
{
	(void)state;
	for (size_t w = 0; w < N_WAYS; w++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct made m = make(&a, &ways[w]);
		const struct pack *p = m.pack;

		assert_same_str(p->recipe, m.recipe);
		assert_str(rpm_nevra(&a, &p->package.meta), "x-5:1-2.noarch");
		assert_str(p->package.meta.license, "MIT");
		assert_str(dep_text(&a, &p->package.replaces.p[0]), "y < 1-0");
		assert_str(p->package.diverts.p[0].to, "/b");
		assert_int_equal(p->package.build_time_sec, 99);
		assert_memory_equal(p->rpm.sha256, rpm.sha256, SHA256_BYTES);
		assert_memory_equal(p->rpm.front_sha256, rpm.front_sha256, SHA256_BYTES);
		assert_int_equal(p->rpm.bytes, 1234);
		assert_int_equal(p->rpm.front_bytes, 123);
		assert_int_equal(p->codec, ways[w].codec);
		assert_int_equal(p->package.files.n, m.package.files.n);
		for (size_t i = 0; i < p->package.files.n; i++)
			assert_same_file(&a, &m.package.files.p[i], &p->package.files.p[i]);
		assert_ptr_equal(file(p, "/usr/bin/a")->packed, file(p, "/usr/bin/b")->packed);
		assert_ptr_equal(file(p, "/usr/bin/noise")->packed,
				 file(p, "/usr/bin/same")->packed);
		pack_close(m.pack);
	}
}

/* Blocks are of segment.h's kind: good by their leaves, and at their place in the file. */
static void test_blocks(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct made m = make(&a, &ways[0]);
	uint64_t n_blocks = 0;
	uint8_t there[EROFS_BLOCK_BYTES];

	(void)state;
	assert_int_equal(m.pack->blocks.first % EROFS_BLOCK_BYTES, 0);
	for (uint32_t i = 0; i < m.pack->n_files + m.pack->n_fragments; i++) {
		const struct segment *s = i < m.pack->n_files
						  ? &m.pack->files[i].content.blocks
						  : &m.pack->fragments[i - m.pack->n_files].blocks;

		if (s->size_bytes == 0)
			continue;
		assert_true(pack_blocks_good(s));
		assert_int_equal(pread(s->blocks->fd, there, sizeof(there),
				       s->data - s->blocks->data),
				 sizeof(there));
		assert_memory_equal(there, s->data, sizeof(there));
		n_blocks += s->size_bytes / EROFS_BLOCK_BYTES;
	}
	assert_int_equal(n_blocks, m.pack->blocks.n_blocks);
	pack_close(m.pack);
}

/* What images leave out alone shares a fragment with nothing else; licences they never leave out.
 */
static void test_fragments_by_kind(void **state)
{
	static const char *const paths[] = { "/usr/share/small", "/usr/share/doc/x",
					     "/usr/share/t" };
	_cleanup_arena_ struct arena a = { 0 };
	struct made m = make(&a, &ways[0]);

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(file(m.pack, paths[i])->packed->content.fragment, i);
	assert_int_equal(file(m.pack, "/usr/share/l")->packed->content.fragment, 0);
	assert_int_equal(file(m.pack, "/usr/share/small-2")->packed->content.fragment, 0);
	assert_int_equal(m.pack->n_fragments, 3);
	pack_close(m.pack);
}

/* A fragment ends when it is full, not in the middle of a file. */
static void test_fragments_full(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_package p = { .meta = { .name = STR("many") } };
	struct segments s;
	struct pack *pack;
	struct err e;
	char *path = path_join(&a, test_dir(&a), "many.pack");

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		vec_push(&a, &p.files) = (struct rpm_file){
			.path = str_printf(&a, "/%02u", i),
			.mode = S_IFREG,
			.data = text(&a, i % 2 ? "odd" : "even", EROFS_FRAGMENT_BYTES / 40 + i),
		};
	assert_ok(pack_encode(&a, STR("r"), &p, NULL, &ways[0], &s, &e), &e);
	assert_ok(file_write(path, 0644, segments_flatten(&a, &s), s.size_bytes, &e), &e);
	assert_ok(pack_open(&a, path, &pack, &e), &e);
	assert_int_equal(pack->n_fragments, 3); /* of 2.5 times what one holds */
	for (uint32_t i = 0; i < 100; i++) {
		struct str content;

		assert_ok(pack_read(&a, &pack->files[i], &content, &e), &e);
		assert_same_str(content, p.files.p[i].data);
	}
	pack_close(pack);
}

static void test_same_bytes(void **state)
{
	(void)state;
	for (size_t w = 0; w < N_WAYS; w++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct made x = make(&a, &ways[w]), y = make(&a, &ways[w]);

		assert_same_str(x.bytes, y.bytes);
		pack_close(x.pack);
		pack_close(y.pack);
	}
}

static bool blocks_good(const struct pack *p)
{
	for (uint32_t i = 0; i < p->n_files; i++)
		if (p->files[i].content.blocks.size_bytes > 0 &&
		    !pack_blocks_good(&p->files[i].content.blocks))
			return false;
	for (uint32_t i = 0; i < p->n_fragments; i++)
		if (!pack_blocks_good(&p->fragments[i].blocks))
			return false;
	return true;
}

/* Every byte of the file counts. */
static void test_damage(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct made m = make(&a, &ways[0]);
	uint64_t blocks_end = m.pack->blocks.first + m.pack->blocks.n_blocks * EROFS_BLOCK_BYTES;
	int fd = open(m.path, O_RDWR | O_CLOEXEC);

	(void)state;
	for (uint64_t i = 0; i < m.bytes.n; i += i < 256 || i > blocks_end ? 1 : 509) {
		_cleanup_arena_ struct arena b = { 0 };
		char flipped = (char)(m.bytes.p[i] ^ 1);
		struct pack *p;
		struct err e;
		int r;

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)i), 1);
		r = pack_open(&b, m.path, &p, &e);
		if (i >= m.pack->blocks.first && i < blocks_end) {
			assert_ok(r, &e);
			assert_false(blocks_good(p));
			pack_close(p);
		} else {
			assert_int_equal(r, -EBADMSG);
			assert_non_null(strstr(e.msg, "x.pack' is damaged: "));
		}
		assert_int_equal(pwrite(fd, &m.bytes.p[i], 1, (off_t)i), 1);
	}
	close(fd);
	pack_close(m.pack);
}

static void test_damaged_content(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct made m = make(&a, &ways[2]);
	struct str content;
	struct err e;
	int fd = open(m.path, O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(pwrite(fd, "Z", 1, EROFS_BLOCK_BYTES), 1);
	close(fd);
	assert_err(pack_read(&a, file(m.pack, "/usr/bin/a")->packed, &content, &e), &e,
		   "x.pack' is damaged: content not of the digest that its table says");
	assert_ok(pack_read(&a, file(m.pack, "/usr/bin/noise")->packed, &content, &e), &e);
	pack_close(m.pack);
}

static void test_truncated(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct made m = make(&a, &ways[0]);
	struct pack *p;
	struct err e;

	(void)state;
	pack_close(m.pack);
	assert_int_equal(truncate(m.path, (off_t)m.bytes.n + 1), 0);
	assert_err(pack_open(&a, m.path, &p, &e), &e, "not of the size that its header says");
	for (size_t n = m.bytes.n; n-- > 0; n -= n > 1000 ? 997 : 0) {
		assert_int_equal(truncate(m.path, (off_t)n), 0);
		assert_int_equal(pack_open(&a, m.path, &p, &e), -EBADMSG);
	}
	assert_non_null(strstr(e.msg, "shorter than a header"));
	assert_int_equal(pack_open(&a, "/none.pack", &p, &e), -ENOENT);
}

/* A pack whose digest is right, yet whose tables lie. */
struct forgery {
	struct arena *a;
	struct made m;
	uint8_t *bytes;
	struct pack_disk_header *h;
	struct pack_disk_cluster *fragments, *clusters;
	struct pack_disk_content *contents;
	struct pack_disk_file *files;
};

static struct forgery forge(struct arena *a)
{
	struct forgery f = { .a = a, .m = make(a, &ways[0]) };

	pack_close(f.m.pack);
	f.bytes = arena_copy(a, f.m.bytes.p, f.m.bytes.n);
	f.h = (struct pack_disk_header *)f.bytes;
	f.fragments =
		(struct pack_disk_cluster *)(f.bytes + PACK_HEADER_BYTES +
					     f.h->n_blocks * (EROFS_BLOCK_BYTES + SHA256_BYTES));
	f.clusters = f.fragments + f.h->n_fragments;
	f.contents = (struct pack_disk_content *)(f.clusters + f.h->n_clusters);
	f.files = (struct pack_disk_file *)(f.contents + f.h->n_contents);
	return f;
}

static void assert_forgery(struct forgery *f, const char *want)
{
	size_t behind = PACK_HEADER_BYTES + f->h->n_blocks * (size_t)EROFS_BLOCK_BYTES;
	struct sha256 hash;
	struct pack *p;
	struct err e;

	sha256_init(&hash);
	sha256_update(&hash, f->bytes + PACK_DIGESTED_FROM, PACK_HEADER_BYTES - PACK_DIGESTED_FROM);
	if (behind < f->m.bytes.n)
		sha256_update(&hash, f->bytes + behind, f->m.bytes.n - behind);
	sha256_final(&hash, f->h->sha256);
	assert_ok(file_write(f->m.path, 0644, f->bytes, f->m.bytes.n, &e), &e);
	if (pack_open(f->a, f->m.path, &p, &e) == 0)
		fail_msg("opened, want '%s'", want);
	if (!strstr(e.msg, want))
		fail_msg("want '%s' in '%s'", want, e.msg);
	memcpy(f->bytes, f->m.bytes.p, f->m.bytes.n);
}

static void test_forged_header(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct forgery f = forge(&a);

	(void)state;
	f.h->magic[0] ^= 1;
	assert_forgery(&f, "not a pack");
	f.h->version++;
	assert_forgery(&f, "of another version");
	f.h->codec = 3;
	assert_forgery(&f, "an unknown codec");
	f.h->n_blocks = UINT32_MAX;
	assert_forgery(&f, "not of the size that its header says");
	f.h->n_files = UINT32_MAX;
	assert_forgery(&f, "not of the size that its header says");
	f.h->strings_bytes--;
	assert_forgery(&f, "not of the size that its header says");
	f.h->rpm_front_bytes = 1235;
	assert_forgery(&f, "a front that is larger than its package");
	f.h->recipe.n_bytes = UINT32_MAX;
	assert_forgery(&f, "a name beyond its names");
	f.h->license.offset = f.h->strings_bytes + 1;
	assert_forgery(&f, "a name beyond its names");
	f.bytes[f.m.bytes.n - 1] = '\0';
	assert_forgery(&f, "a name with a NUL in it");
}

static void test_forged_contents(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct forgery f = forge(&a);
	uint32_t last = f.h->n_contents - 1; /* small */

	(void)state;
	f.clusters[0].n_bytes += 250 * EROFS_BLOCK_BYTES;
	assert_forgery(&f, "content whose parts are not its size");
	f.clusters[0].n_bytes += 1;
	assert_forgery(&f, "a cluster that begins inside a block");
	f.clusters[0].n_blocks = 0;
	assert_forgery(&f, "a cluster of impossible size");
	f.clusters[0].plain = 2;
	assert_forgery(&f, "a cluster of impossible size");
	f.clusters[0].plain = 1;
	assert_forgery(&f, "a cluster of impossible size");
	f.clusters[0].n_blocks = UINT16_MAX;
	assert_forgery(&f, "content beyond its blocks");
	f.fragments[0].n_blocks++;
	assert_forgery(&f, "content beyond its blocks");
	f.contents[0].n_clusters = UINT32_MAX;
	assert_forgery(&f, "content beyond its clusters");
	f.contents[last].fragment = f.h->n_fragments;
	assert_forgery(&f, "content whose parts are not its size");
	f.contents[last].fragment_offset = UINT32_MAX;
	assert_forgery(&f, "content whose parts are not its size");
	f.contents[last].fragment_offset = EROFS_FRAGMENT_BYTES;
	assert_forgery(&f, "content whose parts are not its size");
	f.contents[last].size_bytes = UINT64_MAX;
	f.contents[last].fragment_offset = 1;
	assert_forgery(&f, "content whose parts are not its size");
	f.contents[last].tail_bytes = 1;
	assert_forgery(&f, "a tail of compressed content");
	f.contents[last].fragment = EROFS_NO_FRAGMENT;
	assert_forgery(&f, "content beyond its blocks");
	f.contents[last].fragment = EROFS_NO_FRAGMENT;
	f.contents[last].tail_bytes = (uint32_t)f.contents[last].size_bytes + 1;
	assert_forgery(&f, "a tail of impossible size");
	f.contents[last].fragment = EROFS_NO_FRAGMENT;
	f.contents[last].size_bytes = UINT64_MAX;
	assert_forgery(&f, "a tail of impossible size");
	f.h->codec = EROFS_CODEC_NONE;
	assert_forgery(&f, "clusters without a codec");
}

static void test_forged_files(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct forgery f = forge(&a);
	struct pack_disk_file swap = f.files[0];

	(void)state;
	f.files[3].content = 0;
	assert_forgery(&f, "content of what is no file");
	f.files[1].content = 0; /* the ghost */
	assert_forgery(&f, "content of what is no file");
	f.files[4].content = PACK_NO_CONTENT;
	assert_forgery(&f, "a file without its content");
	f.files[4].size_bytes++;
	assert_forgery(&f, "a file without its content");
	f.files[0].target.n_bytes = 1;
	assert_forgery(&f, "a link target of what is no link");
	f.files[0].path.n_bytes = 0;
	assert_forgery(&f, "'': path is not absolute and normalised");
	f.files[0] = f.files[1];
	f.files[1] = swap;
	assert_forgery(&f, "'/dev/null': listed twice or not in order");
	f.files[0].mode = S_IFSOCK;
	assert_forgery(&f, "'/dev/null': file type of mode 0140000 is unknown");
}

static void test_refused(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_package p = { .meta = { .name = STR("x") } };
	struct segments s;
	struct err e;

	(void)state;
	vec_push(&a, &p.files) = (struct rpm_file){ .path = STR("/b"), .mode = S_IFDIR };
	vec_push(&a, &p.files) = (struct rpm_file){ .path = STR("/a"), .mode = S_IFDIR };
	assert_err(pack_encode(&a, STR("r"), &p, NULL, &ways[0], &s, &e), &e,
		   "pack of 'x': '/a': listed twice or not in order");
	p.files.n = 1;
	p.files.p[0] = (struct rpm_file){ .path = STR("/l"), .mode = S_IFLNK, .data = STR("a\0b") };
	assert_err(pack_encode(&a, STR("r"), &p, NULL, &ways[0], &s, &e), &e,
		   "pack of 'x': a name or link target has a NUL in it");
}

/* The file in its place goes, unless it is another by now. */
static void test_discard(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct made m = make(&a, &ways[0]);
	struct err e;

	(void)state;
	assert_ok(file_write(m.path, 0644, m.bytes.p, m.bytes.n, &e), &e);
	pack_discard(m.pack);
	assert_true(file_exists(m.path));
	pack_close(m.pack);
	assert_ok(pack_open(&a, m.path, &m.pack, &e), &e);
	pack_discard(m.pack);
	assert_false(file_exists(m.path));
	pack_close(m.pack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_fragments_by_kind), cmocka_unit_test(test_fragments_full),
		cmocka_unit_test(test_same_bytes),        cmocka_unit_test(test_damage),
		cmocka_unit_test(test_damaged_content),   cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_forged_header),     cmocka_unit_test(test_forged_contents),
		cmocka_unit_test(test_forged_files),      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_discard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
