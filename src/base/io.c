/* SPDX-License-Identifier: MIT */
#include "base/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEMP_PREFIX ".tmp-"

enum { TEMP_TRIES_MAX = 1000, USED_AGAIN_SEC = 3600, COPY_BYTES = 65536 };

void close_p(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int fd_read_all(struct arena *a, int fd, size_t max, struct str *ret, struct err *e)
{
	struct buf b = { .a = a };
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 0) {
		if ((uint64_t)st.st_size > max)
			return err_set(e, -EFBIG, "%lld bytes, more than the %zu allowed",
				       (long long)st.st_size, max);
		/* with the room below that the last read, of nothing, wants too */
		vec_reserve(a, &b.v, (size_t)st.st_size + 4096);
	}
	for (;;) {
		ssize_t n;

		vec_reserve(a, &b.v, 4096);
		n = read(fd, b.v.p + b.v.n, b.v.cap - b.v.n - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read");
		if (n == 0)
			break;
		b.v.n += (size_t)n;
		if (b.v.n > max)
			return err_set(e, -EFBIG, "more than the %zu bytes allowed", max);
	}
	b.v.p[b.v.n] = 0;
	*ret = (struct str){ (char *)b.v.p, b.v.n };
	return 0;
}

int file_read(struct arena *a, const char *path, size_t max, struct str *ret, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	r = fd_read_all(a, fd, max, ret, e);
	if (r < 0)
		return err_wrap(e, r, "'%s'", path);
	return 0;
}

enum { WRITE_BYTES_MAX = 256 << 20 }; /* at once: what is written may leave memory */

int fd_write(int fd, const void *p, size_t n, const char *name, struct err *e)
{
	const uint8_t *bytes = p;

	while (n > 0) {
		ssize_t w = write(fd, bytes, n < WRITE_BYTES_MAX ? n : WRITE_BYTES_MAX);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(e, "write '%s'", name);
		memory_leave(bytes, (size_t)w);
		bytes += w;
		n -= (size_t)w;
	}
	return 0;
}

static int fd_copy_by_hand(int from, off_t offset, uint64_t n, int to, off_t at, const char *name,
			   struct err *e)
{
	uint8_t part[COPY_BYTES];

	while (n > 0) {
		ssize_t got = pread(from, part, n < sizeof(part) ? n : sizeof(part), offset);
		int r;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? err_sys(e, "read what goes to '%s'", name)
				       : err_set(e, -EIO, "what goes to '%s' became shorter", name);
		r = fd_pwrite(to, part, (size_t)got, (uint64_t)at, name, e);
		if (r < 0)
			return r;
		offset += got;
		at += got;
		n -= (uint64_t)got;
	}
	return 0;
}

int fd_copy(int from, uint64_t offset, uint64_t n, int to, uint64_t at, const char *name,
	    struct err *e)
{
	off_t in = (off_t)offset, out = (off_t)at;

	while (n > 0) {
		ssize_t got = copy_file_range(from, &in, to, &out, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		/* other file systems before Linux 5.3, and some since: not an error of the disk */
		if (got < 0 &&
		    (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
			return fd_copy_by_hand(from, in, n, to, out, name, e);
		if (got < 0)
			return err_sys(e, "write '%s'", name);
		if (got == 0)
			return err_set(e, -EIO, "what goes to '%s' became shorter", name);
		n -= (uint64_t)got;
	}
	return 0;
}

int fd_copy_data(int from, int to, const char *name, struct err *e)
{
	off_t hole = 0, data;
	struct stat st;
	int r = 0;

	while (r == 0 && (data = lseek(from, hole, SEEK_DATA)) >= 0) {
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0)
			return err_sys(e, "read what goes to '%s'", name);
		r = fd_copy(from, (uint64_t)data, (uint64_t)(hole - data), to, (uint64_t)data, name,
			    e);
	}
	if (r == 0 && (fstat(from, &st) < 0 || ftruncate(to, st.st_size) < 0))
		return err_sys(e, "write '%s'", name);
	return r;
}

int fd_pwrite(int fd, const void *p, size_t n, uint64_t offset, const char *name, struct err *e)
{
	const uint8_t *bytes = p;

	while (n > 0) {
		ssize_t w = pwrite(fd, bytes, n, (off_t)offset);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(e, "write '%s'", name);
		bytes += w;
		offset += (uint64_t)w;
		n -= (size_t)w;
	}
	return 0;
}

/* Who makes a temporary file or folder holds a lock on it as long as its descriptor is open; the
 * kernel lets go of it whatever becomes of the process. False when dir_clean_temps() came first. */
static bool temp_hold(int fd)
{
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return false;
	return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

static int temp_open(const char *temp, mode_t mode, bool folder)
{
	int fd;

	if (!folder)
		return open(temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (mkdir(temp, mode) < 0)
		return -1;
	fd = open(temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		errno = EEXIST; /* cleaned away at once: another name, as for one that is taken */
	return fd;
}

/* The mode goes to the kernel, which alone knows the umask: asking for it means to change it, for
 * all threads. */
static int temp_make(struct arena *a, const char *path, mode_t mode, bool folder, int *ret_fd,
		     char **ret_path, struct err *e)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	int dir_bytes = slash ? (int)(name - path) : 0;

	for (unsigned i = 0; i < TEMP_TRIES_MAX; i++) {
		char *z = str_z(a, str_printf(a, "%.*s" TEMP_PREFIX "%d-%u-%s", dir_bytes, path,
					      (int)getpid(), i, name));
		int fd = temp_open(z, mode, folder);

		/* taken, maybe by a process of another PID namespace */
		if (fd < 0 && errno == EEXIST)
			continue;
		if (fd < 0)
			return err_sys(e, "create a temporary %s beside '%s'",
				       folder ? "folder" : "file", path);
		if (temp_hold(fd)) {
			*ret_fd = fd;
			*ret_path = z;
			return 0;
		}
		close(fd);
	}
	return err_set(e, -EEXIST, "%d temporary files of '%s' stand beside it: remove them",
		       TEMP_TRIES_MAX, path);
}

int file_temp(struct arena *a, const char *path, mode_t mode, int *ret_fd, char **ret_path,
	      struct err *e)
{
	return temp_make(a, path, mode, false, ret_fd, ret_path, e);
}

int dir_temp(struct arena *a, const char *path, int *ret_fd, char **ret_path, struct err *e)
{
	return temp_make(a, path, 0777, true, ret_fd, ret_path, e);
}

static int commit(int fd, const char *temp, const char *path, bool sync, struct err *e)
{
	/* not fsync(): times and owners may be lost, content and size may not */
	if (sync && fdatasync(fd) < 0)
		return err_sys(e, "sync '%s'", temp);
	if (rename(temp, path) < 0)
		return err_sys(e, "rename '%s' to '%s'", temp, path);
	return 0;
}

int file_commit(int fd, const char *temp, const char *path, struct err *e)
{
	return commit(fd, temp, path, true, e);
}

int file_commit_cache(int fd, const char *temp, const char *path, struct err *e)
{
	return commit(fd, temp, path, false, e);
}

/* At no moment is there none: exchanged in one step, where the file system can do that. */
int dir_commit(const char *temp, const char *path, struct err *e)
{
	if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
		return dir_remove(temp, e); /* the old one */
	if (errno == EINVAL || errno == ENOSYS) {
		int r = dir_remove(path, e);

		if (r < 0)
			return r;
	} else if (errno != ENOENT) {
		return err_sys(e, "exchange '%s' for '%s'", path, temp);
	}
	if (rename(temp, path) < 0)
		return err_sys(e, "rename '%s' to '%s'", temp, path);
	return 0;
}

void file_discard(const char *temp)
{
	unlink(temp);
}

static int write_whole(const char *path, mode_t mode, const void *p, size_t n, bool sync,
		       struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_close_ int fd = -1;
	char *temp;
	int r;

	r = file_temp(&a, path, mode, &fd, &temp, e);
	if (r < 0)
		return r;
	r = fd_write(fd, p, n, path, e);
	if (r == 0)
		r = commit(fd, temp, path, sync, e);
	if (r < 0)
		file_discard(temp);
	return r;
}

int file_write(const char *path, mode_t mode, const void *p, size_t n, struct err *e)
{
	return write_whole(path, mode, p, n, true, e);
}

int file_write_cache(const char *path, mode_t mode, const void *p, size_t n, struct err *e)
{
	return write_whole(path, mode, p, n, false, e);
}

int dir_make(const char *path, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *z = str_z(&a, str_c(path));

	for (char *slash = strchr(z + (z[0] == '/'), '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(z, 0777) < 0 && errno != EEXIST)
			return err_sys(e, "make folder '%s'", z);
		*slash = '/';
	}
	if (mkdir(z, 0777) < 0 && errno != EEXIST)
		return err_sys(e, "make folder '%s'", z);
	return 0;
}

int dir_make_parent(struct arena *a, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return 0;
	return dir_make(str_z(a, str_head(str_c(path), (size_t)(slash - path))), e);
}

static int remove_below(int parent, const char *name, unsigned depth, struct err *e)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	struct dirent *entry;
	DIR *d;

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP) && unlinkat(parent, name, 0) == 0)
		return 0; /* a link, or a file */
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open '%s'", name);
	d = depth > 256 ? NULL : fdopendir(fd);
	if (!d) {
		close(fd);
		return err_set(e, -ELOOP, "'%s': too deep", name);
	}
	while (r == 0 && (entry = readdir(d))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(fd, entry->d_name, 0) == 0)
			continue;
		if (errno != EISDIR && errno != EPERM)
			r = err_sys(e, "remove '%s'", entry->d_name);
		else
			r = remove_below(fd, entry->d_name, depth + 1, e);
	}
	closedir(d);
	if (r == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = err_sys(e, "remove '%s'", name);
	return r;
}

int dir_remove(const char *path, struct err *e)
{
	return remove_below(AT_FDCWD, path, 0, e);
}

/* Not while its maker lives, see temp_hold(). */
static void temp_clean(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct err ignored;
	struct stat st;

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			(void)!remove_below(dir, name, 0, &ignored);
		else
			unlinkat(dir, name, 0);
	}
	close(fd);
}

/* ".tmp-PID-N-NAME", as temp_make() writes it; *ret is NAME. */
static bool temp_name_parse(struct str s, struct str *ret)
{
	struct str rest = str_from(s, strlen(TEMP_PREFIX));
	uint64_t number;

	if (!str_starts(s, TEMP_PREFIX) || !str_u64(str_cut(&rest, '-'), INT32_MAX, &number) ||
	    !str_u64(str_cut(&rest, '-'), TEMP_TRIES_MAX, &number) || rest.n == 0)
		return false;
	*ret = rest;
	return true;
}

void dir_clean_temps_of(const char *dir, bool (*ours)(struct str name))
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	struct str name;

	while (d && (entry = readdir(d)))
		if (temp_name_parse(str_c(entry->d_name), &name) && (!ours || ours(name)))
			temp_clean(dirfd(d), entry->d_name);
	if (d)
		closedir(d);
}

void dir_clean_temps(const char *dir)
{
	dir_clean_temps_of(dir, NULL);
}

struct aged {
	struct str name;
	struct timespec written;
};

static int newest_first(const void *x, const void *y)
{
	const struct aged *p = x, *q = y;

	if (p->written.tv_sec != q->written.tv_sec)
		return p->written.tv_sec < q->written.tv_sec ? 1 : -1;
	if (p->written.tv_nsec != q->written.tv_nsec)
		return p->written.tv_nsec < q->written.tv_nsec ? 1 : -1;
	return str_cmp(p->name, q->name);
}

void dir_keep_newest(const char *dir, size_t n)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct aged *files;
	vec_str names;
	struct err e;

	if (dir_list(&a, dir, &names, &e) < 0 || names.n <= n)
		return;
	files = arena_array(&a, names.n, sizeof(*files));
	for (size_t i = 0; i < names.n; i++) {
		struct stat st = { 0 };

		if (stat(path_join(&a, dir, names.p[i].p), &st) == 0)
			files[i].written = st.st_mtim;
		files[i].name = names.p[i];
	}
	qsort(files, names.n, sizeof(*files), newest_first);
	for (size_t i = n; i < names.n; i++)
		unlink(path_join(&a, dir, files[i].name.p));
}

static int name_cmp(const void *x, const void *y)
{
	return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

int dir_list(struct arena *a, const char *path, vec_str *ret, struct err *e)
{
	DIR *d = opendir(path);
	vec_str names = { 0 };
	struct dirent *entry;

	if (!d)
		return err_sys(e, "open folder '%s'", path);
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.')
			vec_push(a, &names) = str_dup(a, str_c(entry->d_name));
	closedir(d);
	if (names.n > 0)
		qsort(names.p, names.n, sizeof(*names.p), name_cmp);
	*ret = names;
	return 0;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

void file_used(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && time(NULL) - st.st_mtime > USED_AGAIN_SEC)
		utimensat(AT_FDCWD, path, NULL, 0);
}

char *path_join(struct arena *a, const char *dir, const char *name)
{
	return str_z(a, str_printf(a, "%s/%s", dir, name));
}

int file_lock(const char *path, int *ret_fd, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	while (flock(fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		close(fd);
		return err_sys(e, "lock '%s'", path);
	}
	*ret_fd = fd;
	return 0;
}
