/* SPDX-License-Identifier: MIT */
#include "rpm/package.h"

#include "base/test.h"

static void test_names(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_meta m = { .name = STR("bash"),
			      .version = STR("5.2.37"),
			      .release = STR("2"),
			      .arch = STR("x86_64") };

	(void)state;
	assert_str(rpm_evr(&a, &m), "5.2.37-2");
	assert_str(rpm_nevra(&a, &m), "bash-5.2.37-2.x86_64");
	m.epoch = 1;
	assert_str(rpm_evr(&a, &m), "1:5.2.37-2");
	assert_str(rpm_nevra(&a, &m), "bash-1:5.2.37-2.x86_64");
}

static void test_dependencies(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct dep any = { STR("bash"), STR(""), DEP_ANY };
	struct dep at_least = { STR("libc6"), STR("2.38"), DEP_GREATER | DEP_EQUAL };
	struct dep below = { STR("libc6"), STR("1:3"), DEP_LESS },
		   exactly = { STR("x"), STR("1-1"), DEP_EQUAL };

	(void)state;
	assert_str(dep_text(&a, &any), "bash");
	assert_str(dep_text(&a, &at_least), "libc6 >= 2.38");
	assert_str(dep_text(&a, &below), "libc6 < 1:3");
	assert_str(dep_text(&a, &exactly), "x = 1-1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_dependencies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
