/* SPDX-License-Identifier: MIT */
#include "trust/secret.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"

/* One descriptor: what is looked at is what is read. */
int secret_read(struct arena *a, const char *path, size_t max, struct str *ret, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open '%s'", path);
	if (st.st_mode & (S_IROTH | S_IWOTH))
		return err_set(e, -EPERM, "every user of this machine may %s it; chmod 600 '%s'",
			       st.st_mode & S_IROTH ? "read" : "change", path);
	return fd_read_all(a, fd, max, ret, e);
}

void secret_wipe(struct str secret)
{
	if (secret.n > 0)
		explicit_bzero((char *)secret.p, secret.n);
}
