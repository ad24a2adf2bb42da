/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

/* Component by component: openat2(RESOLVE_NO_SYMLINKS) does the same in one call, where seccomp
 * filters of containers let it pass. A pipe is opened without waiting for who writes to it. */
static int open_below(struct arena *a, const char *dir, const char *below)
{
	_cleanup_close_ int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct str rest = str_c(below);

	while (at >= 0) {
		const char *part = str_z(a, str_cut(&rest, '/'));
		bool last = rest.n == 0;
		int fd = openat(at, part,
				(last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY) | O_NOFOLLOW |
					O_CLOEXEC);
		struct stat st;

		/* a link is no folder, says O_DIRECTORY */
		if (fd < 0 && errno == ENOTDIR &&
		    fstatat(at, part, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
			errno = ELOOP;
		if (fd < 0)
			return -1;
		if (last)
			return fd;
		close(at);
		at = fd;
	}
	return -1;
}

int file_read_below(struct arena *a, const char *dir, const char *below, size_t max,
		    struct str *ret, struct err *e)
{
	_cleanup_close_ int fd = open_below(a, dir, below);
	struct stat st;
	int r;

	if (fd < 0 && errno == ELOOP)
		return err_set(
			e, -ELOOP,
			"'%s/%s' is or lies behind a symbolic link, which may lead anywhere; want the file "
			"itself there",
			dir, below);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open '%s/%s'", dir, below);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "'%s/%s' is no regular file; want one", dir, below);
	r = fd_read_all(a, fd, max, ret, e);
	return r < 0 ? err_wrap(e, r, "'%s/%s'", dir, below) : 0;
}
