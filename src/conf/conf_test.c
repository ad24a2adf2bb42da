/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include <sys/stat.h>

#include "conf/load.h"
#include "conf/schema.h"

#define GOLDEN "test/golden/conf"

/* Which parser a golden file is for: what stands before the first '-' of its name. */
static int golden_parse(struct arena *a, struct str kind, struct str text, const char *name,
			struct err *e)
{
	union {
		struct conf_release release;
		vec_conf_upstream upstreams;
		struct conf_package package;
		struct conf_feature feature;
		struct image_yaml image;
	} x;

	if (str_eqz(kind, "release"))
		return yaml_load(a, &schema_release, text, name, &x, NULL, e);
	if (str_eqz(kind, "upstreams"))
		return conf_upstreams_parse(a, text, name, &x.upstreams, e);
	if (str_eqz(kind, "package"))
		return conf_package_parse(a, text, name, &x.package, e);
	if (str_eqz(kind, "feature"))
		return yaml_load(a, &schema_feature, text, name, &x, NULL, e);
	assert_true(str_eqz(kind, "image"));
	return yaml_load(a, &schema_image, text, name, &x, NULL, e);
}

/* @said: the message, or NULL for success. It must be what BASE.err says, and no such file means
 * success. With ASHLAR_GOLDEN=update the file is made so instead; `git diff` then shows what
 * changed. */
static void golden_compare(struct arena *a, struct str base, const char *said)
{
	const char *path = str_printf(a, "%.*s.err", STR_FMT(base)).p;
	const char *update = getenv("ASHLAR_GOLDEN");
	struct str got = said ? str_printf(a, "%s\n", said) : STR(""), want = { 0 };
	struct err e = { 0 };

	if (update && strcmp(update, "update") == 0) {
		if (said)
			assert_ok(file_write(path, 0644, got.p, got.n, &e), &e);
		else
			unlink(path);
	} else if (file_exists(path)) {
		assert_ok(file_read(a, path, 1 << 16, &want, &e), &e);
	}
	if (!update && !str_eq(got, want))
		fail_msg("%s:\nwant %.*sgot  %.*s", path, STR_FMT(want), STR_FMT(got));
}

static void golden_each(void (*one)(struct arena *a, struct str base, struct str name),
			const char *folder)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	vec_str names;

	assert_ok(dir_list(&a, folder, &names, &e), &e);
	assert_true(names.n > 0);
	vec_each(name, &names) {
		struct str stem = str_head(*name, name->n - 5);

		if (str_ends(*name, ".yaml"))
			one(&a, str_printf(&a, "%s/%.*s", folder, STR_FMT(stem)), stem);
	}
}

static void golden_file(struct arena *a, struct str base, struct str stem)
{
	struct str text, kind = stem;
	struct err e = { 0 };
	int r;

	assert_ok(file_read(a, str_printf(a, "%.*s.yaml", STR_FMT(base)).p, 1 << 16, &text, &e),
		  &e);
	r = golden_parse(a, str_cut(&kind, '-'), text, str_printf(a, "%.*s.yaml", STR_FMT(stem)).p,
			 &e);
	golden_compare(a, base, r < 0 ? e.msg : NULL);
}

static void golden_image(struct arena *a, struct str base, struct str stem)
{
	struct conf_image image;
	struct err e = { 0 };
	int r = conf_image_read(a, GOLDEN "/distro", str_z(a, stem), &image, &e);

	golden_compare(a, base, r < 0 ? e.msg : NULL);
}

static void test_messages(void **state)
{
	(void)state;
	golden_each(golden_file, GOLDEN);
	golden_each(golden_image, GOLDEN "/distro/images");
}

static void assert_texts(struct arena *a, vec_str got, const char *want)
{
	struct str all = { 0 };

	vec_each(s, &got)
		all = str_printf(a, "%.*s%s%.*s", STR_FMT(all), all.n ? " " : "", STR_FMT(*s));
	assert_str(all, want);
}

static void test_image(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct conf_image image;
	struct err e = { 0 };

	(void)state;
	assert_ok(conf_image_read(&a, GOLDEN "/distro", "server", &image, &e), &e);
	assert_str(image.name, "server");
	assert_str(image.description, "what every image has");
	assert_str(image.source, GOLDEN "/distro/images/server.yaml");
	assert_texts(&a, image.features, "network ssh");
	assert_texts(&a, image.packages, "networkd systemd bash sshd curl");
	assert_texts(&a, image.kernel_command_line, "quiet console=ttyS0");
	assert_int_equal(image.max_packages, 0);
	assert_false(image.documentation);
	assert_int_equal(image.esp_bytes, 64 << 20);
	assert_int_equal(image.max_image_bytes, 120 * 1000 * 1000);
	assert_int_equal(image.parts.n, 4);
	assert_str(image.parts.p[0].name, "network");
	assert_texts(&a, image.parts.p[0].packages, "networkd");
	assert_str(image.parts.p[1].name, "base");
	assert_texts(&a, image.parts.p[1].packages, "systemd bash");
	assert_str(image.parts.p[2].name, "ssh");
	assert_str(image.parts.p[2].source, GOLDEN "/distro/features/ssh.yaml");
	assert_str(image.parts.p[2].files.p[0].content, "PasswordAuthentication no\n");
	assert_str(image.parts.p[2].files.p[0].mode, "0644");
	assert_str(image.parts.p[3].name, "server");
	assert_str(image.parts.p[3].links.p[0].target, "../usr/share/zoneinfo/UTC");
	assert_err(conf_image_read(&a, GOLDEN "/distro", "servr", &image, &e), &e,
		   "image 'servr': there is no 'servr' in '" GOLDEN "/distro/images'; want base, ");
	assert_err(conf_image_read(&a, GOLDEN "/distro", "servr", &image, &e), &e,
		   "; did you mean 'server'?");
	assert_err(conf_image_read(&a, GOLDEN "/distro", memset(arena_alloc(&a, 130), 'x', 129),
				   &image, &e),
		   &e, "x': a name of 129 bytes; want at most 128");
	assert_err(conf_image_read(&a, GOLDEN "/distro", "", &image, &e), &e,
		   "image '': there is no ''");
	assert_err(conf_image_read(&a, GOLDEN "/distro", "../images/server", &image, &e), &e,
		   "there is no");
}

static void test_package(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct conf_package package;
	struct err e = { 0 };

	(void)state;
	assert_ok(conf_package_read(&a, GOLDEN "/distro", STR("tool"), &package, &e), &e);
	assert_str(package.name, "tool");
	assert_texts(&a, package.add_requires, "libc6 >= 2.36");
	assert_str(package.files.p[0].content, "verbose = 1\n");
	assert_str(package.files.p[0].mode, "0600");
	assert_ok(conf_package_read(&a, GOLDEN "/distro", STR("other"), &package, &e), &e);
	assert_str(package.name, "other");
	assert_int_equal(package.source.n, 0);
	assert_err(conf_package_read(&a, GOLDEN "/distro", STR("../x"), &package, &e), &e,
		   "package '../x': want");
}

static void test_upstreams(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_conf_upstream upstreams;
	struct err e = { 0 };
	struct str text;

	(void)state;
	assert_ok(file_read(&a, GOLDEN "/upstreams-good.yaml", 1 << 16, &text, &e), &e);
	assert_ok(conf_upstreams_parse(&a, text, "u.yaml", &upstreams, &e), &e);
	assert_int_equal(upstreams.n, 1);
	assert_int_equal(upstreams.p[0].type, UPSTREAM_DEBIAN);
	assert_int_equal(upstreams.p[0].check_valid_until, VALID_UNTIL_NO);
	assert_str(upstreams.p[0].suites.p[0].name, "trixie");
	assert_int_equal(upstreams.p[0].suites.p[0].mirror.n, 0);
	assert_texts(&a, upstreams.p[0].components, "main");
	vec_push(&a, &upstreams.p[0].components) = STR("contrib"); /* its capacity is true */
	assert_texts(&a, upstreams.p[0].components, "main contrib");
}

/* The project's own definitions: all that is there must be good. */
static void test_distro(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct conf_release release;
	struct conf_package package;
	struct conf_image image;
	vec_conf_upstream upstreams;
	vec_str names;
	struct err e = { 0 };

	(void)state;
	assert_ok(conf_release_read(&a, "distro", &release, &e), &e);
	assert_str(release.id, "ashlar");
	assert_ok(conf_upstreams_read(&a, "distro", &upstreams, &e), &e);
	assert_ok(dir_list(&a, "distro/images", &names, &e), &e);
	vec_each(name, &names)
		assert_ok(conf_image_read(&a, "distro", str_z(&a, str_cut(name, '.')), &image, &e),
			  &e);
	assert_ok(dir_list(&a, "distro/packages", &names, &e), &e);
	vec_each(name, &names)
		assert_ok(conf_package_read(&a, "distro", *name, &package, &e), &e);
}

static void put(struct arena *a, const char *dir, const char *name, const char *text)
{
	struct err e = { 0 };
	const char *path = path_join(a, dir, name);

	assert_ok(dir_make_parent(a, path, &e), &e);
	assert_ok(file_write(path, 0644, text, strlen(text), &e), &e);
}

/* What comes with a checkout must not show what else is on the machine, nor make it wait. */
static void test_links(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	char *dir = test_dir(&a), *secret = path_join(&a, test_dir(&a), "secret");
	struct conf_image image;

	(void)state;
	assert_ok(file_write(secret, 0600, "root:hash\n", 10, &e), &e);
	put(&a, dir, "images/x.yaml", "files:\n  - { path: /a, source: s/leak }\n");
	assert_ok(dir_make(path_join(&a, dir, "files/x/s"), &e), &e);
	assert_int_equal(symlink(secret, path_join(&a, dir, "files/x/s/leak")), 0);
	assert_err(conf_image_read(&a, dir, "x", &image, &e), &e,
		   "x.yaml:2:5: the file's source: '");
	assert_err(conf_image_read(&a, dir, "x", &image, &e), &e,
		   "files/x/s/leak' is or lies behind a symbolic link");
	unlink(path_join(&a, dir, "files/x/s/leak"));
	assert_int_equal(mkfifo(path_join(&a, dir, "files/x/s/leak"), 0600), 0);
	assert_err(conf_image_read(&a, dir, "x", &image, &e), &e,
		   "leak' is no regular file; want one");
	assert_ok(dir_remove(path_join(&a, dir, "files/x"), &e), &e);
	assert_int_equal(symlink("/etc", path_join(&a, dir, "files/x")), 0);
	assert_err(conf_image_read(&a, dir, "x", &image, &e), &e, "lies behind a symbolic link");
	assert_int_equal(symlink(secret, path_join(&a, dir, "images/y.yaml")), 0);
	assert_err(conf_image_read(&a, dir, "y", &image, &e), &e,
		   "images/y.yaml' is or lies behind a symbolic link");
	assert_ok(dir_remove(dir, &e), &e);
}

static void test_bounds(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct conf_package package;
	struct err e = { 0 };
	struct buf b = { .a = &a };

	(void)state;
	assert_err(conf_release_read(&a, "/nonexistent", &(struct conf_release){ 0 }, &e), &e,
		   "open '/nonexistent/release.yaml'");
	buf_printf(&b, "drop-files: [");
	for (int i = 0; i <= YAML_LIST_MAX; i++)
		buf_printf(&b, "a,\n");
	assert_err(conf_package_parse(&a, (struct str){ (char *)b.v.p, b.v.n }, "p.yaml", &package,
				      &e),
		   &e, "p.yaml:4097:1: 'drop-files' has more than 4096 entries; want fewer");
	buf_zero(&b, YAML_BYTES_MAX);
	assert_err(conf_package_parse(&a, (struct str){ (char *)b.v.p, b.v.n }, "p.yaml", &package,
				      &e),
		   &e, "p.yaml:1:1: is larger than 1 MiB; want a definition");
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = { { "0", 0 },
		      { "17", 17 },
		      { "2kB", 2000 },
		      { "2KiB", 2048 },
		      { "64MiB", 64 << 20 },
		      { "120MB", 120000000 },
		      { "1GB", 1000000000 },
		      { "1GiB", 1 << 30 } };
	static const char *const bad[] = {
		"", "MB", "1mb", "1 MB", "-1", "1.5MB", "18446744073709551616", "0x10"
	};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_true(str_size(str_c(sizes[i].text), &bytes));
		assert_int_equal(bytes, sizes[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(str_size(str_c(bad[i]), &bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages), cmocka_unit_test(test_image),
		cmocka_unit_test(test_package),  cmocka_unit_test(test_upstreams),
		cmocka_unit_test(test_distro),   cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_sizes),    cmocka_unit_test(test_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
