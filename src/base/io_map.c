/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

int file_map(const char *path, struct str *ret, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
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

void file_unmap(struct str *bytes)
{
	if (bytes->n > 0)
		munmap((void *)bytes->p, bytes->n);
	*bytes = (struct str){ 0 };
}
