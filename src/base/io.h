/* SPDX-License-Identifier: MIT */
/* io.h - files: read whole, written whole or not at all. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/str.h"

void close_p(int *fd);
#define _cleanup_close_ __attribute__((cleanup(close_p)))
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* The whole file, at most @max bytes, copied into @a (so it may change or vanish afterwards). A
 * missing file gives -ENOENT. */
must_check int file_read(struct arena *a, const char *path, size_t max, struct str *ret,
			 struct err *e);
/* The regular file @below (no empty, "." or ".." part) of the folder @dir, of which only @dir
 * itself may be or contain a symbolic link: what somebody else put into a folder must not lead out
 * of it, nor to a pipe that nobody writes to. -ELOOP for a link, -EINVAL for what is no regular
 * file. */
must_check int file_read_below(struct arena *a, const char *dir, const char *below, size_t max,
			       struct str *ret, struct err *e);
must_check int fd_read_all(struct arena *a, int fd, size_t max, struct str *ret, struct err *e);

/* The same without a copy, however large, read-only: for what may not fit into memory. As long as
 * it is mapped, nobody may make the file shorter: a page that is gone ends the process (SIGBUS). */
must_check int file_map(const char *path, struct str *ret, struct err *e);
/* The same of a copy, made beside it without a name: nobody changes what was looked at. */
must_check int file_map_copy(struct arena *a, const char *path, struct str *ret, struct err *e);
void file_unmap(struct str *bytes);
#define _cleanup_map_ __attribute__((cleanup(file_unmap)))

/* Appears under @path complete or not at all: written to a name beside it, synced, renamed. Safe
 * when several processes write the same path: the last one wins, readers see one or the other.
 * @mode before umask. */
must_check int file_write(const char *path, mode_t mode, const void *p, size_t n, struct err *e);
/* The same without the sync, for caches: after a loss of power the file may be empty or in part
 * zeroes. Only for what whoever reads it checks by a digest and makes again. */
must_check int file_write_cache(const char *path, mode_t mode, const void *p, size_t n,
				struct err *e);

/* The same in two steps, for what is written piece by piece. file_temp() makes ".tmp-..." beside
 * @path, open for reading and writing; *ret_path in @a. file_commit() syncs and renames it, before
 * the descriptor is closed; file_commit_cache() only renames; file_discard() removes it. */
must_check int file_temp(struct arena *a, const char *path, mode_t mode, int *ret_fd,
			 char **ret_path, struct err *e);
must_check int file_commit(int fd, const char *temp, const char *path, struct err *e);
must_check int file_commit_cache(int fd, const char *temp, const char *path, struct err *e);
void file_discard(const char *temp);
/* The same for a folder: dir_commit() puts @temp in the place of @path, which is removed. Who gives
 * up calls dir_remove(). *ret_fd stays open meanwhile. */
must_check int dir_temp(struct arena *a, const char *path, int *ret_fd, char **ret_path,
			struct err *e);
must_check int dir_commit(const char *temp, const char *path, struct err *e);
/* Removes what file_temp() and dir_temp() made in @dir for a process that is gone: whose descriptor
 * nobody holds open. In a folder that others use, too, only what was to get a name that @ours says
 * yes to. */
void dir_clean_temps(const char *dir);
void dir_clean_temps_of(const char *dir, bool (*ours)(struct str name));
/* Removes all but the @n files that were written last: for a cache whose entries can be made again.
 */
void dir_keep_newest(const char *dir, size_t n);

must_check int fd_write(int fd, const void *p, size_t n, const char *name, struct err *e);
must_check int fd_pwrite(int fd, const void *p, size_t n, uint64_t offset, const char *name,
			 struct err *e);

/* @n bytes of @from, from @offset on, to @to at @at: shared where the file system can (reflink),
 * copied by the kernel where it can, else by way of memory. @name: of @to. */
must_check int fd_copy(int from, uint64_t offset, uint64_t n, int to, uint64_t at, const char *name,
		       struct err *e);
/* The whole of a regular file, to an empty one; holes stay holes. */
must_check int fd_copy_data(int from, int to, const char *name, struct err *e);

/* With its parents; an existing directory is fine. */
must_check int dir_make(const char *path, struct err *e);
/* The folder that @path stands in. */
must_check int dir_make_parent(struct arena *a, const char *path, struct err *e);
/* Removes a folder and all below it, or the symbolic link that stands in its place, never following
 * one; a missing one is fine. */
must_check int dir_remove(const char *path, struct err *e);
/* Names in a folder, sorted by bytes, without "." and ".." and names that start with a dot. */
must_check int dir_list(struct arena *a, const char *path, vec_str *ret, struct err *e);

bool file_exists(const char *path);
/* Notes in the file's time that it was used now, unless it was within the last hour: what a cache
 * keeps is removed when nobody used it for long. */
void file_used(const char *path);
/* dir + "/" + name. */
char *path_join(struct arena *a, const char *dir, const char *name);
/* Takes an exclusive lock on "@path" (created if missing); waits for other processes. Closed with
 * the descriptor. */
must_check int file_lock(const char *path, int *ret_fd, struct err *e);
