/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

static int fd_map(int fd, const char *path, struct str *ret, struct err *e)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "'%s' is not a regular file", path);
	if (st.st_size == 0) {
		*ret = (struct str){ 0 };
		return 0;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, "map '%s'", path);
	*ret = (struct str){ p, (size_t)st.st_size };
	return 0;
}

int file_map(const char *path, struct str *ret, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open '%s'", path) : fd_map(fd, path, ret, e);
}

int file_map_copy(struct arena *a, const char *path, struct str *ret, struct err *e)
{
	_cleanup_close_ int from = open(path, O_RDONLY | O_CLOEXEC), to = -1;
	char *temp;
	int r;

	if (from < 0)
		return err_sys(e, "open '%s'", path);
	r = file_temp(a, path, 0600, &to, &temp, e);
	if (r < 0)
		return r;
	file_discard(temp);
	r = fd_copy_data(from, to, path, e);
	return r < 0 ? r : fd_map(to, path, ret, e);
}

void file_unmap(struct str *bytes)
{
	if (bytes->n > 0)
		munmap((void *)bytes->p, bytes->n);
	*bytes = (struct str){ 0 };
}
