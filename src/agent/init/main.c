/* SPDX-License-Identifier: MIT */
/* main.c - the initrd's only program: finds the root that the kernel command line's root hash
 * means, verifies it, and hands over to it; or says why not. It never goes on with a root that is
 * not verified. */
#include <linux/magic.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "agent/common/boot_status.h"
#include "agent/common/disks.h"
#include "agent/common/report.h"
#include "agent/common/run.h"
#include "agent/init/chain.h"
#include "agent/init/cmdline.h"
#include "agent/init/controllers.h"
#include "agent/init/dm.h"
#include "agent/init/loader.h"
#include "agent/init/lock.h"
#include "agent/init/mok.h"
#include "agent/init/mounts.h"
#include "agent/init/platform.h"
#include "agent/init/state.h"
#include "base/io.h"
#include "base/uuid.h"
#include "disk/gpt.h"
#include "disk/verity.h"

#define MODULES  "/modules"
#define INIT     "/sbin/init"
#define POLICY   "/ipe-policy"
#define PLATFORM "/platform-credentials"
#define IPE      "/sys/kernel/security/ipe"

/* How long at most between two looks, should an event be lost. */
enum { LOOK_MS = 1000 };

/* How long to wait for somebody at the console on a machine that restarts when a boot fails: the
 * next attempt may do without. One that stops can as well wait. */
enum { ASK_SEC = 300 };

struct boot {
	struct arena *a;
	struct str cmdline_text, platform; /* which credentials are taken */
	struct cmdline cmdline;
	struct failure failure;
	struct loader loader;
	int uevents;
	uint8_t root_uuid[16], verity_uuid[16];
	struct disk disk; /* the one with these two */
	const struct disk_partition *root, *verity;
	struct efi efi;
	struct chain chain;
	struct boot_status status;
};

static uint64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Wakes us whenever the kernel adds a device. Without it there is still LOOK_MS. */
static int uevents_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd >= 0)
		(void)!bind(fd, (struct sockaddr *)&address, sizeof(address));
	return fd;
}

/* Waits for an event, then takes all there are: their content does not matter, sysfs has it. */
static void uevents_wait(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char ignored[8192];

	if (poll(&p, 1, ms) <= 0)
		return;
	while (recv(fd, ignored, sizeof(ignored), 0) > 0)
		;
}

static int not_found(struct boot *b, const vec_disk *disks, struct err *e)
{
	struct str seen = disks_text(b->a, disks), failed = b->loader.failed,
		   idle = controllers_text(b->a, "/sys");

	return err_set(
		e, -ENODEV,
		"no disk has both the root partition %.*s and its verity partition %.*s, which the root hash "
		"asks for, after %u s; there is %.*s%s%.*s%s%.*s",
		STR_FMT(uuid_text(b->a, b->root_uuid)), STR_FMT(uuid_text(b->a, b->verity_uuid)),
		b->cmdline.timeout_sec, STR_FMT(seen),
		idle.n > 0 ? "; without a driver (initrd-drivers in the image's definition): " : "",
		STR_FMT(idle), failed.n > 0 ? "; kernel modules that failed: " : "",
		STR_FMT(failed));
}

/* One look at the disks: 1 found, 0 not yet. */
static int boot_look(struct boot *b, bool is_last, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	const struct disk *disk;
	vec_disk disks;
	int r;

	r = disks_scan(&a, "/sys", "/dev", &disks, e);
	if (r < 0)
		return r;
	disk = disks_find(&disks, b->root_uuid, b->verity_uuid);
	if (!disk)
		return is_last ? not_found(b, &disks, e) : 0;
	b->disk = disk_dup(b->a, disk);
	if (b->disk.problem.n > 0)
		report(REPORT_WARNING, "%.*s: %.*s; its backup is used", STR_FMT(b->disk.name),
		       STR_FMT(b->disk.problem));
	b->root = disk_partition_find(&b->disk, b->root_uuid);
	b->verity = disk_partition_find(&b->disk, b->verity_uuid);
	return 1;
}

/* Each driver may bring the disk, or devices that ask for more drivers; when none is left to load,
 * the kernel may still be probing. */
static int boot_find(struct boot *b, struct err *e)
{
	uint64_t end_ms = clock_ms() + (uint64_t)b->cmdline.timeout_sec * 1000;

	for (;;) {
		uint64_t now_ms = clock_ms();
		bool loaded;
		int found, r;

		r = loader_scan(&b->loader, "/sys", e);
		if (r < 0)
			return r;
		loaded = loader_step(&b->loader);
		found = boot_look(b, !loaded && now_ms >= end_ms, e);
		if (found != 0)
			return found < 0 ? found : 0;
		if (!loaded)
			uevents_wait(b->uevents,
				     now_ms + LOOK_MS > end_ms ? (int)(end_ms - now_ms) : LOOK_MS);
	}
}

static int boot_cmdline(struct boot *b, struct err *e)
{
	struct str text = { 0 };
	int r;

	r = file_read(b->a, "/proc/cmdline", CMDLINE_BYTES_MAX, &text, e);
	if (r == 0)
		r = cmdline_failure(text, &b->failure, e);
	if (r == 0)
		r = cmdline_parse(text, &b->cmdline, e);
	b->cmdline_text = text;
	if (r == 0)
		verity_partition_uuids(b->cmdline.root_hash, b->root_uuid, b->verity_uuid);
	return r;
}

/* What firmware checked, and so what has to be checked here. */
static int boot_chain(struct boot *b, struct err *e)
{
	int r = mounts_security(e);

	if (r < 0)
		return r;
	efi_read(b->a, "/sys", &b->efi);
	if (b->efi.secure_boot)
		r = mok_keep_out(b->a, "/sys", e);
	if (r < 0)
		return r;
	memcpy(b->status.root_hash, b->cmdline.root_hash, ROOT_HASH_BYTES);
	b->chain = (struct chain){ .a = b->a,
				   .cmdline = &b->cmdline,
				   .insists = chain_insists(&b->cmdline, &b->efi),
				   .status = &b->status };
	signatures_find(b->a, "/dev", &b->disk, b->cmdline.root_hash, &b->chain.signatures);
	chain_firmware(&b->chain, &b->efi);
	r = platform_words_check(b->cmdline_text, b->chain.insists, e);
	return r < 0 ? r : file_read(b->a, PLATFORM, PLATFORM_BYTES_MAX, &b->platform, e);
}

/* The superblock is the first block that dm-verity checks, all the way up to the root hash. */
static int boot_root(struct boot *b, struct err *e)
{
	int r = chain_root(&b->chain, b->root, b->verity, e);

	if (r < 0)
		return r;
	r = mounts_root(DM_NODE, e);
	if (r == -EIO)
		return err_wrap(e, r,
				"root %.*s is damaged, or not the one with the root hash %.*s",
				STR_FMT(b->root->name),
				STR_FMT(hex_encode(b->a, b->cmdline.root_hash, ROOT_HASH_BYTES)));
	return r;
}

/* All that needs the root's programs, between two boot phases: after the second one the TPM gives
 * nobody the key of the state any more. */
static int boot_state(struct boot *b, struct err *e)
{
	struct tpm tpm = { .measured = b->efi.measured };
	struct state_wish wish = { .cmdline = &b->cmdline,
				   .tpm = &tpm,
				   .disk = b->disk.name,
				   .status = &b->status,
				   .ask_sec = b->failure.reboot ? ASK_SEC : 0 };
	int r;

	run_environment();
	tpm_look(b->a, "", &tpm);
	tpm_status(b->a, &tpm, &b->status);
	r = tpm_phase(b->a, &tpm, "enter-initrd", e);
	if (r == 0)
		r = state_mount(b->a, &wish, e);
	if (r == 0)
		r = tpm_phase(b->a, &tpm, "leave-initrd", e);
	if (r == 0 && b->chain.insists)
		r = platform_credentials(b->a, b->platform, b->cmdline_text, &tpm, &b->status, e);
	run_environment_done();
	if (r == 0)
		r = mounts_etc(b->cmdline.words.execute_from == EXECUTE_ROOT, e);
	if (r == 0)
		r = lock_all(b->a, "/proc", b->cmdline.words.execute_from, &b->status, e);
	return r < 0 ? r : boot_status_publish(b->a, &b->status, e);
}

static int boot(struct boot *b, struct err *e)
{
	uint64_t start_ms = clock_ms(), found_ms;
	int r;

	r = mounts_api(e);
	if (r == 0)
		r = boot_cmdline(b, e);
	if (r == 0 && b->cmdline.words.execute_from == EXECUTE_ROOT)
		r = mounts_noexec(e);
	b->uevents = uevents_open();
	if (r == 0)
		r = loader_start(b->a, MODULES, NULL, &b->loader, e);
	if (r == 0)
		r = boot_find(b, e);
	found_ms = clock_ms();
	if (r == 0)
		r = boot_chain(b, e);
	if (r == 0)
		r = boot_root(b, e);
	if (r == 0)
		r = chain_policy(&b->chain, POLICY, IPE, e);
	if (r == 0)
		r = tpm_keep_policy(b->a, e);
	if (r == 0)
		r = mounts_switch(e);
	if (r == 0)
		r = boot_state(b, e);
	if (r == 0)
		report(REPORT_INFO, "root %.*s, verified: found in %llu ms, mounted in %llu ms",
		       STR_FMT(b->root->name), (unsigned long long)(found_ms - start_ms),
		       (unsigned long long)(clock_ms() - found_ms));
	return r;
}

/* Elsewhere it would remove /init and /modules of a living system. */
static bool is_initrd(void)
{
	struct statfs fs;

	return getpid() == 1 && statfs("/", &fs) == 0 &&
	       (fs.f_type == RAMFS_MAGIC || fs.f_type == TMPFS_MAGIC);
}

int main(int argc, char **argv)
{
	static struct arena arena;
	static struct boot b = { .a = &arena };
	struct err e = { 0 };

	(void)argc;
	if (!is_initrd()) {
		fprintf(stderr, "ashlar-init: runs only as the first process of an initrd\n");
		return 2;
	}
	umask(022);
	if (boot(&b, &e) == 0) {
		argv[0] = (char *)INIT;
		execv(INIT, argv);
		(void)err_sys(&e, "start '" INIT "' on the root %.*s", STR_FMT(b.root->name));
	}
	failure_end(&b.failure, &e);
}
