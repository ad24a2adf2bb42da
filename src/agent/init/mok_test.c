/* SPDX-License-Identifier: MIT */
#include "agent/init/mok.h"

#include "base/test.h"

#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EFIVARS "firmware/efi/efivars/"
#define SHIM    "-605dab50-e046-4300-abb6-3dd810dd8b23"

static void test_remove(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *sys = test_dir(&a);
	struct err e = { 0 };
	struct str removed;

	(void)state;
	assert_ok(mok_remove(&a, sys, &removed, &e), &e);
	assert_int_equal(removed.n, 0);
	/* systemd-boot's own, and somebody else's of the same name */
	test_file_put(&a, sys, EFIVARS "ShimRetainProtocol" SHIM, STR("\6\0\0\0\1"));
	test_file_put(&a, sys, EFIVARS "MokListRT-8be4df61-93ca-11d2-aa0d-00e098032b8c",
		      STR("\7\0\0\0\1"));
	assert_ok(mok_remove(&a, sys, &removed, &e), &e);
	assert_int_equal(removed.n, 0);
	test_file_put(&a, sys, EFIVARS "MokListRT" SHIM, STR("\7\0\0\0certificates"));
	test_file_put(&a, sys, EFIVARS "MokIgnoreDB" SHIM, STR("\7\0\0\0\1"));
	assert_ok(mok_remove(&a, sys, &removed, &e), &e);
	assert_str(removed, "MokListRT, MokIgnoreDB");
	assert_ok(mok_remove(&a, sys, &removed, &e), &e);
	assert_int_equal(removed.n, 0);
	assert_true(file_exists(path_join(&a, sys, EFIVARS "ShimRetainProtocol" SHIM)));
	assert_ok(dir_remove(sys, &e), &e);
}

static void test_refused(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *sys = test_dir(&a);
	struct err e = { 0 };
	struct str removed;

	(void)state;
	/* shim is there: to remove it would restart the machine for ever */
	test_file_put(&a, sys, EFIVARS "MokListXRT" SHIM, STR("\6\0\0\0certificates"));
	assert_err(
		mok_remove(&a, sys, &removed, &e), &e,
		"the boot loader made the EFI variable MokListXRT, by which the kernel may trust "
		"keys that are not in Secure Boot's db; start without shim");
	test_file_put(&a, sys, EFIVARS "MokListXRT" SHIM, STR("\7"));
	assert_err(mok_remove(&a, sys, &removed, &e), &e, "the boot loader made");
	assert_true(file_exists(path_join(&a, sys, EFIVARS "MokListXRT" SHIM)));
	assert_ok(dir_remove(sys, &e), &e);
}

/* Root may change any folder; without this capability only its own that it may write to. */
static void override(bool on)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t bit = CAP_TO_MASK(CAP_DAC_OVERRIDE);

	assert_int_equal(syscall(SYS_capget, &head, data), 0);
	data[0].effective =
		on ? data[0].effective | (data[0].permitted & bit) : data[0].effective & ~bit;
	assert_int_equal(syscall(SYS_capset, &head, data), 0);
}

/* A variable with time-based authentication of root's own: firmware removes it for its signer
 * alone. Here a folder that may not be changed keeps the file. */
static void test_kept(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *sys = test_dir(&a);
	struct err e = { 0 };
	struct str removed;
	int r;

	(void)state;
	test_file_put(&a, sys, EFIVARS "MokListRT" SHIM, STR("\7\0\0\0certificates"));
	assert_int_equal(chmod(path_join(&a, sys, EFIVARS), 0555), 0);
	override(false);
	r = mok_remove(&a, sys, &removed, &e);
	override(true);
	assert_err(r, &e, "clear it in firmware's setup");
	assert_int_equal(chmod(path_join(&a, sys, EFIVARS), 0755), 0);
	assert_ok(dir_remove(sys, &e), &e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
