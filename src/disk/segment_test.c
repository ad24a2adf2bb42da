/* SPDX-License-Identifier: MIT */
#include "disk/segment.h"

#include "base/test.h"

static void test_build_and_read(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct segments s = { 0 }, more = { 0 };
	char got[8];

	(void)state;
	segments_add(&a, &s, "abc", 3);
	segments_add(&a, &s, "unused", 0);
	segments_align(&a, &s, 8);
	segments_align(&a, &s, 8);
	segments_zero(&a, &more, 8);
	segments_add(&a, &more, "xyz", 3);
	segments_append(&a, &s, &more);

	assert_int_equal(s.size_bytes, 19);
	assert_int_equal(s.v.n, 3); /* the padding and the zeroes that follow are one run */
	assert_memory_equal(segments_flatten(&a, &s), "abc\0\0\0\0\0\0\0\0\0\0\0\0\0xyz", 19);

	segments_read(&s, 2, got, 2);
	assert_memory_equal(got, "c", 2);
	segments_read(&s, 17, got, 8);
	assert_memory_equal(got, "yz\0\0\0\0\0\0", 8);
	segments_read(&s, 400, got, 8);
	assert_memory_equal(got, "\0\0\0\0\0\0\0\0", 8);
}

/* What stands side by side in memory is one run. */
static void test_neighbours(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct segments s = { 0 };
	const char *text = "abcdef";

	(void)state;
	segments_add(&a, &s, text, 2);
	segments_add(&a, &s, text + 2, 2);
	segments_add(&a, &s, text + 5, 1);
	assert_int_equal(s.v.n, 2);
	assert_memory_equal(segments_flatten(&a, &s), "abcdf", 5);
}

static void test_empty(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct segments s = { 0 };

	(void)state;
	segments_align(&a, &s, 4096);
	segments_zero(&a, &s, 0);
	assert_int_equal(s.v.n, 0);
	assert_non_null(segments_flatten(&a, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build_and_read),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
