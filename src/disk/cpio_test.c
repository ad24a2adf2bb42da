/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include "base/proc.h"
#include "disk/cpio.h"

static struct str archive_make(struct arena *a)
{
	static const struct cpio_entry entries[] = {
		{ .name = { "dev", 3 },
		  .mode = 040755,
		  .nlink = 2,
		  .ino = 1,
		  .mtime_sec = 1700000000 },
		{ .name = { "dev/console", 11 },
		  .mode = 020600,
		  .nlink = 1,
		  .ino = 2,
		  .rdev_major = 5,
		  .rdev_minor = 1 },
		{ .name = { "file", 4 },
		  .mode = 0100644,
		  .uid = 7,
		  .gid = 8,
		  .nlink = 1,
		  .ino = 3,
		  .mtime_sec = 1700000001,
		  .data = { "hello\n", 6 } },
		{ .name = { "link", 4 },
		  .mode = 0120777,
		  .nlink = 1,
		  .ino = 4,
		  .data = { "file", 4 } },
		{ .name = { "empty", 5 },
		  .mode = 0100600,
		  .nlink = 1,
		  .ino = 5,
		  .mtime_sec = 1ULL << 40 },
	};
	struct buf b = { .a = a };

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		cpio_add(&b, &entries[i]);
	cpio_end(&b);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static void test_round(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str archive = archive_make(&a);
	struct cpio_entry x;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(archive.n % 4, 0);
	assert_int_equal(cpio_next(&archive, &x, &e), 1);
	assert_str(x.name, "dev");
	assert_int_equal(x.mode, 040755);
	assert_int_equal(cpio_next(&archive, &x, &e), 1);
	assert_int_equal(x.rdev_major, 5);
	assert_int_equal(x.rdev_minor, 1);
	assert_int_equal(cpio_next(&archive, &x, &e), 1);
	assert_str(x.data, "hello\n");
	assert_int_equal(x.uid, 7);
	assert_int_equal(x.gid, 8);
	assert_int_equal(x.ino, 3);
	assert_int_equal(x.mtime_sec, 1700000001);
	assert_int_equal(cpio_next(&archive, &x, &e), 1);
	assert_str(x.data, "file");
	assert_int_equal(cpio_next(&archive, &x, &e), 1);
	assert_int_equal(x.mtime_sec, UINT32_MAX);
	assert_int_equal(x.data.n, 0);
	assert_int_equal(cpio_next(&archive, &x, &e), 0);
	assert_int_equal(archive.n, 0);
	assert_err(cpio_next(&archive, &x, &e), &e, "cpio: ends without a trailer");
}

/* The same bytes whether content is added or streamed behind the header. */
static void test_streamed(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct cpio_entry x = {
		.name = STR("./usr/x"), .mode = 0100644, .nlink = 1, .data = STR("abcde")
	};
	struct buf whole = { .a = &a }, parts = { .a = &a };

	(void)state;
	cpio_add(&whole, &x);
	cpio_add_header(&parts, &x, x.data.n);
	buf_put(&parts, x.data.p, x.data.n);
	buf_align(&parts, 4);
	assert_int_equal(whole.v.n, parts.v.n);
	assert_memory_equal(whole.v.p, parts.v.p, whole.v.n);
}

static void test_program(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *list[] = { "cpio", "-itv", "--quiet", "--numeric-uid-gid", NULL };
	const char *cat[] = { "cpio", "-i", "--quiet", "--to-stdout", "file", NULL };
	struct str archive = archive_make(&a), line;
	struct proc_result r;
	struct err e = { 0 };

	(void)state;
	if (proc_run(&a, list, archive, NULL, &r, &e) < 0)
		skip();
	assert_int_equal(r.status, 0);
	assert_int_equal(r.err.n, 0);
	line = str_cut(&r.out, '\n');
	assert_true(str_starts(line, "drwxr-xr-x   2 0") && str_ends(line, " dev"));
	line = str_cut(&r.out, '\n');
	assert_true(str_starts(line, "crw-------   1 0") && str_has(line, "5,   1") &&
		    str_ends(line, "dev/console"));
	line = str_cut(&r.out, '\n');
	assert_true(
		str_starts(line, "-rw-r--r--   1 7        8               6 Nov 14  2023 file"));
	assert_true(str_ends(str_cut(&r.out, '\n'), "link -> file"));
	assert_ok(proc_run(&a, cat, archive, NULL, &r, &e), &e);
	assert_str(r.out, "hello\n");
}

static void check_damage(struct arena *a, size_t at, const char *bytes, const char *text)
{
	struct str archive = archive_make(a);
	struct cpio_entry x;
	struct err e = { 0 };

	memcpy((char *)(uintptr_t)archive.p + at, bytes, strlen(bytes));
	assert_err(cpio_next(&archive, &x, &e), &e, text);
}

static void test_damage(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str whole = archive_make(&a);

	(void)state;
	check_damage(&a, 0, "070707", "cpio: entry does not begin with 070701");
	check_damage(&a, 6, "0000000g", "cpio: damaged entry header");
	check_damage(&a, 94, "00000000", "cpio: name of 0 bytes, want 2 to 4096");
	check_damage(&a, 94, "ffffffff", "cpio: name of 4294967295 bytes, want 2 to 4096");
	check_damage(&a, 94, "00000003", "cpio: name of 3 bytes does not end with NUL");
	check_damage(&a, 54, "fffffffe", "cpio: 'dev': archive ends inside the entry");
	for (size_t n = 0; n < whole.n; n++) {
		struct str archive = str_head(whole, n);
		struct cpio_entry x;
		struct err e = { 0 };
		int r;

		while ((r = cpio_next(&archive, &x, &e)) > 0)
			;
		assert_true(r < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_streamed),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
