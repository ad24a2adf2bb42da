/* SPDX-License-Identifier: MIT */
#include "rpm/rpm_test.h"

#include <limits.h>

static const char elfdeps[] = "/usr/lib/rpm/elfdeps";

static int line_cmp(const void *x, const void *y)
{
	return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* What rpm's generator prints, sorted, each line once. */
static struct str generator(struct arena *a, const char *option, const char *path)
{
	struct str out = test_run(a, (const char *[]){ elfdeps, option, path, NULL });
	struct buf b = { .a = a };
	vec_str lines = { 0 };

	while (out.n > 0)
		vec_push(a, &lines) = str_cut(&out, '\n');
	if (lines.n > 0)
		qsort(lines.p, lines.n, sizeof(*lines.p), line_cmp);
	for (size_t i = 0; i < lines.n; i++)
		if (i == 0 || !str_eq(lines.p[i], lines.p[i - 1]))
			buf_printf(&b, "%.*s\n", STR_FMT(lines.p[i]));
	return (struct str){ (char *)b.v.p, b.v.n };
}

static struct str deps_lines(struct arena *a, const vec_dep *deps)
{
	struct buf b = { .a = a };

	vec_each(d, deps)
		buf_printf(&b, "%.*s\n", STR_FMT(d->name));
	return (struct str){ (char *)b.v.p, b.v.n };
}

static struct rpm_package package_of(struct arena *a, const char *path)
{
	struct rpm_package p = { 0 };
	struct rpm_file f = { .path = str_c(path) };
	struct stat st;
	struct err e;

	assert_int_equal(stat(path, &st), 0);
	f.mode = st.st_mode;
	assert_ok(file_read(a, path, 64 << 20, &f.data, &e), &e);
	vec_push(a, &p.files) = f;
	assert_ok(elf_deps(a, &p, &e), &e);
	return p;
}

static void assert_same(struct str got, struct str want, const char *path)
{
	if (!str_eq(got, want))
		fail_msg("%s:\n%.*swant:\n%.*s", path, STR_FMT(got), STR_FMT(want));
}

/* Programs, libraries with versions, the dynamic linker, a plugin without a soname, this test. */
static void test_as_elfdeps(void **state)
{
	static const char *const paths[] = { "/bin/bash",
					     "/usr/bin/rpm",
					     "/lib64/ld-linux-x86-64.so.2",
					     "/lib/x86_64-linux-gnu/libc.so.6",
					     "/lib/x86_64-linux-gnu/libm.so.6",
					     "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
					     "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
					     "/lib/x86_64-linux-gnu/security/pam_unix.so",
					     "/proc/self/exe" };

	(void)state;
	if (access(elfdeps, X_OK) < 0)
		skip();
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		_cleanup_arena_ struct arena a = { 0 };
		char path[PATH_MAX];
		struct rpm_package p;

		if (!realpath(paths[i], path))
			continue;
		p = package_of(&a, path);
		assert_same(deps_lines(&a, &p.meta.requires), generator(&a, "--requires", path),
			    path);
		assert_same(deps_lines(&a, &p.meta.provides), generator(&a, "--provides", path),
			    path);
	}
}

static void test_merged(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_package p = package_of(&a, "/proc/self/exe");
	size_t n = p.meta.requires.n;
	struct err e;

	(void)state;
	assert_has(deps_lines(&a, &p.meta.requires), "libc.so.6()(64bit)\n");
	assert_has(deps_lines(&a, &p.meta.requires), "rtld(GNU_HASH)\n");
	assert_int_equal(p.meta.provides.n, 0);
	assert_ok(elf_deps(&a, &p, &e), &e);
	assert_int_equal(p.meta.requires.n, n);
}

/* A program that may not be executed asks for nothing. */
static void test_not_executable(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_package p = package_of(&a, "/proc/self/exe");
	struct err e;

	(void)state;
	p.meta.requires.n = 0;
	p.files.p[0].mode = S_IFREG | 0644;
	assert_ok(elf_deps(&a, &p, &e), &e);
	assert_int_equal(p.meta.requires.n, 0);
}

static void test_damaged(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_package p = package_of(&a, "/proc/self/exe");
	struct str whole = p.files.p[0].data;
	struct err e;

	(void)state;
	for (size_t n = 0; n < 4096; n += 64) {
		p.files.p[0].data = (struct str){ arena_copy(&a, whole.p, n), n };
		assert_ok(elf_deps(&a, &p, &e), &e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_elfdeps),
		cmocka_unit_test(test_merged),
		cmocka_unit_test(test_not_executable),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
