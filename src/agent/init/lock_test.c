/* SPDX-License-Identifier: MIT */
#include "agent/init/lock.h"

#include "base/test.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"

#define HELPERS "sys/kernel/usermodehelper/bset"
#define PTRACE  "sys/kernel/yama/ptrace_scope"
#define KEXEC   "sys/kernel/kexec_load_disabled"

/* What a process of its own does, as what is locked stays so; its status: the number of the check
 * that failed, or 0. */
static void in_child(int (*attack)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* in place of root's rights */
		_exit(attack());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool fails(long result, int code)
{
	return result == -1 && errno == code;
}

static int tables_attack(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct err e = { 0 };

	if (lock_tables(&e) < 0)
		return 1;
	if (!fails(ioctl(fd, DM_TABLE_LOAD, NULL), EPERM))
		return 2;
	/* the kernel takes these for the same */
	if (!fails(syscall(SYS_ioctl, fd, _IO(DM_IOCTL, DM_TABLE_LOAD_CMD), NULL), EPERM) ||
	    !fails(syscall(SYS_ioctl, fd, DM_TABLE_LOAD ^ 1 << 20, NULL), EPERM) ||
	    !fails(syscall(SYS_ioctl, fd, DM_TABLE_LOAD | 0xfull << 32, NULL), EPERM))
		return 3;
	/* the device's own answer */
	if (!fails(ioctl(fd, DM_TABLE_STATUS, NULL), ENOTTY) ||
	    !fails(ioctl(fd, _IO(DM_IOCTL - 1, DM_TABLE_LOAD_CMD), NULL), ENOTTY))
		return 4;
#ifdef __x86_64__
	if (!fails(syscall(0x40000000 | 514, fd, DM_TABLE_LOAD, NULL), ENOSYS) ||
	    !fails(syscall(0x40000000 | SYS_getpid), ENOSYS))
		return 5;
#endif
	/* of children, too; and another personality is nobody's matter here */
	if (vfork() == 0)
		_exit(!fails(ioctl(fd, DM_TABLE_LOAD, NULL), EPERM));
	if (wait(&(int){ 0 }) < 0 || personality(READ_IMPLIES_EXEC) < 0)
		return 6;
	return 0;
}

static void test_tables(void **state)
{
	(void)state;
	in_child(tables_attack);
}

static void *pages(int protection)
{
	return mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int memory_attack(void)
{
	struct err e = { 0 };
	void *written;

	if (lock_memory(&e) < 0)
		return strstr(e.msg, "have the kernel refuse code that a process writes itself: "
				     "Invalid argument")
			       ? 0 /* a kernel before 6.3 */
			       : 1;
	if (pages(PROT_READ | PROT_WRITE | PROT_EXEC) != MAP_FAILED || errno != EACCES)
		return 2;
	written = pages(PROT_READ | PROT_WRITE);
	if (written == MAP_FAILED || !fails(mprotect(written, 4096, PROT_READ | PROT_EXEC), EACCES))
		return 3;
	if (!fails(personality(READ_IMPLIES_EXEC), EPERM) ||
	    !fails(personality(PER_LINUX32 | READ_IMPLIES_EXEC), EPERM))
		return 4;
	if (personality(ADDR_NO_RANDOMIZE) < 0 || personality(0xffffffff) != ADDR_NO_RANDOMIZE)
		return 5;
	if (!fails(prctl(65, 0, 0, 0, 0), EPERM))
		return 6;
	return fails(ioctl(0, DM_TABLE_LOAD, NULL), EPERM) ? 7 : 0;
}

static void test_memory(void **state)
{
	(void)state;
	in_child(memory_attack);
}

static bool limit_is_one(void)
{
	struct rlimit now;

	return prlimit(0, RLIMIT_CORE, NULL, &now) == 0 && now.rlim_cur == 1 && now.rlim_max == 1;
}

static int dumps_attack(void)
{
	const struct rlimit none = { 0, 0 }, some = { 4096, 4096 };
	struct err e = { 0 };

	if (lock_dumps(&e) < 0)
		return 1;
	/* a limit of 0 would have the memory go to a pipe, as any other does */
	if (setrlimit(RLIMIT_CORE, &none) < 0 || prlimit(0, RLIMIT_CORE, &none, NULL) < 0 ||
	    syscall(SYS_setrlimit, RLIMIT_CORE, &none) < 0 ||
	    syscall(SYS_setrlimit, RLIMIT_CORE | 1ull << 32, &none) < 0 ||
	    syscall(SYS_prlimit64, 0, RLIMIT_CORE | 1ull << 32, &none, NULL) < 0 || !limit_is_one())
		return 2;
	/* an address of which either half is 0 alone */
	if (syscall(SYS_prlimit64, 0, RLIMIT_CORE, 1ull << 32, NULL) < 0 ||
	    syscall(SYS_prlimit64, 0, RLIMIT_CORE, 1ull, NULL) < 0)
		return 3;
	if (setrlimit(RLIMIT_FSIZE, &some) < 0 || syscall(SYS_setrlimit, RLIMIT_NPROC, 1ull) == 0)
		return 4;
	if (vfork() == 0)
		_exit(setrlimit(RLIMIT_CORE, &none) < 0 || !limit_is_one());
	if (wait(&(int){ 0 }) < 0)
		return 5;
	return 0;
}

static void test_dumps(void **state)
{
	struct rlimit now;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_CORE, &now), 0);
	if (now.rlim_max < 1)
		skip(); /* only root raises it */
	in_child(dumps_attack);
}

static int swap_attack(void)
{
	struct err e = { 0 };

	if (lock_swap(&e) < 0)
		return 1;
	/* as root, too: without the filter it is the missing file that is told of */
	return fails(swapon("/nowhere", 0), EPERM) ? 0 : 2;
}

static void test_swap(void **state)
{
	(void)state;
	in_child(swap_attack);
}

static void test_helpers(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *proc = test_dir(&a);
	struct err e = { 0 };
	struct str text;

	(void)state;
	assert_err(lock_helpers(&a, proc, 1, &e), &e, "No such file or directory");
	test_file_put(&a, proc, HELPERS, STR("some\n"));
	assert_err(lock_helpers(&a, proc, 1, &e), &e, "want two numbers, not 'some'");
	test_file_put(&a, proc, HELPERS, STR("4294967295\t511\n"));
	assert_ok(lock_helpers(&a, proc, 1ull << 21, &e), &e);
	assert_ok(file_read(&a, path_join(&a, proc, HELPERS), 64, &text, &e), &e);
	assert_str(text, "4292870143 511\n");
	assert_ok(lock_helpers(&a, proc, 1ull << 33, &e), &e);
	assert_ok(file_read(&a, path_join(&a, proc, HELPERS), 64, &text, &e), &e);
	assert_str(text, "4292870143 509\n");
	assert_ok(dir_remove(proc, &e), &e);
}

/* In a process of its own: what a machine that runs the root's programs only has locked. */
static int all_attack(void)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *proc = test_dir(&a);
	struct boot_status status = { 0 };
	struct err e = { 0 };
	struct str text;

	test_file_put(&a, proc, HELPERS, STR("4294967295 509\n"));
	test_file_put(&a, proc, KEXEC, STR("0"));
	/* anything may run: nothing is locked */
	if (lock_all(&a, proc, EXECUTE_ANYWHERE, &status, &e) < 0 ||
	    personality(READ_IMPLIES_EXEC) < 0 || personality(0) < 0)
		return 1;
	if (lock_all(&a, proc, EXECUTE_SIGNED, &status, &e) < 0)
		return strstr(e.msg, "Invalid argument") ? 0 : 2;
	if (status.missing.n != 1 || !str_has(status.missing.p[0], "the kernel has no Yama"))
		return 3;
	if (fails(ioctl(0, DM_TABLE_LOAD, NULL), EPERM) ||
	    !fails(personality(READ_IMPLIES_EXEC), EPERM) || !fails(swapon("/nowhere", 0), EPERM) ||
	    !limit_is_one() || !status.memory_locked || status.tables_refused)
		return 4;
	test_file_put(&a, proc, PTRACE, STR("2"));
	if (lock_all(&a, proc, EXECUTE_ROOT, &status, &e) < 0 || status.missing.n != 1)
		return 5;
	if (!fails(ioctl(0, DM_TABLE_LOAD, NULL), EPERM) || !status.tables_refused)
		return 6;
	if (file_read(&a, path_join(&a, proc, PTRACE), 64, &text, &e) < 0 || !str_eqz(text, "3"))
		return 7;
	if (file_read(&a, path_join(&a, proc, KEXEC), 64, &text, &e) < 0 || !str_eqz(text, "1"))
		return 8;
	if (file_read(&a, path_join(&a, proc, HELPERS), 64, &text, &e) < 0 ||
	    !str_eqz(text, "4292870143 509\n"))
		return 9;
	return dir_remove(proc, &e) < 0 ? 10 : 0;
}

static void test_all(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	test_dir(&a); /* so that it is not the child that removes it */
	in_child(all_attack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),  cmocka_unit_test(test_memory),
		cmocka_unit_test(test_dumps),   cmocka_unit_test(test_swap),
		cmocka_unit_test(test_helpers), cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
