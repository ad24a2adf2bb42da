/* SPDX-License-Identifier: MIT */
#include "vm/guest.h"

#include <sys/resource.h>

#include "base/progress.h"
#include "base/test.h"

static unsigned descriptors(void)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	vec_str names;

	assert_ok(dir_list(&a, "/proc/self/fd", &names, &e), &e);
	return (unsigned)names.n;
}

/* However far a start gets, nothing of it stays open. */
static void test_descriptors(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const struct qemu q = { .arch = arch_native(), .tpm_fd = -1 };
	unsigned before = descriptors();
	struct rlimit was, less;
	struct guest g;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(setenv("PATH", "/nowhere", 1), 0); /* no QEMU either */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	for (rlim_t n = 3; !strstr(e.msg, "no program 'qemu-system-"); n++) {
		less = (struct rlimit){ n, was.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
		assert_err(guest_start(&a, &q, true, &g, &e), &e, "");
		guest_end(&g);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
		assert_int_equal(descriptors(), before);
	}
}

/* What a guest says costs a bounded part of this machine's memory. */
static void test_status(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	int theirs, console, status = -1;
	struct guest g;
	struct err e = { 0 };

	(void)state;
	guest_init(&a, &g);
	g.timeout_sec = 5;
	g.end_sec = clock_sec() + 5;
	assert_ok(guest_channel(&g, CHANNEL_STATUS, &theirs, &e), &e);
	assert_ok(guest_channel(&g, CHANNEL_CONSOLE, &console, &e), &e);
	assert_int_equal(write(theirs, arena_alloc(&a, 5000), 5000), 5000);
	assert_err(guest_watch(&a, &g, AWAIT_COMMAND, &status, &e), &e,
		   "more than 4096 bytes of its command's status");
	assert_int_equal(status, -1);
	guest_end(&g);
	close(theirs);
	close(console);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
