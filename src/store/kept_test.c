/* SPDX-License-Identifier: MIT */
#include "store/kept.h"

#include <sys/stat.h>

#include "base/test.h"

static struct recipe recipe(struct arena *a, unsigned input)
{
	struct recipe r = recipe_new(a, RECIPE_INDEX, STR("x86_64"));

	recipe_number(&r, "input", input);
	return r;
}

static void test_round_trip(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *cache = test_dir(&a);
	struct recipe one = recipe(&a, 1), two = recipe(&a, 2);
	struct str bytes;
	struct err e;

	(void)state;
	assert_int_equal(kept_get(&a, cache, &one, &bytes, &e), -ENOENT);
	assert_ok(kept_put(cache, &one, STR("first"), 9, &e), &e);
	assert_ok(kept_put(cache, &two, STR(""), 9, &e), &e);
	assert_ok(kept_get(&a, cache, &one, &bytes, &e), &e);
	assert_str(bytes, "first");
	assert_ok(kept_get(&a, cache, &two, &bytes, &e), &e);
	assert_str(bytes, "");
	assert_str(kept_recipe(&a, recipe_path(&a, cache, &one)), str_z(&a, recipe_text(&one)));
	assert_int_equal(kept_recipe(&a, "/dev/null").n, 0);
	assert_int_equal(kept_recipe(&a, "/none").n, 0);
}

/* Each byte that is another, each length that is less: noticed, and gone. */
static void test_damage(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *cache = test_dir(&a);
	struct recipe one = recipe(&a, 1), two = recipe(&a, 2);
	const char *path = recipe_path(&a, cache, &one);
	struct str file, bytes;
	struct err e;

	(void)state;
	assert_ok(kept_put(cache, &one, STR("first"), 9, &e), &e);
	assert_ok(file_read(&a, path, 4096, &file, &e), &e);
	for (size_t i = 0; i < file.n; i++) {
		char *other = arena_copy(&a, file.p, file.n);

		other[i] ^= 0x20;
		assert_ok(file_write_cache(path, 0644, other, file.n, &e), &e);
		assert_int_equal(kept_get(&a, cache, &one, &bytes, &e), -EBADMSG);
		assert_int_equal(kept_get(&a, cache, &one, &bytes, &e), -ENOENT);
		assert_ok(file_write_cache(path, 0644, file.p, i, &e), &e);
		assert_int_equal(kept_get(&a, cache, &one, &bytes, &e), -EBADMSG);
		assert_non_null(strstr(e.msg, ": damaged: "));
	}
	assert_ok(kept_put(cache, &one, STR("first"), 9, &e), &e);
	assert_int_equal(rename(path, recipe_path(&a, cache, &two)), 0);
	assert_int_equal(kept_get(&a, cache, &two, &bytes, &e), -EBADMSG);
	assert_non_null(strstr(e.msg, "made from something else"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_round_trip),
					    cmocka_unit_test(test_damage) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
