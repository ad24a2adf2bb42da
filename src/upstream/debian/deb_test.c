/* SPDX-License-Identifier: MIT */
#include "upstream/debian/deb_test.h"

#include <sys/stat.h>

#include "base/proc.h"

static const struct tar_entry control[] = { { .path = "./control", .data = "Package: hello\n" },
					    { 0 } };

static const struct tar_entry hello[] = {
	{ .path = "./", .type = '5' },
	{ .path = "./bin/", .type = '5' },
	{ .path = "./bin/hello", .mode = 0755, .data = "program" },
	{ .path = "./bin/hallo", .type = '1', .data = "./bin/hello" },
	{ .path = "./lib", .type = '2', .data = "usr/lib" },
	{ .path = "./usr/", .type = '5' },
	{ .path = "./usr/bin/", .type = '5' },
	{ .path = "./usr/bin/su", .mode = 04755, .data = "x", .group = "shadow" },
	{ 0 },
};

static void test_files(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	struct deb deb;
	struct str bytes = deb_make(&a, control, hello);

	(void)state;
	assert_ok(deb_parse(&a, bytes, 0, &deb, &e), &e);
	assert_str(deb.control, "Package: hello\n");
	assert_str(deb_control_file(&deb, "control"), "Package: hello\n");
	assert_int_equal(deb_control_file(&deb, "postinst").n, 0);
	assert_int_equal(deb.files.n, 6);
	assert_str(deb.files.p[0].path, "/lib");
	assert_str(deb.files.p[0].data, "usr/lib");
	assert_str(deb.files.p[2].path, "/usr/bin");
	assert_str(deb.files.p[3].path, "/usr/bin/hallo");
	assert_str(deb.files.p[3].data, "program");
	assert_int_equal(deb.files.p[3].link_group, 1);
	assert_int_equal(deb.files.p[3].mode, S_IFREG | 0755);
	assert_int_equal(deb.files.p[4].link_group, 1);
	assert_int_equal(deb.files.p[5].mode, S_IFREG | 04755);
	assert_str(deb.files.p[5].group, "shadow");
	assert_int_equal(deb.files.p[5].mtime_sec, 1700000000);
	/* content is not copied */
	assert_true(deb.files.p[5].data.p > bytes.p && deb.files.p[5].data.p < bytes.p + bytes.n);
	assert_string_equal(sha256_hex(&a, "x", 1).p, hex_encode(&a, deb.files.p[5].sha256, 32).p);
}

#define LONG_NAME "0123456789012345678901234567890123456789012345678901234567890123456789"

static void test_hostile_entries(void **state)
{
	static const struct {
		struct tar_entry entries[4];
		const char *text;
	} cases[] = {
		{ { { .path = "../x" } }, "data.tar: '../x': a path that escapes by '..'" },
		{ { { .path = "./usr/../../x" } }, "'./usr/../../x': a path that escapes by '..'" },
		{ { { .path = "./x", .type = '2', .data = "/etc" }, { .path = "./x/passwd" } },
		  "'/x/passwd': lies below '/x', which is a symbolic link" },
		{ { { .path = "./x/passwd" }, { .path = "./x", .type = '2', .data = "/etc" } },
		  "'/x/passwd': lies below '/x', which is a symbolic link" },
		{ { { .path = "./x" }, { .path = "./x/y" } },
		  "'/x/y': lies below '/x', which is a file" },
		{ { { .path = "./x" }, { .path = "./x" } }, "'/x': a duplicate entry" },
		{ { { .path = "./x/", .type = '5' }, { .path = "./x" } },
		  "'/x': a duplicate entry" },
		{ { { .path = "./lib/x" }, { .path = "./usr/lib/x" } },
		  "'/usr/lib/x': a duplicate entry" },
		{ { { .path = "./x", .type = '1', .data = "./y" }, { .path = "./y" } },
		  "'/x': hard link to '/y', which is no file before it" },
		{ { { .path = "./y/", .type = '5' },
		    { .path = "./x", .type = '1', .data = "./y" } },
		  "'/x': hard link to '/y'" },
		{ { { .path = "./x", .type = '1', .data = "../y" } },
		  "'/x': hard link: '../y': a path that escapes by '..'" },
		{ { { .path = "./x", .data = "abc", .size = 1 << 30 } },
		  "'/x': declares 1073741824 bytes, the whole archive has 2048" },
		{ { { .path = "./x", .data = "abc", .size = 1600 } },
		  "'/x': the archive ends within its 1600 bytes" },
		{ { { .path = "./x", .type = '2', .data = "" } },
		  "'/x': a symbolic link without a sensible target" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct err e = { 0 };
		struct deb deb;

		assert_err(deb_parse(&a, deb_make(&a, control, cases[i].entries), 0, &deb, &e), &e,
			   cases[i].text);
	}
}

static struct str ar_make(struct arena *a, const char *const *names)
{
	struct buf b = { .a = a };

	buf_printf(&b, "!<arch>\n");
	for (; *names; names++)
		ar_add(&b, *names,
		       strcmp(*names, "debian-binary") == 0 ? STR("2.0\n") : tar_make(a, control));
	return buf_slice(&b);
}

static void check_deb(struct arena *a, struct str bytes, const char *text)
{
	struct err e = { 0 };
	struct deb deb;

	assert_err(deb_parse(a, bytes, 0, &deb, &e), &e, text);
}

static void test_members(void **state)
{
	static const struct {
		const char *names[6];
		const char *text;
	} cases[] = {
		{ { NULL }, "has no member 'debian-binary'" },
		{ { "debian-binary" }, "has no member 'control.tar'" },
		{ { "debian-binary", "control.tar" }, "has no member 'data.tar'" },
		{ { "debian-binary", "data.tar", "control.tar" },
		  "has member 'data.tar' where 'control.tar' belongs" },
		{ { "control.tar", "debian-binary", "data.tar" },
		  "has member 'control.tar' where 'debian-binary' belongs" },
		{ { "debian-binary", "control.tar", "data.tar", "data.tar" },
		  "has member 'data.tar' behind 'data.tar'" },
		{ { "debian-binary", "control.tar", "data.tar.Z" },
		  "has member 'data.tar.Z' where 'data.tar' belongs" },
	};
	static const char *const extra[] = { "debian-binary", "_a",       "control.tar",
					     "_gpgbuilder",   "data.tar", "_gpgorigin",
					     "more",          NULL };
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	struct deb deb;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_deb(&a, ar_make(&a, cases[i].names), cases[i].text);
	assert_ok(deb_parse(&a, ar_make(&a, extra), 0, &deb, &e), &e);
	check_deb(&a, STR("PK\3\4"), "not a .deb: does not begin with '!<arch>'");
}

static void test_damage(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str whole = deb_make(&a, control, hello);
	struct buf b = { .a = &a };
	size_t data_at = whole.n - tar_make(&a, hello).n;

	(void)state;
	/* cut anywhere, it is never read as something else; zeroes at the end of a tar archive may
	 * be missing */
	for (size_t n = 0; n < whole.n; n += n < 300 ? 1 : 97) {
		_cleanup_arena_ struct arena scratch = { 0 };
		struct err e = { 0 };
		struct deb deb;

		assert_true(deb_parse(&scratch, str_head(whole, n), 0, &deb, &e) < 0);
	}
	check_deb(&a, str_cat(&a, whole, STR("garbage")), "damaged ar header");
	check_deb(&a, str_head(whole, data_at + 100), "member 'data.tar' declares");
	buf_printf(&b, "!<arch>\n");
	ar_add(&b, "debian-binary", STR("3.0\n"));
	check_deb(&a, buf_slice(&b), "has format '3.0', want 2.0");
}

/* The archive of the data member, changed. */
static void check_tar(struct arena *a, struct str tar, const char *text)
{
	struct err e = { 0 };
	struct tarball tarball;

	assert_err(tarball_read(a, tar, &tarball, &e), &e, text);
}

static void test_tar_ends(void **state)
{
	static const struct tar_entry one[] = { { .path = "./x", .data = "abc" }, { 0 } };
	_cleanup_arena_ struct arena a = { 0 };
	struct str tar = tar_make(&a, one);
	char *changed = arena_copy(&a, tar.p, tar.n);

	(void)state;
	check_tar(&a, str_head(tar, 1024), "ends without an end marker");
	check_tar(&a, str_cat(&a, tar, STR("garbage")), "bytes behind the end of the archive");
	changed[3] ^= 1;
	check_tar(&a, (struct str){ changed, tar.n }, "no tar archive: ");
	tar = tar_make(&a, hello);
	changed = arena_copy(&a, tar.p, tar.n);
	changed[512 + 3] ^= 1;
	check_tar(&a, (struct str){ changed, tar.n }, "damaged archive: ");
}

static struct str piped(struct arena *a, const char *program, const char *option, struct str in)
{
	const char *argv[] = { program, option, "-c", NULL };
	struct proc_result r;
	struct err e = { 0 };

	if (proc_run(a, argv, in, NULL, &r, &e) < 0)
		skip();
	return r.out;
}

static void test_bomb(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct buf b = { .a = &a }, zeroes = { .a = &a };
	struct err e = { 0 };
	struct deb deb;

	(void)state;
	buf_zero(&zeroes, (16 << 20) + 1);
	buf_printf(&b, "!<arch>\n");
	ar_add(&b, "debian-binary", STR("2.0\n"));
	ar_add(&b, "control.tar", tar_make(&a, control));
	ar_add(&b, "data.tar.xz", piped(&a, "xz", "-0", buf_slice(&zeroes)));
	assert_err(deb_parse(&a, buf_slice(&b), 16 << 20, &deb, &e), &e,
		   "data.tar.xz: expands beyond 16777216 bytes");
	/* many times its own size, but not much: dpkg takes it, too */
	assert_ok(deb_parse(&a, buf_slice(&b), 0, &deb, &e), &e);
}

/* The two that dpkg-deb no longer writes but reads. */
static void test_old_codecs(void **state)
{
	static const char *const codecs[][2] = { { "bzip2", "data.tar.bz2" },
						 { "lzma", "data.tar.lzma" } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct str packed = piped(&a, codecs[i][0], "-9", tar_make(&a, hello));
		struct buf b = { .a = &a };
		struct err e = { 0 };
		struct deb deb;

		buf_printf(&b, "!<arch>\n");
		ar_add(&b, "debian-binary", STR("2.0\n"));
		ar_add(&b, i == 0 ? "control.tar.bz2" : "control.tar.lzma",
		       piped(&a, codecs[i][0], "-1", tar_make(&a, control)));
		ar_add(&b, codecs[i][1], packed);
		assert_ok(deb_parse(&a, buf_slice(&b), 0, &deb, &e), &e);
		assert_int_equal(deb.files.n, 6);
		b = (struct buf){ .a = &a };
		buf_printf(&b, "!<arch>\n");
		ar_add(&b, "debian-binary", STR("2.0\n"));
		ar_add(&b, "control.tar", tar_make(&a, control));
		ar_add(&b, codecs[i][1], str_head(packed, packed.n - 9));
		assert_err(deb_parse(&a, buf_slice(&b), 0, &deb, &e), &e, codecs[i][1]);
		b.v.n = 0;
		buf_printf(&b, "!<arch>\n");
		ar_add(&b, "debian-binary", STR("2.0\n"));
		ar_add(&b, "control.tar", tar_make(&a, control));
		ar_add(&b, codecs[i][1], packed);
		assert_err(deb_parse(&a, buf_slice(&b), 1000, &deb, &e), &e,
			   "expands beyond 1000 bytes");
	}
}

/* A hard link is another name of whatever came before it. */
static void test_hard_links(void **state)
{
	static const struct tar_entry entries[] = {
		{ .path = "./a", .type = '2', .data = "target" },
		{ .path = "./b", .type = '1', .data = "./a" },
		{ .path = "./bin/c", .type = '6', .mode = 0600 },
		{ .path = "./d", .type = '1', .data = "bin/c" },
		{ .path = "./e", .type = '3', .device = { 1, 3 } },
		{ .path = "./f", .type = '1', .data = "/e" },
		{ .path = "/g", .data = "x" },
		{ .path = "h", .type = '1', .data = "g" },
		{ .path = "./i", .type = '1', .data = "./h" },
		{ .path = "./z\xe9", .data = "latin" },
		{ .path = "./j", .type = '1', .data = "./z\xe9" },
		{ 0 },
	};
	static const char *const want[] = {
		"/a 120644 target 0", "/b 120644 target 0",   "/d 010600  0",  "/e 020644  0",
		"/f 020644  0",       "/g 100644 x 1",        "/h 100644 x 1", "/i 100644 x 1",
		"/j 100644 latin 2",  "/usr/bin/c 010600  0",
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	struct deb deb;

	(void)state;
	assert_ok(deb_parse(&a, deb_make(&a, control, entries), 0, &deb, &e), &e);
	assert_int_equal(deb.files.n, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < deb.files.n; i++) {
		const struct rpm_file *f = &deb.files.p[i];

		assert_str(str_printf(&a, "%.*s %06o %.*s %u", STR_FMT(f->path), f->mode,
				      STR_FMT(f->data), f->link_group),
			   want[i]);
	}
	assert_int_equal(files_find(&deb.files, STR("/f"))->rdev_minor, 3);
	assert_str(sha256_hex(&a, "latin", 5),
		   str_z(&a, hex_encode(&a, files_find(&deb.files, STR("/j"))->sha256, 32)));
}

/* Neither file nor error: a definition may leave them out. */
static void test_refused(void **state)
{
	static const struct tar_entry entries[] = {
		{ .path = "./opt/caf\xe9/", .type = '5' },
		{ .path = "./opt/caf\xe9/x", .data = "x" },
		{ .path = "./opt/a\nb", .data = "x" },
		{ .path = "./opt/\xc0\xaf", .data = "x" },
		{ .path = "./opt/l", .type = '2', .data = "\xff" },
		{ .path = "./opt/m", .type = '1', .data = "opt/l" },
		{ .path = "./opt/n", .type = '4', .device = { 300, 1 } },
		{ .path = "./opt/ok", .data = "x" },
		{ 0 },
	};
	static const char *const want[] = {
		"'/opt/caf\\xe9': a name that is not UTF-8 text, which RPM cannot hold = /opt/caf?",
		"'/opt/caf\\xe9/x': a name that is not UTF-8 text, which RPM cannot hold = /opt/caf?/x",
		"'/opt/a\\x0ab': a name that is not UTF-8 text, which RPM cannot hold = /opt/a?b",
		"'/opt/\\xc0\\xaf': a name that is not UTF-8 text, which RPM cannot hold = /opt/??",
		"'/opt/l': a symbolic link to what is not UTF-8 text, which RPM cannot hold = /opt/l",
		"'/opt/m': a hard link to what is refused itself = /opt/m",
		"'/opt/n': a device with a number above 255, which RPM cannot hold = /opt/n",
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	struct deb deb;

	(void)state;
	assert_ok(deb_parse(&a, deb_make(&a, control, entries), 0, &deb, &e), &e);
	assert_int_equal(deb.files.n, 1);
	assert_int_equal(deb.refused.n, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < deb.refused.n; i++)
		assert_str(str_printf(&a, "%.*s = %.*s", STR_FMT(deb.refused.p[i].what),
				      STR_FMT(deb.refused.p[i].glob)),
			   want[i]);
	assert_err(deb_parse(&a, deb_make(&a, entries, hello), 0, &deb, &e), &e,
		   "control.tar: '/opt/caf\\xe9': a name");
}

/* dpkg-deb packs, we unpack; and what it lists is what we read. */
static void check_dpkg(struct arena *a, const char *dir, const char *codec)
{
	const char *deb_path = path_join(a, dir, "x.deb"), *tree = path_join(a, dir, "tree");
	const char *build[] = {
		"dpkg-deb", "--root-owner-group", codec, "-b", tree, deb_path, NULL
	};
	const char *list[] = { "dpkg-deb", "-c", deb_path, NULL };
	struct proc_result r;
	struct err e = { 0 };
	struct str bytes;
	struct deb deb;
	size_t n = 0;

	assert_ok(proc_run(a, build, (struct str){ 0 }, NULL, &r, &e), &e);
	assert_int_equal(r.status, 0);
	assert_ok(file_read(a, deb_path, 1 << 20, &bytes, &e), &e);
	assert_ok(deb_parse(a, bytes, 0, &deb, &e), &e);
	assert_ok(proc_run(a, list, (struct str){ 0 }, NULL, &r, &e), &e);
	while (r.out.n > 0)
		n += !str_ends(str_cut(&r.out, '\n'), " ./");
	assert_int_equal(deb.files.n, n);
	assert_str(files_find(&deb.files, STR("/usr/share/Főtanúsítvány"))->data, "x");
	assert_str(files_find(&deb.files, str_c("/usr/share/" LONG_NAME LONG_NAME))->data, "y");
	assert_str(deb_control_file(&deb, "postinst"), "#!/bin/sh\n");
}

static void test_dpkg(void **state)
{
	static const char text[] =
		"Package: x\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b>\nDescription: x\n y\n";
	static const char *const codecs[] = { "-Znone", "-Zgzip", "-Zxz", "-Zzstd" };
	_cleanup_arena_ struct arena a = { 0 };
	const char *version[] = { "dpkg-deb", "--version", NULL }, *dir = test_dir(&a);
	const char *tree = path_join(&a, dir, "tree");
	struct proc_result r;
	struct err e = { 0 };

	(void)state;
	if (proc_run(&a, version, (struct str){ 0 }, NULL, &r, &e) < 0)
		skip();
	assert_ok(dir_make(path_join(&a, tree, "DEBIAN"), &e), &e);
	assert_ok(dir_make(path_join(&a, tree, "usr/share"), &e), &e);
	assert_ok(file_write(path_join(&a, tree, "DEBIAN/control"), 0644, text, strlen(text), &e),
		  &e);
	assert_ok(file_write(path_join(&a, tree, "DEBIAN/postinst"), 0755, "#!/bin/sh\n", 10, &e),
		  &e);
	assert_ok(file_write(path_join(&a, tree, "usr/share/Főtanúsítvány"), 0644, "x", 1, &e), &e);
	assert_ok(file_write(path_join(&a, tree, "usr/share/" LONG_NAME LONG_NAME), 0644, "y", 1,
			     &e),
		  &e);
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		check_dpkg(&a, dir, codecs[i]);
	assert_ok(dir_remove(dir, &e), &e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),    cmocka_unit_test(test_hostile_entries),
		cmocka_unit_test(test_members),  cmocka_unit_test(test_damage),
		cmocka_unit_test(test_tar_ends), cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_dpkg),     cmocka_unit_test(test_old_codecs),
		cmocka_unit_test(test_refused),  cmocka_unit_test(test_hard_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
