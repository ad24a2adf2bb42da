/* SPDX-License-Identifier: MIT */
#include "upstream/debian/deb_test.h"

#include <sys/stat.h>

#include "upstream/debian/convert.h"

static const struct tar_entry control[] = {
	{ .path = "./control",
	  .data = "Package: hello\nVersion: 1:1.2-3\nArchitecture: amd64\nMaintainer: A. Person <a@x>\nSection: misc\n"
		  "Homepage: https://example.org/\nDescription: says hello\n It says so\n politely.\n .\n  Twice.\n" },
	{ .path = "./conffiles", .data = "/etc/hello.conf\nremove-on-upgrade /etc/old.conf\n" },
	{ .path = "./postinst", .mode = 0755, .data = "#!/bin/sh\nset -e\nldconfig\n" },
	{ 0 },
};

static const struct tar_entry data[] = {
	{ .path = "./", .type = '5' },
	{ .path = "./bin/hello", .mode = 04755, .data = "program" },
	{ .path = "./bin/hallo", .type = '1', .data = "./bin/hello" },
	{ .path = "./etc/hello.conf", .data = "x=1\n" },
	{ .path = "./etc/hello.d/", .type = '5', .mode = 0700 },
	{ .path = "./usr/share/doc/hello/", .type = '5' },
	{ .path = "./usr/share/doc/hello/copyright",
	  .data = "Format: x\n\nFiles: *\nLicense: GPL-2+ or MIT\n" },
	{ .path = "./usr/share/doc/hello/changelog.Debian.gz",
	  .data = "hello (1:1.2-3) x; y\n\n  * New.\n\n -- A. Person <a@x>  Thu, 02 Jan 2025 12:00:00 +0000\n" },
	{ .path = "./usr/share/doc/libhello", .type = '2', .data = "hello" },
	{ .path = "./usr/share/locale/de/LC_MESSAGES/hello.mo", .data = "m" },
	{ .path = "./usr/share/man/de/man1/hello.1.gz", .data = "m" },
	{ .path = "./usr/share/man/man1/hello.1.gz", .data = "m" },
	{ .path = "./usr/share/man/man3posix/hello.3posix.gz", .data = "m" },
	{ .path = "./usr/share/hello/dropped/x", .data = "m" },
	{ .path = "./usr/share/hello/ping", .mode = 0755, .data = "p", .group = "shadow" },
	{ 0 },
};

static struct rpm_meta meta(void)
{
	return (struct rpm_meta){ .name = STR("hello"),
				  .version = STR("1.2"),
				  .release = STR("3"),
				  .epoch = 1,
				  .arch = STR("x86_64"),
				  .origin_name = STR("hello"),
				  .origin_version = STR("1:1.2-3"),
				  .origin_arch = STR("amd64"),
				  .vendor = STR("Ashlar") };
}

/* As text: what the RPM will say. */
static struct str dump(struct arena *a, const struct rpm_package *p)
{
	struct buf b = { .a = a };

	buf_printf(
		&b,
		"summary %.*s\ndescription %.*s\nurl %.*s\nlicense %.*s\ngroup %.*s\nvendor %.*s\nbuilt %llu\n",
		STR_FMT(p->meta.summary), STR_FMT(p->meta.description), STR_FMT(p->meta.url),
		STR_FMT(p->meta.license), STR_FMT(p->meta.group), STR_FMT(p->meta.vendor),
		(unsigned long long)p->build_time_sec);
	vec_each(entry, &p->changelog)
		buf_printf(&b, "* %llu %.*s: %.*s\n", (unsigned long long)entry->time_sec,
			   STR_FMT(entry->author), STR_FMT(entry->text));
	vec_each(f, &p->files) {
		buf_printf(&b, "%06o %.*s:%.*s %.*s", f->mode, STR_FMT(f->user), STR_FMT(f->group),
			   STR_FMT(f->path));
		buf_printf(&b,
			   S_ISLNK(f->mode)   ? " -> %.*s"
			   : S_ISREG(f->mode) ? " = %.*s"
					      : "%.*s",
			   STR_FMT(str_head(f->data, 8)));
		buf_printf(&b, "%s%s%s%s", f->flags & FILE_CONFIG ? " config" : "",
			   f->flags & FILE_NOREPLACE ? " noreplace" : "",
			   f->flags & FILE_DOC ? " doc" : "",
			   f->flags & FILE_LICENSE ? " license" : "");
		if (f->lang.n > 0)
			buf_printf(&b, " lang=%.*s", STR_FMT(f->lang));
		if (f->xattrs.n > 0)
			buf_printf(&b, " caps=%.*s", STR_FMT(xattrs_caps(a, &f->xattrs)));
		if (f->link_group > 0)
			buf_printf(&b, " group=%u", f->link_group);
		buf_printf(&b, "\n");
	}
	return buf_slice(&b);
}

/* Compares with test/golden/convert/hello.txt; ASHLAR_GOLDEN=update writes it. */
static void test_golden(void **state)
{
	static const char path[] = "test/golden/convert/hello.txt";
	struct str globs[] = { STR("ldconfig**") }, drops[] = { STR("/usr/share/hello/dropped/") };
	struct conf_caps caps = { STR("/usr/share/hello/ping"), STR("cap_net_raw=ep") };
	struct conf_mode mode = { .path = STR("/usr/bin/hello"),
				  .mode = STR("0755"),
				  .group = STR("tty") };
	struct conf_package conf = { .drop_files = { drops, 1, 1 },
				     .caps = { &caps, 1, 1 },
				     .modes = { &mode, 1, 1 } };
	struct conf_upstream upstream = { .script_covered = { globs, 1, 1 } };
	_cleanup_arena_ struct arena a = { 0 };
	const char *update = getenv("ASHLAR_GOLDEN");
	struct rpm_meta m = meta();
	struct rpm_package p;
	struct err e = { 0 };
	struct str want, got;

	(void)state;
	assert_ok(deb_convert(&a, deb_make(&a, control, data), &m, &conf, &upstream, &p, &e), &e);
	got = dump(&a, &p);
	if (update && strcmp(update, "update") == 0)
		assert_ok(file_write(path, 0644, got.p, got.n, &e), &e);
	assert_ok(file_read(&a, path, 1 << 16, &want, &e), &e);
	if (!str_eq(got, want))
		fail_msg("%s:\n%.*s", path, STR_FMT(got));
}

static void check(const struct tar_entry *c, const struct conf_package *conf, struct rpm_meta m,
		  const char *text)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct conf_upstream upstream = { 0 };
	struct rpm_package p;
	struct err e = { 0 };

	assert_err(deb_convert(&a, deb_make(&a, c, data), &m, conf, &upstream, &p, &e), &e, text);
}

static void test_errors(void **state)
{
	static const struct tar_entry no_conffile[] = {
		{ .path = "./control",
		  .data = "Package: hello\nVersion: 1:1.2-3\nArchitecture: amd64\n" },
		{ .path = "./conffiles", .data = "/etc/absent\n" },
		{ 0 },
	};
	static const struct tar_entry plain[] = {
		{ .path = "./control",
		  .data = "Package: hello\nVersion: 1:1.2-3\nArchitecture: amd64\n" },
		{ 0 },
	};
	static const struct tar_entry empty[] = { { 0 } };
	static const struct tar_entry no_field[] = {
		{ .path = "./control", .data = "Package hello\n" }, { 0 }
	};
	struct conf_package none = { 0 }, conf = { 0 };
	struct conf_caps caps = { STR("/etc"), STR("cap_net_raw=ep") };
	struct conf_mode mode = { .path = STR("/absent"), .mode = STR("0755") };
	struct rpm_meta other = meta();

	(void)state;
	check(control, &none, meta(), "package 'hello': postinst does what nothing covers");
	other.origin_version = STR("2");
	check(control, &none, other,
	      "package 'hello': control: Version is '1:1.2-3', the index says '2'");
	check(no_conffile, &none, meta(),
	      "package 'hello': conffiles: '/etc/absent' is not in the package");
	check(no_field, &none, meta(), "package 'hello': control: 'Package hello' is no field");
	conf.caps.p = &caps;
	conf.caps.n = 1;
	check(empty, &conf, meta(), "has no file 'control'");
	check(plain, &conf, meta(), "package 'hello': caps: '/etc' is no file of the package");
	conf = (struct conf_package){ .modes = { &mode, 1, 1 } };
	check(plain, &conf, meta(), "package 'hello': modes: '/absent' is not in the package");
	mode.path = STR("/etc/hello.conf");
	mode.mode = STR("0789");
	check(plain, &conf, meta(),
	      "modes: '/etc/hello.conf': '0789' is no octal mode such as 0755");
	mode.mode = STR("17777");
	check(plain, &conf, meta(), "modes: '/etc/hello.conf': '17777' is beyond 7777");
}

static const struct tar_entry bare[] = {
	{ .path = "./control", .data = "Package: hello\nVersion: 1:1.2-3\nArchitecture: amd64\n" },
	{ 0 },
};

/* An account of whoever built the package, and what no RPM can hold. */
static const struct tar_entry foreign[] = {
	{ .path = "./opt/caf\xe9/", .type = '5' },
	{ .path = "./opt/caf\xe9/x", .data = "x" },
	{ .path = "./opt/null", .type = '3', .device = { 1, 3 } },
	{ .path = "./opt/run", .group = "docker", .data = "x" },
	{ .path = "./opt/sub/run", .group = "docker", .data = "x" },
	{ 0 },
};

static int convert_foreign(struct arena *a, const struct conf_package *conf,
			   struct rpm_package *ret, struct err *e)
{
	struct conf_upstream upstream = { 0 };
	struct rpm_meta m = meta();

	return deb_convert(a, deb_make(a, bare, foreign), &m, conf, &upstream, ret, e);
}

static void test_foreign(void **state)
{
	struct str drops[] = { STR("/opt/caf?/") }, devices[] = { STR("/opt/null") };
	struct conf_owner owner = { .path = STR("/opt/*"), .group = STR("root") };
	struct conf_package conf = { .name = STR("hello"), .owners = { &owner, 1, 1 } };
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_package p;
	struct err e = { 0 };

	(void)state;
	assert_err(
		convert_foreign(&a, &conf, &p, &e), &e,
		"package 'hello': '/opt/caf\\xe9': a name that is not UTF-8 text, which RPM cannot "
		"hold; leave it out with drop-files: ['/opt/caf?'] in packages/hello/package.yaml");
	conf.drop_files = (vec_str){ drops, 1, 1 };
	assert_err(
		convert_foreign(&a, &conf, &p, &e), &e,
		"package 'hello': '/opt/null': a device (character 1:3), which a package may bring only "
		"if packages/hello/package.yaml names it under 'device-files'");
	conf.device_files = (vec_str){ devices, 1, 1 };
	assert_ok(convert_foreign(&a, &conf, &p, &e), &e);
	assert_int_equal(p.files.n, 3);
	assert_str(files_find(&p.files, STR("/opt/run"))->group, "root");
	assert_str(files_find(&p.files, STR("/opt/sub/run"))->group, "docker");
	conf.max_unpacked_bytes = 1000;
	assert_err(convert_foreign(&a, &conf, &p, &e), &e,
		   "package 'hello': packages/hello/package.yaml may allow more by "
		   "'max-unpacked-bytes': data.tar: expands beyond 1000 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
