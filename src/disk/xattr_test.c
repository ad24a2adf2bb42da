/* SPDX-License-Identifier: MIT */
#include "disk/xattr.h"

#include "base/test.h"
#include "disk/caps.h"

static void test_order(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_xattr x = { 0 }, y;

	(void)state;
	xattr_set(&a, &x, STR("user.b"), STR("2"));
	xattr_set(&a, &x, STR("user.a"), STR("1"));
	xattr_set(&a, &x, STR("user.c"), STR("3"));
	xattr_set(&a, &x, STR("user.b"), STR("\xff"));
	assert_int_equal(x.n, 3);
	assert_str(xattrs_text(&a, &x), "user.a=31 user.b=ff user.c=33");
	assert_str(*xattr_get(&x, "user.c"), "3");
	assert_null(xattr_get(&x, "user.d"));
	y = xattrs_dup(&a, &x);
	assert_true(xattrs_same(&x, &y));
	xattr_set(&a, &y, STR("user.c"), STR("4"));
	assert_false(xattrs_same(&x, &y));
	y.n = 2;
	assert_false(xattrs_same(&x, &y));
}

static void test_caps(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_xattr x = { 0 };
	struct str value;
	struct err e;

	(void)state;
	assert_int_equal(xattrs_caps(&a, &x).n, 0);
	assert_ok(caps_parse(&a, STR("cap_net_raw=ep"), &value, &e), &e);
	xattr_set(&a, &x, STR("user.x"), STR("y"));
	xattr_set(&a, &x, STR(XATTR_CAPS), value);
	assert_str(xattrs_caps(&a, &x), "cap_net_raw=ep");
	assert_str(xattrs_text(&a, &x), "cap_net_raw=ep user.x=79");
	/* what is no value of capabilities is shown as it is */
	xattr_set(&a, &x, STR(XATTR_CAPS), STR("?"));
	assert_str(xattrs_text(&a, &x), "security.capability=3f user.x=79");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
