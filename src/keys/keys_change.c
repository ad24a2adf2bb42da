/* SPDX-License-Identifier: MIT */
#include "keys/keys_change.h"

#include <sys/stat.h>
#include <unistd.h>

static const char next_name[] = ".next";
/* Stands for '/' in the names of the files that wait. */
enum { WAITING_SLASH = '+' };

static char *name_swap(struct arena *a, struct str name, char from, char to)
{
	char *s = str_z(a, name);

	for (char *c = s; *c; c++)
		if (*c == from)
			*c = to;
	return s;
}

/* Makes the folder that @path, below @dir, is in. */
static int parent_make(struct arena *a, const char *dir, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return 0;
	return dir_make(path_join(a, dir, str_z(a, (struct str){ path, (size_t)(slash - path) })),
			e);
}

/* An empty file says that the one of its name shall go. */
static int move(const char *from, const char *to, struct err *e)
{
	struct stat st;

	if (stat(from, &st) < 0)
		return err_sys(e, "'%s'", from);
	if (st.st_size == 0 && unlink(to) < 0 && errno != ENOENT)
		return err_sys(e, "remove '%s'", to);
	if (st.st_size > 0 && rename(from, to) < 0)
		return err_sys(e, "rename to '%s'", to);
	return 0;
}

static int move_all(struct arena *a, const char *dir, const char *next, struct err *e)
{
	vec_str names;
	int r = dir_list(a, next, &names, e);

	if (r < 0)
		return r;
	vec_each(name, &names) {
		const char *path = name_swap(a, *name, WAITING_SLASH, '/');

		r = parent_make(a, dir, path, e);
		if (r == 0)
			r = move(path_join(a, next, str_z(a, *name)), path_join(a, dir, path), e);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_next(struct str name)
{
	return str_eqz(name, next_name);
}

int keys_change_finish(const char *dir, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *next = path_join(&a, dir, next_name);
	int r;

	dir_clean_temps_of(dir, is_next);
	if (!file_exists(next))
		return 0;
	r = move_all(&a, dir, next, e);
	return r < 0 ? r : dir_remove(next, e);
}

int keys_change_begin(struct keys_change *c, struct arena *a, const char *dir, struct err *e)
{
	int r;

	*c = (struct keys_change){ .a = a, .dir = dir, .fd = -1 };
	r = dir_temp(a, path_join(a, dir, next_name), &c->fd, &c->temp, e);
	if (r == 0 && fchmod(c->fd, 0700) < 0) {
		r = err_sys(e, "cannot make '%s' private", c->temp);
		keys_change_discard(c);
	}
	return r;
}

int keys_change_put(struct keys_change *c, const char *name, struct str bytes, struct err *e)
{
	const char *flat = name_swap(c->a, str_c(name), '/', WAITING_SLASH);

	return file_write(path_join(c->a, c->temp, flat), 0600, bytes.p, bytes.n, e);
}

int keys_change_remove(struct keys_change *c, const char *name, struct err *e)
{
	return keys_change_put(c, name, STR(""), e);
}

int keys_change_commit(struct keys_change *c, struct err *e)
{
	const char *next = path_join(c->a, c->dir, next_name);

	if (fsync(c->fd) < 0 || rename(c->temp, next) < 0) {
		int r = err_sys(e, "rename '%s' to '%s'", c->temp, next);

		keys_change_discard(c);
		return r;
	}
	close_p(&c->fd);
	return keys_change_finish(c->dir, e);
}

void keys_change_discard(struct keys_change *c)
{
	struct err ignored;

	if (c->fd < 0)
		return;
	close_p(&c->fd);
	if (dir_remove(c->temp, &ignored) < 0)
		return; /* the next call cleans it away */
}
