/* SPDX-License-Identifier: MIT */
#include "agent/init/lock.h"

#include <assert.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/dm-ioctl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"

/* Linux 6.3; older headers do not know it. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE              65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "which system calls has this architecture?"
#endif

enum {
	NUMBER_BYTES_MAX = 128,
	TABLE_LOAD = DM_IOCTL << 8 | DM_TABLE_LOAD_CMD,
	X32 = 0x40000000,                 /* x86-64's second set of numbers for the same calls */
	PERSONALITY_GET = (int)0xffffffff /* changes nothing */
};

static int put(const char *path, struct str value, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	if (write(fd, value.p, value.n) < 0)
		return err_sys(e, "write '%s'", path);
	return 0;
}

/* The file has two decimal numbers of 32 bits each, the lower first; the kernel only takes bits
 * away. */
int lock_helpers(struct arena *a, const char *proc, uint64_t caps, struct err *e)
{
	const char *path = path_join(a, proc, "sys/kernel/usermodehelper/bset");
	struct str text, rest;
	uint64_t low, high;
	int r = file_read(a, path, NUMBER_BYTES_MAX, &text, e);

	if (r < 0)
		return r;
	rest = text;
	if (!str_u64(str_word(&rest), UINT32_MAX, &low) ||
	    !str_u64(str_word(&rest), UINT32_MAX, &high))
		return err_set(e, -EBADMSG, "'%s': want two numbers, not '%.*s'", path,
			       STR_FMT(str_trim(text)));
	low &= (uint32_t)~caps;
	high &= (uint32_t) ~(caps >> 32);
	return put(path,
		   str_printf(a, "%llu %llu\n", (unsigned long long)low, (unsigned long long)high),
		   e);
}

/* A filter looks at numbers of the one set of system calls that it knows: no others, as on a kernel
 * that has none. What depends on the number alone the kernel remembers as allowed, and does not ask
 * the filter again (kernel/seccomp.c, seccomp_cache_prepare()). */
#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define LOAD_UPPER(member) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member) + sizeof(uint32_t))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define REFUSE(code)  RETURN(SECCOMP_RET_ERRNO | (code))
#define NATIVE                                                                                 \
	LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0), REFUSE(ENOSYS), LOAD(nr), \
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1), REFUSE(ENOSYS)

/* Both architectures have the lower half of an argument first, and of numbers none of these calls
 * looks at the upper one. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "where is an argument's lower half?");

/* Tells the kernel's log of what it refuses, as the execution policy does. */
#define TELL SECCOMP_FILTER_FLAG_LOG

static int filter_add(const struct sock_filter *filter, size_t n, unsigned flags, struct err *e)
{
	const struct sock_fprog program = { (unsigned short)n, (struct sock_filter *)filter };

	/* Without this flag some processors make every process slower for a filter. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		    &program) < 0)
		return err_sys(e, "install a filter of system calls");
	return 0;
}

int lock_memory(struct err *e)
{
	/* With this personality memory that brk() adds is executable without mmap() or mprotect(),
	 * so PR_SET_MDWE does not see it (mm/mmap.c, VM_DATA_DEFAULT_FLAGS). */
	static const struct sock_filter filter[] = {
		NATIVE,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_personality, 0, 4),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)PERSONALITY_GET, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, READ_IMPLIES_EXEC, 0, 1),
		REFUSE(EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};

	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0)
		return err_sys(e, "have the kernel refuse code that a process writes itself");
	return filter_add(filter, sizeof(filter) / sizeof(*filter), TELL, e);
}

/* The kernel hands a pipe of core_pattern the memory of whoever crashed, whatever its limit is, but
 * for a limit of one byte (fs/coredump.c, do_coredump()); to a file it writes no less than a page.
 * systemd and services set limits of their own, and go on when that seems to work. */
int lock_dumps(struct err *e)
{
	static const struct sock_filter filter[] = {
		NATIVE,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setrlimit, 0, 3),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RLIMIT_CORE, 8, 0),
		RETURN(SECCOMP_RET_ALLOW),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prlimit64, 0, 7),
		LOAD(args[1]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RLIMIT_CORE, 0, 5),
		LOAD(args[2]), /* no new limit: it only asks */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2),
		LOAD_UPPER(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		REFUSE(0),
		RETURN(SECCOMP_RET_ALLOW),
	};
	const struct rlimit one = { 1, 1 };

	if (setrlimit(RLIMIT_CORE, &one) < 0)
		return err_sys(e, "have no memory of programs that crash written anywhere");
	/* Silent: systemd asks for each service, and the kernel drops what is told too often. */
	return filter_add(filter, sizeof(filter) / sizeof(*filter), 0, e);
}

/* What is swapped to a file of root's root reads, and writes before it is read back. */
int lock_swap(struct err *e)
{
	static const struct sock_filter filter[] = {
		NATIVE,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_swapon, 0, 1),
		REFUSE(EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};

	return filter_add(filter, sizeof(filter) / sizeof(*filter), TELL, e);
}

int lock_tables(struct err *e)
{
	/* The kernel looks at type and number, and not at the size and direction in the upper half
	 * (drivers/md/dm-ioctl.c, ctl_ioctl()): any of them loads a table. */
	static const struct sock_filter filter[] = {
		NATIVE,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 4),
		LOAD(args[1]),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffff),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TABLE_LOAD, 0, 1),
		REFUSE(EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};

	return filter_add(filter, sizeof(filter) / sizeof(*filter), TELL, e);
}

/* Both can be made stricter only, until the machine is restarted. */
static int lock_sysctls(struct arena *a, const char *proc, struct boot_status *status,
			struct err *e)
{
	const char *ptrace = path_join(a, proc, "sys/kernel/yama/ptrace_scope");
	const char *kexec = path_join(a, proc, "sys/kernel/kexec_load_disabled");
	int r = 0;

	if (file_exists(ptrace))
		r = put(ptrace, STR("3"), e);
	else
		boot_status_missing(a, status,
				    "root can write into other processes: the kernel has no Yama, "
				    "or its command line's lsm= leaves it out");
	if (r == 0 && file_exists(kexec))
		r = put(kexec, STR("1"), e);
	return r;
}

int lock_all(struct arena *a, const char *proc, enum execute_from from, struct boot_status *status,
	     struct err *e)
{
	int r;

	if (from == EXECUTE_ANYWHERE)
		return 0;
	r = lock_sysctls(a, proc, status, e);
	if (r == 0)
		r = lock_memory(e);
	if (r == 0)
		r = lock_dumps(e);
	if (r == 0)
		r = lock_swap(e);
	if (r == 0)
		r = lock_helpers(a, proc, 1ull << CAP_SYS_ADMIN, e);
	status->memory_locked = r == 0;
	if (r < 0 || from != EXECUTE_ROOT)
		return r;
	r = lock_tables(e);
	status->tables_refused = r == 0;
	return r;
}
