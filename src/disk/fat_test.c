/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include <fcntl.h>

#include "base/hash.h"
#include "base/proc.h"
#include "disk/fat.h"

#define MIB (1ULL << 20)

enum { BIG_BYTES = 3 << 20, TIME_SEC = 1700000001 };

static struct str big_make(struct arena *a)
{
	char *p = arena_alloc(a, BIG_BYTES);

	for (size_t i = 0; i < BIG_BYTES; i++)
		p[i] = (char)(i * 31 + i / 4096);
	return (struct str){ p, BIG_BYTES };
}

/* A tree with names of every kind. */
static struct fat_input input_make(struct arena *a, uint64_t size_bytes)
{
	struct fat_file *files = arena_array(a, 12, sizeof(*files));
	struct fat_input in = { .files = files,
				.n_files = 12,
				.size_bytes = size_bytes,
				.volume_id = 0x1234abcd,
				.label = "ASHLAR",
				.time_sec = TIME_SEC };

	files[0] = (struct fat_file){ STR("EFI/BOOT/BOOTX64.EFI"), big_make(a) };
	files[1] = (struct fat_file){ STR("EFI/Linux/server_1.0+3-0.efi"),
				      str_head(big_make(a), BIG_BYTES - 1) };
	files[2] = (struct fat_file){ STR("EFI/systemd/systemd-bootx64.efi"), STR("boot") };
	files[3] = (struct fat_file){ STR("loader/loader.conf"), STR("timeout 0\n") };
	files[4] = (struct fat_file){ STR("loader/entries.srel"), STR("type1\n") };
	files[5] = (struct fat_file){ STR("EMPTY"), { 0 } };
	files[6] = (struct fat_file){ STR("lower.txt"), STR("lower") };
	files[7] = (struct fat_file){ STR("a name of many words.text"), STR("1") };
	files[8] = (struct fat_file){ STR("a name of many words.texts"), STR("2") };
	files[9] = (struct fat_file){ STR("ANAMEO~1.TEX"),
				      STR("the alias that the others would take") };
	files[10] = (struct fat_file){ STR("exactly26characterslong.x"), STR("26") };
	files[11] = (struct fat_file){ STR(".hidden"), STR("dot") };
	return in;
}

static const struct fat_file *file_find(const struct fat_input *in, struct str path)
{
	for (size_t i = 0; i < in->n_files; i++)
		if (str_eq(in->files[i].path, path))
			return &in->files[i];
	return NULL;
}

static void check_same(const struct fat_input *got, const struct fat_input *want)
{
	assert_int_equal(got->n_files, want->n_files);
	for (size_t i = 0; i < want->n_files; i++) {
		const struct fat_file *file = file_find(got, want->files[i].path);

		if (!file)
			fail_msg("'%.*s' is missing", STR_FMT(want->files[i].path));
		assert_true(str_eq(file->data, want->files[i].data));
	}
}

/* Returns whether it was FAT32. */
static bool check_round(uint64_t size_bytes)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct fat_input in = input_make(&a, size_bytes), got;
	struct segments s = { 0 };
	uint8_t *image;
	bool wide;
	struct err e = { 0 };

	assert_ok(fat_write(&a, &in, &s, &e), &e);
	assert_int_equal(s.size_bytes, size_bytes);
	image = segments_flatten(&a, &s);
	wide = memcmp(image + 82, "FAT32   ", 8) == 0;
	assert_true(wide || memcmp(image + 54, "FAT16   ", 8) == 0);
	assert_ok(fat_read(&a, image, s.size_bytes, &got, &e), &e);
	check_same(&got, &in);
	assert_int_equal(got.size_bytes, size_bytes);
	assert_int_equal(got.volume_id, 0x1234abcd);
	assert_string_equal(got.label, "ASHLAR");
	assert_int_equal(got.time_sec, TIME_SEC);
	return wide;
}

/* FAT16 up to the size where 512-byte clusters are enough for FAT32, with no gap between. */
static void test_round(void **state)
{
	bool wide = false;

	(void)state;
	assert_false(check_round(8 * MIB));
	assert_false(check_round(32 * MIB));
	for (uint64_t size = 32 * MIB + 512 * 1024; size < 33 * MIB; size += 36 * 1024) {
		bool was = wide;

		wide = check_round(size);
		assert_true(wide || !was);
	}
	assert_true(wide);
	assert_true(check_round(33 * MIB));
	assert_true(check_round(64 * MIB));
}

static struct proc_result tool(struct arena *a, const char *const *argv)
{
	struct proc_result r;
	struct err e = { 0 };

	if (proc_run(a, argv, (struct str){ 0 }, NULL, &r, &e) < 0)
		skip();
	return r;
}

/* The image in a sparse file. */
static char *file_make(struct arena *a, const struct fat_input *in)
{
	char *path = path_join(a, test_dir(a), "esp.img");
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct segments s = { 0 };
	uint64_t offset = 0;
	struct err e = { 0 };

	assert_true(fd >= 0);
	assert_ok(fat_write(a, in, &s, &e), &e);
	assert_int_equal(s.size_bytes, in->size_bytes);
	assert_int_equal(ftruncate(fd, (off_t)in->size_bytes), 0);
	for (size_t i = 0; i < s.v.n; i++) {
		if (s.v.p[i].data)
			assert_ok(fd_pwrite(fd, s.v.p[i].data, s.v.p[i].size_bytes, offset, path,
					    &e),
				  &e);
		offset += s.v.p[i].size_bytes;
	}
	return path;
}

static void check_foreign(uint64_t size_bytes)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct fat_input in = input_make(&a, size_bytes);
	const char *fsck[] = { "fsck.vfat", "-n", "-v", file_make(&a, &in), NULL };
	struct proc_result r = tool(&a, fsck);

	if (r.status != 0 || str_has(r.out, "differ") || str_has(r.out, "dirty"))
		fail_msg("fsck.vfat: status %d: %.*s%.*s", r.status, STR_FMT(r.out),
			 STR_FMT(r.err));
	for (size_t i = 0; i < in.n_files; i++) {
		const char *name = str_printf(&a, "::/%.*s", STR_FMT(in.files[i].path)).p;
		const char *copy[] = { "mcopy", "-i", fsck[3], name, "-", NULL };

		r = tool(&a, copy);
		if (r.status != 0 || !str_eq(r.out, in.files[i].data))
			fail_msg("mcopy %s: status %d: %.*s", name, r.status, STR_FMT(r.err));
	}
}

static void test_foreign(void **state)
{
	(void)state;
	check_foreign(8 * MIB);
	check_foreign(33 * MIB);
	check_foreign(64 * MIB);
	check_foreign(512 * MIB);
}

static void test_listing(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct fat_input in = input_make(&a, 64 * MIB);
	const char *dir[] = { "mdir", "-i", file_make(&a, &in), "::/", NULL };
	struct str out;

	(void)state;
	setenv("TZ", "UTC", 1);
	out = tool(&a, dir).out;
	assert_true(str_has(out, "Volume in drive : is ASHLAR"));
	assert_true(str_has(out, "Volume Serial Number is 1234-ABCD"));
	assert_true(str_has(out, "EMPTY                0 2023-11-14  22:13 "));
	assert_true(str_has(out, "LOWER    TXT         5 2023-11-14  22:13  lower.txt"));
	assert_true(str_has(out, "ANAMEO~1 TEX        36 2023-11-14  22:13 "));
	assert_true(str_has(out,
			    "ANAMEO~2 TEX         1 2023-11-14  22:13  a name of many words.text"));
	assert_true(
		str_has(out,
			"ANAMEO~3 TEX         1 2023-11-14  22:13  a name of many words.texts"));
}

/* What other programs made is read, too: their clusters lie anywhere, their short names have case
 * flags. */
static void test_read_foreign(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *dir = test_dir(&a), *path = path_join(&a, dir, "esp.img"),
	     *from = path_join(&a, dir, "from");
	const char *format[] = { "mkfs.vfat", "-C", "-n", "FOREIGN", path, "16384", NULL };
	const char *make[] = { "mmd", "-i", path, "::/EFI", "::/EFI/sub dir", NULL };
	const char *names[] = { "::/EFI/sub dir/some file.conf", "::/lower.txt", "::/Mixed.Case",
				"::/EFI/X.EFI" };
	struct str text, big = big_make(&a);
	struct fat_input got;
	struct err e = { 0 };

	(void)state;
	if (tool(&a, format).status != 0 || tool(&a, make).status != 0)
		skip();
	assert_ok(file_write(from, 0600, big.p, big.n, &e), &e);
	for (size_t i = 0; i < 4; i++) {
		const char *copy[] = { "mcopy", "-i", path, from, names[i], NULL };

		assert_int_equal(tool(&a, copy).status, 0);
	}
	assert_ok(file_read(&a, path, 32 * MIB, &text, &e), &e);
	assert_ok(fat_read(&a, (const uint8_t *)text.p, text.n, &got, &e), &e);
	assert_string_equal(got.label, "FOREIGN");
	assert_int_equal(got.n_files, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct fat_file *file = file_find(&got, str_c(names[i] + 3));

		assert_non_null(file);
		assert_true(str_eq(file->data, big));
	}
}

static void test_deterministic(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct fat_input in = input_make(&a, 64 * MIB);
	struct segments s = { 0 }, again = { 0 };
	struct fat_file *files;
	size_t borrowed = 0;
	struct err e = { 0 };

	(void)state;
	assert_ok(fat_write(&a, &in, &s, &e), &e);
	files = arena_copy(&a, in.files, in.n_files * sizeof(*files));
	for (size_t i = 0; i < in.n_files; i++)
		files[in.n_files - 1 - i] = in.files[i];
	in.files = files;
	assert_ok(fat_write(&a, &in, &again, &e), &e);
	assert_memory_equal(segments_flatten(&a, &s), segments_flatten(&a, &again), s.size_bytes);
	for (size_t i = 0; i < s.v.n; i++)
		borrowed += (const char *)s.v.p[i].data == files[11].data.p;
	assert_int_equal(borrowed, 1);
}

/* Many names with one beginning: numbers of two and three digits, a directory of several clusters.
 */
static void test_many(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct fat_file files[600];
	struct fat_input in = { .files = files, .n_files = 600, .size_bytes = 16 * MIB }, got;
	const char *fsck[] = { "fsck.vfat", "-n", NULL, NULL };
	struct segments s = { 0 };
	struct proc_result r;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < 600; i++)
		files[i] = (struct fat_file){ str_printf(&a, "d/configuration-%zu.conf", i),
					      STR("x") };
	assert_ok(fat_write(&a, &in, &s, &e), &e);
	assert_ok(fat_read(&a, segments_flatten(&a, &s), s.size_bytes, &got, &e), &e);
	check_same(&got, &in);
	assert_null(got.label);
	assert_int_equal(got.time_sec, 315532800); /* 1980 */
	for (size_t i = 0; i < 600; i++)
		files[i].path =
			str_from(files[i].path,
				 2); /* into the root, which is full at 512 entries in FAT16 */
	assert_err(fat_write(&a, &in, &s, &e), &e,
		   "FAT: directory '/' needs 57600 bytes, at most 16384 fit");
	in.size_bytes = 64 * MIB;
	fsck[2] = file_make(&a, &in);
	r = tool(&a, fsck);
	if (r.status != 0)
		fail_msg("fsck.vfat: %.*s", STR_FMT(r.out));
}

static void check_refused(struct fat_input in, const char *path, struct str data, const char *text)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct fat_file files[] = { { STR("EFI/x"), STR("x") }, { str_c(path), data } };
	struct segments s = { 0 };
	struct err e = { 0 };

	in.files = files;
	in.n_files = 2;
	assert_err(fat_write(&a, &in, &s, &e), &e, text);
}

static void test_refused(void **state)
{
	struct fat_input in = { .size_bytes = 8 * MIB };
	struct str x = STR("x"), large = { "x", 8 * MIB }, huge = { "x", 1ULL << 32 };

	(void)state;
	check_refused(in, "", x, "FAT: path '' is empty");
	check_refused(in, "/x", x, "FAT: path '/x' has a name that FAT cannot store");
	check_refused(in, "EFI//x", x, "FAT: path 'EFI//x' has a name that FAT cannot store");
	check_refused(in, "EFI/../x", x, "has a name that FAT cannot store");
	check_refused(in, "x:y", x, "has a name that FAT cannot store");
	check_refused(in, "caf\xc3\xa9", x, "has a name that FAT cannot store");
	check_refused(in, "x/", x, "ends with '/'");
	check_refused(in, "efi/X", x, "stands twice");
	check_refused(in, "EFI", x, "FAT: path 'EFI' stands twice");
	check_refused(in, "efi/X/y", x, "stands twice");
	check_refused(in, "big", huge, "FAT: 'big' of 4294967296 bytes, files are below 4 GiB");
	check_refused(
		in, "big", large,
		"FAT: files need 8391680 bytes, a file system of 8388608 bytes holds 8335360");
	in.label = "lower";
	check_refused(in, "x", x, "FAT: label 'lower', want at most 11 upper-case characters");
	in.label = "TWELVE CHARS";
	check_refused(in, "x", x, "FAT: label 'TWELVE CHARS', want at most 11");
	in.label = NULL;
	in.size_bytes = 2 * MIB;
	check_refused(in, "x", x, "FAT: size of 2097152 bytes is too small");
	in.size_bytes = 8 * MIB + 512;
	check_refused(in, "x", x, "FAT: size of 8389120 bytes, want a multiple of 4096");
}

/* Offsets for 8 MiB: tables in sectors 7 and 39 and a root directory behind them. */
static void test_damage(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct fat_input in = { .files = (struct fat_file[]){ { STR("EFI/x y"), STR("content") } },
				.n_files = 1,
				.size_bytes = 8 * MIB },
			 got;
	struct segments s = { 0 };
	struct err e = { 0 };
	uint8_t *p;
	uint32_t table, root;

	(void)state;
	assert_ok(fat_write(&a, &in, &s, &e), &e);
	p = segments_flatten(&a, &s);
	table = (uint32_t)(p[14] | p[15] << 8) * 512;
	root = table + 2 * 512 * (uint32_t)(p[22] | p[23] << 8);
	struct {
		size_t offset;
		uint8_t value;
		bool both;
		const char *text;
	} cases[] = {
		{ 510, 0, false, "FAT: no signature in the boot sector" },
		{ 11, 1, false, "FAT: 2 tables and sectors of 513 bytes, want 2 and 512" },
		{ 13, 3, false, "FAT: areas do not fit 16384 sectors" },
		{ 13, 8, false, "FAT: 2035 clusters in neither FAT16 nor FAT32" },
		{ 14, 0, false, "FAT: areas do not fit" },
		{ 20, 0x80, false, "FAT: 32768 sectors do not stand in 8388608 bytes" },
		{ 22, 3, false, "FAT: tables of 3 sectors do not hold" },
		{ table + 4, 0, false, "FAT: the two tables differ" },
		{ table + 5, 0, true, "FAT: '/EFI': chain leads to cluster 0 of 8140" },
		{ root + 26, 0, false, "FAT: directory '/EFI' of 0 clusters" },
		{ root + 16384 + 96 + 26, 2, false,
		  "FAT: '/EFI/x y': cluster 2 belongs to another chain" },
		{ root, '/', false, "FAT: '/': an entry has no valid ASCII name" },
		{ root + 16384 + 64, 0x02, false, "FAT: '/EFI': a long name is out of order" },
		{ root + 16384 + 64 + 13, 0, false,
		  "FAT: '/EFI': a long name does not belong to its entry" },
		{ root + 16384 + 96 + 29, 0xff, false,
		  "FAT: '/EFI/x y': 65287 bytes in 1 clusters of 1024 bytes" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t old = p[cases[i].offset], *copy = p + cases[i].offset + (root - table) / 2;

		p[cases[i].offset] = cases[i].value;
		if (cases[i].both)
			*copy = cases[i].value;
		assert_err(fat_read(&a, p, s.size_bytes, &got, &e), &e, cases[i].text);
		p[cases[i].offset] = old;
		if (cases[i].both)
			*copy = old;
	}
	assert_ok(fat_read(&a, p, s.size_bytes, &got, &e), &e);
	assert_err(fat_read(&a, p, 511, &got, &e), &e, "FAT: no signature");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),         cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_listing),       cmocka_unit_test(test_read_foreign),
		cmocka_unit_test(test_deterministic), cmocka_unit_test(test_many),
		cmocka_unit_test(test_refused),       cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
