/* SPDX-License-Identifier: MIT */
#include "tree/prune.h"

#include <sys/stat.h>

#include "base/test.h"

static struct rpm_file file(const char *path, uint32_t mode)
{
	return (struct rpm_file){
		.path = str_c(path), .mode = mode, .user = STR("root"), .group = STR("root")
	};
}

static bool dropped(const struct rpm_file *f)
{
	return str_ends(f->path, "/doc");
}

static bool keep(void *arg, size_t package, const struct rpm_file *f)
{
	(void)arg;
	(void)package;
	return !dropped(f);
}

/* Folders end with a slash; sorted. */
static struct rpm_package package(struct arena *a, const char *const *paths)
{
	struct rpm_package p = { .meta = { .name = STR("x") } };

	for (; *paths; paths++) {
		struct str path = str_c(*paths);
		bool folder = str_ends(path, "/");

		path = folder ? str_head(path, path.n - 1) : path;
		vec_push(a, &p.files) =
			file(str_z(a, path), folder ? S_IFDIR | 0755 : S_IFREG | 0644);
	}
	return p;
}

static void test_prune(void **state)
{
	static const char *const one[] = { "/opt/gone/",
					   "/opt/gone/doc",
					   "/usr/share/a/",
					   "/usr/share/a-b/",
					   "/usr/share/a/doc",
					   "/usr/share/both/",
					   "/usr/share/both/doc",
					   "/usr/share/deep/x/y/doc",
					   "/usr/share/meant/",
					   "/usr/share/shared/",
					   "/usr/share/shared/doc",
					   "/usr/share/special/",
					   "/usr/share/special/doc",
					   NULL };
	static const char *const two[] = { "/usr/share/both/", "/usr/share/both/doc",
					   "/usr/share/shared/", NULL };
	static const struct {
		const char *path;
		bool stays;
	} cases[] = {
		{ "/opt/gone", true },         { "/usr/share/a", false },
		{ "/usr/share/a-b", true },    { "/usr/share/both", false },
		{ "/usr/share/deep", false },  { "/usr/share/meant", true },
		{ "/usr/share/shared", true }, { "/usr/share/special", true },
		{ "/usr/share", true },
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_package packages[] = { package(&a, one), package(&a, two) };
	bool left_out[2][16] = { 0 }, *rows[] = { left_out[0], left_out[1] };
	struct tree t;
	struct err e;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < packages[i].files.n; k++) {
			struct rpm_file *f = &packages[i].files.p[k];

			left_out[i][k] = dropped(f);
			if (str_eqz(f->path, "/usr/share/special"))
				f->mode = S_IFDIR | 02775;
		}
	tree_init(&a, &t);
	assert_ok(tree_merge(&t, packages, 2, keep, NULL, &e), &e);
	prune_emptied(&a, &t, packages, rows, 2);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if ((tree_find(&t, str_c(cases[i].path)) != TREE_NONE) != cases[i].stays)
			fail_msg("%s", cases[i].path);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_prune) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
