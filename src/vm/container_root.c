/* SPDX-License-Identifier: MIT */
#include "vm/container_root.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "artifact/parts.h"
#include "base/arch.h"
#include "base/boot_words.h"
#include "base/io.h"

/* systemd-nspawn's own folder, made by it otherwise: what it puts there belongs to us then. */
#define BASE "/run/systemd/nspawn"
/* As in agent/init. */
#define ETC_STATE "/var/lib/ashlar/etc"

enum { LOOP_TRIES = 64 };

/* What of the image decides how it is mounted and started. */
struct image_root {
	int fd;
	uint64_t at_bytes, size_bytes;
	bool noexec;
};

/* What is obeyed of the kernel command line. */
static int words_read(struct arena *a, const struct image_parts *parts, struct container_root *c,
		      struct boot_words *ret, struct err *e)
{
	const struct pe_section *section = pe_section(&parts->uki_pe, ".cmdline");
	struct str rest = section ? section->data : (struct str){ 0 };
	unsigned seen = 0;
	int r = 0;

	*ret = (struct boot_words){ 0 };
	for (struct str word; r == 0 && (word = str_word(&rest)).n > 0;) {
		struct str value = word, key = str_cut(&value, '=');

		if (str_starts(word, "systemd."))
			vec_push(a, &c->words) = str_dup(a, word);
		else
			r = boot_words_take(ret, &seen, key, value, e);
	}
	return r < 0 ? err_wrap(e, r, "kernel command line") : 0;
}

static int arch_check(const char *image, uint16_t pe_machine, struct err *e)
{
	const struct arch *here = arch_native();

	if (pe_machine == here->pe_machine)
		return 0;
	return err_set(e, -ENOEXEC,
		       "'%s' is not for this machine's processor, %s; without --container QEMU "
		       "emulates others",
		       image, here->name);
}

static int image_look(struct arena *a, struct str bytes, struct container_root *c,
		      struct image_root *root, struct err *e)
{
	struct image_parts parts;
	struct boot_words words;
	int r = image_parts_read(a, bytes, &parts, e);

	if (r == 0)
		r = words_read(a, &parts, c, &words, e);
	if (r < 0)
		return err_wrap(e, r, "'%s'", c->image);
	r = arch_check(c->image, parts.uki_pe.machine, e);
	if (r < 0)
		return r;
	root->at_bytes = parts.partitions[PARTITION_ROOT]->start_lba * GPT_SECTOR_BYTES;
	root->size_bytes = parts.partitions[PARTITION_ROOT]->size_lba * GPT_SECTOR_BYTES;
	root->noexec = words.execute_from == EXECUTE_ROOT;
	return 0;
}

/* Leaves root->fd open. */
static int image_open(struct arena *a, struct container_root *c, struct image_root *root,
		      struct err *e)
{
	struct stat st;
	void *p;
	int r;

	root->fd = open(c->image, O_RDONLY | O_CLOEXEC);
	if (root->fd < 0 || fstat(root->fd, &st) < 0)
		return err_sys(e, "open '%s'", c->image);
	if (st.st_size == 0)
		return err_set(e, -EBADMSG, "'%s' is empty", c->image);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, root->fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, "map '%s'", c->image);
	r = image_look(a, (struct str){ p, (size_t)st.st_size }, c, root, e);
	munmap(p, (size_t)st.st_size);
	return r;
}

static int mount_at(const char *type, const char *from, const char *at, unsigned long flags,
		    const char *options, struct err *e)
{
	if (mkdir(at, 0755) < 0 && errno != EEXIST && errno != EROFS)
		return err_sys(e, "make folder '%s'", at);
	if (mount(from, at, type, flags, options) < 0)
		return err_sys(e, "mount %s at '%s'", type ? type : from, at);
	return 0;
}

static int namespace_enter(struct container_root *c, struct err *e)
{
	int r;

	if (geteuid() != 0)
		return err_set(e, -EPERM,
			       "only root may start a container; try it with sudo, or "
			       "without --container, which anybody may");
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(e, "make a mount namespace, which --container needs");
	/* what is mounted elsewhere later may come here, but nothing goes from here to there */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(e, "separate the mounts of --container from others");
	r = dir_make(BASE, e);
	if (r == 0)
		r = mount_at("tmpfs", "tmpfs", BASE, MS_NOSUID, "mode=0700", e);
	c->dir = BASE "/ashlar";
	c->path = BASE "/ashlar/root";
	return r == 0 ? dir_make(c->path, e) : r;
}

/* A read-only loop device on the partition, free again with its last user. */
static int loop_open(const struct image_root *root, int *ret, char name[32], struct err *e)
{
	struct loop_config config = {
		.fd = (uint32_t)root->fd,
		.info = { .lo_offset = root->at_bytes,
			  .lo_sizelimit = root->size_bytes,
			  .lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR },
	};
	_cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return err_sys(e, "open '/dev/loop-control', which --container needs");
	/* somebody else may take the same free one first */
	for (int i = 0; i < LOOP_TRIES; i++) {
		_cleanup_close_ int fd = -1;
		int n = ioctl(control, LOOP_CTL_GET_FREE);

		if (n < 0)
			return err_sys(e, "find a free loop device");
		snprintf(name, 32, "/dev/loop%d", n);
		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, "open '%s'", name);
		if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
			*ret = take_fd(&fd);
			return 0;
		}
		if (errno != EBUSY)
			return err_sys(e, "set up '%s'", name);
	}
	return err_set(e, -EBUSY, "no loop device stayed free; try again");
}

static int root_mount(struct container_root *c, const struct image_root *root, struct err *e)
{
	_cleanup_close_ int loop = -1;
	struct utsname here;
	char name[32];
	int r = loop_open(root, &loop, name, e);

	if (r < 0)
		return r;
	if (mount(name, c->path, "erofs", MS_RDONLY | MS_NODEV, NULL) == 0)
		return 0;
	r = -errno;
	if (uname(&here) < 0)
		return err_sys(e, "uname");
	return err_set(
		e, r,
		"this machine's kernel, %s, does not mount the root of '%s': %s; it is EROFS, "
		"which with zstd Linux 6.10 is the first to read. Without --container the "
		"image's own kernel does",
		here.release, c->image, strerror(-r));
}

/* What may be written: /var, and /etc above it, as agent/init mounts them. */
static int state_mount(struct arena *a, struct container_root *c, bool noexec, struct err *e)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | (noexec ? MS_NOEXEC : 0);
	const char *var = path_join(a, c->path, "var"), *upper, *work;
	struct str options;
	int r;

	if (c->state)
		r = mount_at(NULL, c->state, var, MS_BIND, NULL, e);
	else
		r = mount_at("tmpfs", "tmpfs", var, flags, "mode=0755,size=25%", e);
	if (r == 0 && c->state)
		r = mount_at(NULL, c->state, var, MS_BIND | MS_REMOUNT | flags, NULL, e);
	if (r < 0)
		return r;
	upper = str_z(a, str_printf(a, "%s" ETC_STATE "/upper", c->path));
	work = str_z(a, str_printf(a, "%s" ETC_STATE "/work", c->path));
	r = dir_make(upper, e);
	if (r == 0)
		r = dir_make(work, e);
	if (r < 0)
		return r;
	options = str_printf(a,
			     "lowerdir=%s/etc,upperdir=%s,workdir=%s,index=off,metacopy=off,"
			     "redirect_dir=off,xino=off",
			     c->path, upper, work);
	return mount_at("overlay", "overlay", path_join(a, c->path, "etc"), flags,
			str_z(a, options), e);
}

int container_root_mount(struct arena *a, struct container_root *c, struct err *e)
{
	struct image_root root = { .fd = -1 };
	int r = image_open(a, c, &root, e);

	if (r == 0)
		r = namespace_enter(c, e);
	if (r == 0)
		r = root_mount(c, &root, e);
	if (r == 0)
		r = state_mount(a, c, root.noexec, e);
	close_p(&root.fd);
	return r;
}
