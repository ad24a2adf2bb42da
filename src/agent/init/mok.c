/* SPDX-License-Identifier: MIT */
#include "agent/init/mok.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "agent/common/report.h"
#include "base/io.h"

#define SHIM "605dab50-e046-4300-abb6-3dd810dd8b23"

/* Certificates that are trusted, and revoked; that they are trusted for more; that db is not. */
static const char *const names[] = { "MokListRT", "MokListXRT", "MokListTrustedRT", "MokIgnoreDB" };

/* efivarfs puts the attributes in front; UEFI 2.10, 8.2. */
enum { ATTRIBUTES_BYTES = 4, NON_VOLATILE = 1 };

static bool outlives_boot(int fd)
{
	uint8_t attributes[ATTRIBUTES_BYTES];

	return read(fd, attributes, sizeof(attributes)) == sizeof(attributes) &&
	       attributes[0] & NON_VOLATILE;
}

/* The kernel makes variables that it does not know immutable, so that nobody removes by mistake
 * what firmware needs. */
static void mutable_make(int fd)
{
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return;
	flags &= ~FS_IMMUTABLE_FL;
	(void)!ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static int variable_remove(const char *name, const char *path, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	if (!outlives_boot(fd))
		return err_set(e, -EKEYREJECTED,
			       "the boot loader made the EFI variable %s, by which the kernel may "
			       "trust keys that are not in Secure Boot's db; start without shim",
			       name);
	mutable_make(fd);
	if (unlink(path) < 0)
		return err_sys(
			e,
			"remove the EFI variable %s, by which root can add keys; firmware "
			"keeps it for whoever signed it: clear it in firmware's setup (reset "
			"its variables, then enrol the keys of Secure Boot again)",
			name);
	return 0;
}

int mok_remove(struct arena *a, const char *sys, struct str *ret, struct err *e)
{
	struct str removed = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *path =
			str_z(a, str_printf(a, "%s/firmware/efi/efivars/%s-" SHIM, sys, names[i]));
		int r;

		if (!file_exists(path))
			continue;
		r = variable_remove(names[i], path, e);
		if (r < 0)
			return r;
		removed = str_printf(a, "%.*s%s%s", STR_FMT(removed), removed.n > 0 ? ", " : "",
				     names[i]);
	}
	*ret = removed;
	return 0;
}

int mok_keep_out(struct arena *a, const char *sys, struct err *e)
{
	struct str removed;
	int r = mok_remove(a, sys, &removed, e);

	if (r < 0)
		return err_wrap(e, r, "Secure Boot is on");
	if (removed.n == 0)
		return 0;
	report(REPORT_EMERG,
	       "somebody made the EFI variable %.*s, by which root can add keys that the kernel "
	       "trusts: removed, and restarting",
	       STR_FMT(removed));
	sync();
	reboot(RB_AUTOBOOT);
	return err_sys(e, "restart");
}
