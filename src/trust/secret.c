/* SPDX-License-Identifier: MIT */
#include "trust/secret.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

/* root may do what it likes anyway; but root does not take what others put there. */
static int owner_check(const char *path, const struct stat *st, struct err *e)
{
	if (st->st_uid == geteuid() || st->st_uid == 0)
		return 0;
	return err_set(e, -EPERM, "'%s' belongs to user %u, who may change it; want your own", path,
		       (unsigned)st->st_uid);
}

int secret_place_check(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, "open '%s'", path);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, -EPERM, "%s may change '%s'; chmod go-w '%s'",
			       st.st_mode & S_IWOTH ? "every user of this machine"
						    : "others of its group",
			       path, path);
	return owner_check(path, &st, e);
}

/* One descriptor: what is looked at is what is read. */
int secret_read(struct arena *a, const char *path, size_t max, struct str *ret, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open '%s'", path);
	if (st.st_mode & (S_IROTH | S_IWOTH))
		return err_set(e, -EPERM, "every user of this machine may %s it; chmod 600 '%s'",
			       st.st_mode & S_IROTH ? "read" : "change", path);
	/* who administers a machine may give a group of signers root's own file to read */
	if (st.st_mode & S_IWGRP || (st.st_mode & S_IRGRP && st.st_uid == geteuid()))
		return err_set(e, -EPERM, "others of its group may %s it; chmod 600 '%s'",
			       st.st_mode & S_IRGRP ? "read" : "change", path);
	r = owner_check(path, &st, e);
	if (r < 0)
		return r;
	return fd_read_all(a, fd, max, ret, e);
}

void secret_wipe(struct str secret)
{
	if (secret.n > 0)
		explicit_bzero((char *)secret.p, secret.n);
}
