/* SPDX-License-Identifier: MIT */
#include "agent/init/mounts.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

#define SYSROOT   "/sysroot"
#define ETC_STATE "/var/lib/ashlar/etc"

struct mount_row {
	const char *type, *where, *options;
	unsigned long flags;
};

static int mount_one(const struct mount_row *m, const char *what, struct err *e)
{
	if (mount(what, m->where, m->type, m->flags, m->options) < 0)
		return err_sys(e, "mount %s from '%s' on '%s'", m->type, what, m->where);
	return 0;
}

static int make_folder(const char *path, mode_t mode, struct err *e)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return err_sys(e, "make folder '%s'", path);
	return 0;
}

/* systemd keeps what it finds mounted, so the sizes are its own (src/shared/mount-setup.c). */
int mounts_api(struct err *e)
{
	static const struct mount_row rows[] = {
		{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID | MS_STRICTATIME },
		{ "tmpfs", "/run", "mode=0755,size=20%,nr_inodes=800k",
		  MS_NOSUID | MS_NODEV | MS_STRICTATIME },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int r = make_folder(rows[i].where, 0755, e);

		if (r == 0)
			r = mount_one(&rows[i], rows[i].type, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int mounts_noexec(struct err *e)
{
	static const struct mount_row rows[] = {
		{ .where = "/run", .flags = MS_NOSUID | MS_NODEV | MS_STRICTATIME },
		{ .where = "/dev", .flags = MS_NOSUID | MS_STRICTATIME },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (mount(NULL, rows[i].where, NULL,
			  MS_REMOUNT | MS_BIND | MS_NOEXEC | rows[i].flags, NULL) < 0)
			return err_sys(e, "mount '%s' again, noexec", rows[i].where);
	return 0;
}

int mounts_security(struct err *e)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	const struct mount_row security = { "securityfs", "/sys/kernel/security", NULL, flags };

	/* Without firmware, its module or runtime services there are no variables. When there are,
	 * and root has left one that keeps them from being shown, it must not be overlooked. */
	if (mount("efivarfs", "/sys/firmware/efi/efivars", "efivarfs", flags, NULL) < 0 &&
	    errno != ENOENT && errno != ENODEV && errno != EOPNOTSUPP)
		return err_sys(e, "show the EFI variables");
	return mount_one(&security, security.type, e);
}

int mounts_root(const char *node, struct err *e)
{
	static const struct mount_row root = { "erofs", SYSROOT, NULL, MS_RDONLY | MS_NODEV };
	int r = make_folder(SYSROOT, 0755, e);

	if (r < 0)
		return r;
	return mount_one(&root, node, e);
}

int mounts_switch(struct err *e)
{
	static const char *const api[] = { "/proc", "/sys", "/dev", "/run" };
	int r;

	for (size_t i = 0; i < sizeof(api) / sizeof(*api); i++) {
		char where[sizeof(SYSROOT) + 8];

		snprintf(where, sizeof(where), SYSROOT "%s", api[i]);
		if (mount(api[i], where, NULL, MS_MOVE, NULL) < 0)
			return err_sys(e, "move mount '%s' to '%s'", api[i], where);
	}
	/* The initrd's memory is freed by removing the files; these are all that is large. */
	r = dir_remove("/modules", e);
	if (r < 0)
		return r;
	(void)unlink("/init");
	if (chdir(SYSROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		return err_sys(e, "switch to the root in '" SYSROOT "'");
	return 0;
}

int mounts_memory(bool noexec, struct err *e)
{
	/* A quarter of the memory: with /run (20 %) and /tmp (systemd's default: 50 %) all three
	 * may fill up before the machine is out of memory. Nothing that a package installs runs
	 * with set-user-ID from /var. */
	const struct mount_row var = { "tmpfs", "/var", "mode=0755,size=25%",
				       MS_NOSUID | MS_NODEV | MS_STRICTATIME |
					       (noexec ? MS_NOEXEC : 0) };

	return mount_one(&var, var.type, e);
}

int mounts_etc(bool noexec, struct err *e)
{
	/* An update replaces the lower layer under the upper one, so nothing in the upper may refer
	 * to it by inode or by path (Linux Documentation/filesystems/overlayfs.rst, "Changes to
	 * underlying filesystems"). */
	const struct mount_row etc = { "overlay", "/etc",
				       "lowerdir=/etc,upperdir=" ETC_STATE
				       "/upper,workdir=" ETC_STATE
				       "/work,index=off,metacopy=off,redirect_dir=off,xino=off",
				       MS_NOSUID | MS_NODEV | (noexec ? MS_NOEXEC : 0) };
	/* The upper layer's own mode and owner become those of /etc. */
	int r = dir_make(ETC_STATE "/upper", e);

	if (r == 0)
		r = make_folder(ETC_STATE "/work", 0755, e);
	if (r == 0)
		r = mount_one(&etc, "overlay", e);
	return r;
}
