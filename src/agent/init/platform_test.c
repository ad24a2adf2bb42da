/* SPDX-License-Identifier: MIT */
#include "agent/init/platform.h"

#include "base/test.h"

#define IMAGE "roothash=00 console=ttyS0 ashlar.end=----"

static void test_words(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_str(platform_words(STR(IMAGE "\n")), "");
	assert_str(platform_words(STR(IMAGE " rdinit=/none  root=/dev/vda\n")),
		   "rdinit=/none  root=/dev/vda");
	/* only the first one is the image's; behind "--" there are words, too */
	assert_str(platform_words(STR(IMAGE " init=/sh ashlar.end=")), "init=/sh ashlar.end=");
	assert_str(platform_words(STR("ro -- single ashlar.end=- 1")), "1");
	assert_str(platform_words(STR(IMAGE " -- 1")), "-- 1");
	/* one that is part of a longer word, or stands between quotes, is none */
	assert_str(platform_words(STR("a=\"x ashlar.end=- y\"")), "a=\"x ashlar.end=- y\"");
	assert_str(platform_words(STR("ashlar.ending=1 b")), "ashlar.ending=1 b");
	assert_ok(platform_words_check(STR(IMAGE), "Secure Boot is on", &e), &e);
	assert_ok(platform_words_check(STR("ro"), NULL, &e), &e);
	assert_err(
		platform_words_check(STR(IMAGE " lockdown=none"), "Secure Boot is on", &e), &e,
		"Secure Boot is on, but the kernel's command line goes on behind the image's last "
		"word (ashlar.end): lockdown=none");
	assert_err(platform_words_check(STR("ro quiet"), "Secure Boot is on", &e), &e,
		   "(ashlar.end): ro quiet");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
