/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include "solve/solve.h"

#define SHA   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ROW_A "bash 5.2-1 x86_64 " SHA " 12 debian pool/main/b/bash/bash_5.2 1_amd64.deb\n"
#define ROW_B "zlib 1:1.3-1 noarch " SHA " 0 debian pool/z.deb\n"
#define HEAD  "ashlar-lock 1 1700000000\n"

static void test_round(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	struct lock lock;

	(void)state;
	assert_ok(lock_parse(&a, STR(HEAD ROW_A ROW_B), "server.lock", &lock, &e), &e);
	assert_int_equal(lock.packages.n, 2);
	assert_int_equal(lock.source_date_epoch, 1700000000);
	assert_str(lock.packages.p[0].evr, "5.2-1");
	assert_str(lock.packages.p[0].location, "pool/main/b/bash/bash_5.2 1_amd64.deb");
	assert_int_equal(lock.packages.p[0].size_bytes, 12);
	assert_int_equal(lock.packages.p[1].sha256[31], 0xff);
	assert_str(lock_dump(&a, &lock), HEAD ROW_A ROW_B);
	assert_ok(lock_parse(&a, STR(HEAD), "server.lock", &lock, &e), &e);
	assert_int_equal(lock.packages.n, 0);
}

static void test_errors(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "l:1: want 'ashlar-lock 1 SOURCE_DATE_EPOCH'" },
		{ "ashlar-lock 2 17\n", "l:1: want" },
		{ "ashlar-lock 1 -17\n", "l:1: want" },
		{ HEAD "bash 5.2-1\n", "l:2: want NAME EVR ARCH SHA256 SIZE UPSTREAM LOCATION" },
		{ HEAD "bash 5.2-1 x86_64 " SHA " x debian pool\n", "l:2: want NAME" },
		{ HEAD "bash 5.2-1 x86_64 0011 12 debian pool\n", "l:2: want NAME" },
		{ HEAD "ba/sh 5.2-1 x86_64 " SHA " 12 debian pool\n", "l:2: want NAME" },
		{ HEAD "bash 5.2-1 x86_64 " SHA " 12 debian \n", "l:2: want NAME" },
		{ HEAD "bash 5.2-1 x86_64 " SHA " 12 debian ../pool\n", "l:2: want NAME" },
		{ HEAD "bash 5.2-1 x86_64 " SHA " 12 debian a/../../pool\n", "l:2: want NAME" },
		{ HEAD "bash 5.2-1 x86_64 " SHA " 12 debian /pool\n", "l:2: want NAME" },
		{ HEAD "bash 5.2-1 x86_64 " SHA " 12 debian a\x1b[2J\n", "l:2: want NAME" },
		{ HEAD ROW_B ROW_A, "l:3: 'bash' is out of order; want each name once, sorted" },
		{ HEAD ROW_A ROW_A, "l:3: 'bash' is out of order" },
		{ HEAD ROW_A "\n" ROW_B, "l:3: want NAME" },
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	struct lock lock;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_err(lock_parse(&a, str_c(cases[i].text), "l", &lock, &e), &e, cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
