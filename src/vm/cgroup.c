/* SPDX-License-Identifier: MIT */
#include "vm/cgroup.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"

#define CGROUPS "/sys/fs/cgroup"

enum { CGROUP_TEXT_BYTES_MAX = 64 << 10, KEEPER_MS = 60000, KEEPER_STEP_MS = 10, DEPTH_FDS = 8 };

/* Where the hierarchy of a line "NUMBER:CONTROLLERS:PATH" of /proc/self/cgroup is mounted
 * (cgroups(7)); NULL for those that systemd does not use. */
static const char *mounted_at(struct str number, struct str controllers)
{
	struct statfs fs;

	if (str_eqz(controllers, "name=systemd"))
		return CGROUPS "/systemd";
	if (!str_eqz(number, "0"))
		return NULL;
	if (statfs(CGROUPS, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
		return CGROUPS;
	return CGROUPS "/unified";
}

static int places_find(struct arena *a, struct cgroup *c, struct err *e)
{
	struct str text;
	int r = file_read(a, "/proc/self/cgroup", CGROUP_TEXT_BYTES_MAX, &text, e);

	while (r == 0 && text.n > 0) {
		struct str path = str_cut(&text, '\n');
		struct str number = str_cut(&path, ':'), controllers = str_cut(&path, ':');
		const char *at = mounted_at(number, controllers);
		struct str own;

		if (!at || !file_exists(at))
			continue;
		if (str_eqz(path, "/"))
			path = STR("");
		own = str_printf(a, "%s%.*s/ashlar-%d", at, STR_FMT(path), (int)getpid());
		vec_push(a, &c->places) =
			(struct cgroup_place){ str_z(a, str_printf(a, "%s%.*s", at, STR_FMT(path))),
					       str_z(a, own) };
	}
	return r;
}

/* systemd-nspawn's death is not that of its container. With the container's PID 1 its kernel
 * namespace ends, and everybody in it. */
static void members_kill(const char *path)
{
	char name[PATH_MAX];
	FILE *f;
	int pid;

	snprintf(name, sizeof(name), "%s/cgroup.procs", path);
	f = fopen(name, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		if (pid > 1)
			kill(pid, SIGKILL);
	if (f)
		fclose(f);
}

static int folder_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type != FTW_DP)
		return 0;
	members_kill(path);
	(void)rmdir(path); /* as long as one is dying it stays */
	return 0;
}

static bool places_remove(const struct cgroup *c)
{
	bool removed = true;

	vec_each(place, &c->places) {
		nftw(place->own, folder_remove, DEPTH_FDS, FTW_DEPTH | FTW_PHYS);
		removed &= !file_exists(place->own);
	}
	return removed;
}

/* Waits for the end of the one who made it, holding nothing of his but @fd, and outlives him. */
static void keep(const struct cgroup *c, int fd)
{
	char byte;

	/* a terminal's signals, and those to all of a group, are not for it */
	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (dup2(fd, 0) < 0 || close_range(1, ~0u, 0) < 0)
		_exit(1);
	while (read(0, &byte, 1) < 0 && errno == EINTR)
		;
	for (int ms = 0; ms < KEEPER_MS && !places_remove(c); ms += KEEPER_STEP_MS)
		usleep(KEEPER_STEP_MS * 1000);
	_exit(0);
}

static int keeper_start(struct cgroup *c, struct err *e)
{
	_cleanup_close_ int theirs = -1;
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	theirs = pair[0];
	c->keeper_fd = pair[1];
	c->keeper = fork();
	if (c->keeper < 0)
		return err_sys(e, "fork");
	if (c->keeper == 0) {
		close_p(&c->keeper_fd);
		keep(c, theirs);
	}
	return 0;
}

int cgroup_make(struct arena *a, struct cgroup *ret, struct err *e)
{
	int r;

	*ret = (struct cgroup){ .keeper_fd = -1 };
	r = places_find(a, ret, e);
	if (r == 0)
		r = keeper_start(ret, e);
	if (r < 0)
		return r;
	vec_each(place, &ret->places)
		if (mkdir(place->own, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "make control group '%s'", place->own);
	return 0;
}

/* "0" stands for whoever writes it. */
static int move_to(const char *folder, struct err *e)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) < 0)
		return err_sys(e, "move to control group '%s'", folder);
	return 0;
}

int cgroup_enter(const struct cgroup *c, struct err *e)
{
	vec_each(place, &c->places) {
		int r = move_to(place->own, e);

		if (r < 0)
			return r;
	}
	return 0;
}

int cgroup_leave(const struct cgroup *c, struct err *e)
{
	int r = 0;

	vec_each(place, &c->places)
		if (r == 0)
			r = move_to(place->outer, e);
	return r;
}

void cgroup_done(struct cgroup *c)
{
	close_p(&c->keeper_fd);
	if (c->keeper > 0)
		waitpid(c->keeper, NULL, 0);
	c->keeper = 0;
}
