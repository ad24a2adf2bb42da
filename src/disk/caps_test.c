/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include "disk/caps.h"

/* @text is told as @want once it was bytes. */
static void assert_told(const char *text, const char *want)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	struct str bytes;

	assert_ok(caps_parse(&a, str_c(text), &bytes, &e), &e);
	assert_str(caps_text(&a, bytes), want);
}

static void test_told(void **state)
{
	(void)state;
	assert_told("cap_net_raw=ep", "cap_net_raw=ep");
	assert_told("cap_net_raw+ep", "cap_net_raw=ep");
	assert_told("cap_net_raw,cap_chown=pe", "cap_chown,cap_net_raw=ep");
	assert_told("cap_checkpoint_restore=i", "cap_checkpoint_restore=i");
	assert_told("cap_chown=pie", "cap_chown=eip");
}

/* What has no such text has none. */
static void test_no_text(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	struct str bytes;
	char *p;

	(void)state;
	assert_ok(caps_parse(&a, STR("cap_chown,cap_kill=p"), &bytes, &e), &e);
	p = arena_copy(&a, bytes.p, bytes.n);
	for (size_t n = 0; n < bytes.n; n++)
		assert_str(caps_text(&a, (struct str){ p, n }), "");
	p[8] = 1; /* inheritable: another set than the permitted */
	assert_str(caps_text(&a, (struct str){ p, bytes.n }), "");
	p[8] = 0;
	p[16] = 0x7f; /* inheritable: beyond the last */
	p[12] = 0x7f;
	assert_str(caps_text(&a, (struct str){ p, bytes.n }), "");
	p[3] = 3; /* revision 3 */
	assert_str(caps_text(&a, (struct str){ p, bytes.n }), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
