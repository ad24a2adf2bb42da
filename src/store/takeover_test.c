/* SPDX-License-Identifier: MIT */
#include "store/takeover.h"

#include <sys/stat.h>

#include "base/test.h"

/* @files: names of files, and of folders with a slash behind, sorted. */
struct spec {
	const char *name, *version;
	const char *files[6];
	struct dep replaces[3];
	struct rpm_divert diverts[2];
};

static struct rpm_package package(struct arena *a, const struct spec *s)
{
	struct rpm_package p = { .meta = { .name = str_c(s->name),
					   .version = str_c(s->version ? s->version : "1"),
					   .release = STR("0") } };

	for (size_t i = 0; i < 6 && s->files[i]; i++) {
		struct str path = str_c(s->files[i]);
		bool folder = str_ends(path, "/");

		vec_push(a, &p.files) = (struct rpm_file){
			.path = folder ? str_head(path, path.n - 1) : path,
			.mode = folder ? S_IFDIR | 0755 : S_IFREG | 0644,
		};
	}
	for (size_t i = 0; i < 3 && s->replaces[i].name.n > 0; i++)
		vec_push(a, &p.replaces) = s->replaces[i];
	for (size_t i = 0; i < 2 && s->diverts[i].from.n > 0; i++)
		vec_push(a, &p.diverts) = s->diverts[i];
	return p;
}

/* "NAME: FROM TO, FROM" of all that lose something. */
static struct str losses(struct arena *a, const struct rpm_package *p, size_t n)
{
	struct buf b = { .a = a };
	vec_taken *taken;
	struct err e;

	if (takeover_find(a, p, n, &taken, &e) < 0)
		return str_printf(a, "%s", e.msg);
	for (size_t i = 0; i < n; i++)
		vec_each(t, &taken[i])
			buf_printf(&b, "%.*s: %.*s %.*s\n", STR_FMT(p[i].meta.name),
				   STR_FMT(t->from), STR_FMT(t->to));
	return (struct str){ (char *)b.v.p, b.v.n };
}

/* The same whatever the order: losses are listed by the order given, so by each package's name. */
static void check(const struct spec *specs, size_t n, const char *want)
{
	static const uint8_t orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					     { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	for (size_t k = 0; k < 6; k++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct rpm_package p[3];
		size_t m = 0;
		struct str got;

		for (size_t i = 0; i < 3; i++)
			if (orders[k][i] < n)
				p[m++] = package(&a, &specs[orders[k][i]]);
		got = losses(&a, p, m);
		for (struct str rest = str_c(want); rest.n > 0;)
			assert_true(str_has(got, str_z(&a, str_cut(&rest, '\n'))));
		if (got.n != strlen(want))
			fail_msg("want\n%sgot\n%.*s", want, STR_FMT(got));
	}
}

#define REPLACES(name_, op_, evr_)                \
	{                                         \
		{ STR(name_), STR(evr_), (op_) }, \
	}

static void test_replaces(void **state)
{
	static const struct spec plain[] = {
		{ .name = "new",
		  .files = { "/d/", "/d/x", "/own" },
		  .replaces = REPLACES("old", DEP_ANY, "") },
		{ .name = "old", .files = { "/d/", "/d/x", "/d/y" } },
	};
	static const struct spec versioned[] = {
		{ .name = "new",
		  .files = { "/x" },
		  .replaces = REPLACES("old", DEP_LESS, "1:2-0") },
		{ .name = "old", .version = "9", .files = { "/x" } },
	};
	static const struct spec newer[] = {
		{ .name = "new", .files = { "/x" }, .replaces = REPLACES("old", DEP_LESS, "2-0") },
		{ .name = "old", .version = "2", .files = { "/x" } },
	};
	static const struct spec mutual[] = {
		{ .name = "a", .files = { "/x" }, .replaces = REPLACES("b", DEP_ANY, "") },
		{ .name = "b", .files = { "/x" }, .replaces = REPLACES("a", DEP_ANY, "") },
	};
	static const struct spec chain[] = {
		{ .name = "a", .files = { "/x" }, .replaces = REPLACES("b", DEP_ANY, "") },
		{ .name = "b", .files = { "/x" }, .replaces = REPLACES("c", DEP_ANY, "") },
		{ .name = "c", .files = { "/x" } },
	};
	/* a name that somebody provides is no real name: Policy 7.6.1 */
	static const struct spec foreign[] = {
		{ .name = "a", .files = { "/x" }, .replaces = REPLACES("virtual", DEP_ANY, "") },
		{ .name = "b", .files = { "/x" } },
	};

	(void)state;
	check(plain, 2, "old: /d/x \n");
	check(versioned, 2, "old: /x \n");
	check(newer, 2, "");
	check(mutual, 2, "");
	check(chain, 3, "b: /x \nc: /x \n");
	check(foreign, 2, "");
}

static void test_diverts(void **state)
{
	static const struct spec hides[] = {
		{ .name = "a", .diverts = { { STR("a"), STR("/less"), STR("/less.d") } } },
		{ .name = "less", .files = { "/less", "/lesskey" } },
	};
	static const struct spec own[] = {
		{ .name = "a",
		  .files = { "/less" },
		  .diverts = { { STR("a"), STR("/less"), STR("/less.d") } } },
		{ .name = "less", .files = { "/less" } },
		{ .name = "more", .files = { "/less/" } },
	};
	/* diverted first: nothing is left to be replaced */
	static const struct spec both[] = {
		{ .name = "a",
		  .files = { "/less" },
		  .replaces = REPLACES("less", DEP_ANY, ""),
		  .diverts = { { STR("a"), STR("/less"), STR("/less.d") } } },
		{ .name = "less", .files = { "/less" } },
	};
	static const struct spec local[] = {
		{ .name = "a",
		  .files = { "/less" },
		  .diverts = { { STR(""), STR("/less"), STR("/less.d") } } },
		{ .name = "b", .diverts = { { STR(""), STR("/less"), STR("/less.d") } } },
	};
	static const struct spec clash[] = {
		{ .name = "a", .diverts = { { STR("a"), STR("/l"), STR("/m") } } },
		{ .name = "b", .diverts = { { STR("b"), STR("/l"), STR("/m") } } },
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_package p[] = { package(&a, &clash[0]), package(&a, &clash[1]) };

	(void)state;
	check(hides, 2, "less: /less /less.d\n");
	check(own, 3, "less: /less /less.d\n");
	check(both, 2, "less: /less /less.d\n");
	check(local, 2, "a: /less /less.d\n");
	assert_str(losses(&a, p, 2),
		   "package 'b' diverts '/l' to '/m', but '/l' is diverted to '/m' by "
		   "package 'a'");
}

static void test_apply(void **state)
{
	static const struct spec spec = { .name = "x", .files = { "/a", "/b", "/c" } };
	struct taken rows[] = { { STR("/a"), STR("/z") }, { STR("/b"), STR("") } };
	vec_taken taken = { rows, 2, 2 };
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_package p = package(&a, &spec);
	struct err e = { 0 };

	(void)state;
	assert_ok(takeover_apply(&taken, &p.files, &e), &e);
	assert_int_equal(p.files.n, 2);
	assert_str(p.files.p[0].path, "/c");
	assert_str(p.files.p[1].path, "/z");
	p = package(&a, &spec);
	rows[0].to = STR("/c");
	assert_err(takeover_apply(&taken, &p.files, &e), &e,
		   "'/c' is where another file is diverted to");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replaces),
		cmocka_unit_test(test_diverts),
		cmocka_unit_test(test_apply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
