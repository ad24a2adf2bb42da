/* SPDX-License-Identifier: MIT */
#include "vm/container.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "vm/container_root.h"
#include "vm/machine.h"

/* Of the folder that a container keeps, and of the one that it is given. */
#define VAR         "var"
#define PORTS       "ports"
#define CREDENTIALS "credentials"

typedef VEC(const char *) vec_arg;

/* A container's /var and a virtual machine's disk are two things; one of them would be forgotten.
 */
static int state_open(struct arena *a, const char *dir, struct container *c, const char **ret,
		      struct err *e)
{
	int r = machine_dir_hold(dir, &c->lock, e);

	if (r == 0 && file_exists(path_join(a, dir, "disk.raw")))
		return err_set(e, -EEXIST,
			       "'%s' holds the disk of a virtual machine; want another folder for "
			       "a container",
			       dir);
	*ret = path_join(a, dir, VAR);
	return r == 0 ? dir_make(*ret, e) : r;
}

int container_open(struct arena *a, const struct container_options *o, struct container *ret,
		   struct err *e)
{
	struct container_root root = { .image = o->image };
	int r = 0;

	*ret = (struct container){ .lock = -1, .cgroup = { .keeper_fd = -1 } };
	if (geteuid() != 0)
		return err_set(e, -EPERM,
			       "only root may start a container; want sudo, or no --container: a "
			       "virtual machine anybody may start");
	if (o->dir)
		r = state_open(a, o->dir, ret, &root.state, e);
	if (r == 0)
		r = container_root_mount(a, &root, e);
	if (r == 0)
		r = cgroup_make(a, &ret->cgroup, e);
	ret->dir = root.dir;
	ret->root = root.path;
	ret->words = root.words;
	return r;
}

/* systemd-nspawn reads them from files, where there is room for any byte. */
static int credentials_give(struct arena *a, const struct container *c,
			    const vec_credential *credentials, vec_arg *v, struct err *e)
{
	const char *dir = path_join(a, c->dir, CREDENTIALS);
	int r = dir_make(dir, e);

	vec_each(x, credentials) {
		const char *path = path_join(a, dir, x->name);

		if (r == 0)
			r = file_write(path, 0600, x->value.p, x->value.n, e);
		vec_push(a, v) = str_z(a, str_printf(a, "--load-credential=%s:%s", x->name, path));
	}
	return r;
}

/* Pipes with a name: the container sees nothing else of this machine's files. */
static int ports_give(struct arena *a, const struct container *c, struct guest *g, vec_arg *v,
		      struct err *e)
{
	static const char *const names[] = { "out", "err", "status" };
	const char *dir = path_join(a, c->dir, PORTS);
	int r = dir_make(dir, e);

	for (int i = 0; r == 0 && i < CHANNEL_CONSOLE; i++) {
		const char *path = path_join(a, dir, names[i]);

		if (mkfifo(path, 0600) < 0)
			return err_sys(e, "make '%s'", path);
		/* nobody writes yet, which does not matter; later, reading waits */
		g->fds[i] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (g->fds[i] < 0 || fcntl(g->fds[i], F_SETFL, 0) < 0)
			return err_sys(e, "open '%s'", path);
	}
	vec_push(a, v) = str_z(a, str_printf(a, "--bind=%s:" CONTAINER_PORTS, dir));
	return r;
}

/* Goes back in any case: who is in the group at the end is killed. */
static int start_within(const struct container *c, const char *const *argv, int console, pid_t *ret,
			struct err *e)
{
	int r = cgroup_enter(&c->cgroup, e), left;
	struct err not_left;

	if (r == 0)
		r = child_start(argv, &(vec_fd){ 0 }, console, "systemd-container", ret, e);
	left = cgroup_leave(&c->cgroup, &not_left);
	if (r == 0 && left < 0)
		return err_set(e, left, "%s", not_left.msg);
	return r;
}

/* @more: further options. */
static int nspawn(struct arena *a, const struct container *c, const vec_arg *more, int console,
		  pid_t *ret, struct err *e)
{
	static const char *const fixed[] = {
		"systemd-nspawn", "--quiet", "--boot", "--machine=ashlar",
		/* machined and PID 1 of this machine, where it has them, need not know: the
		 * control group is ours, and nobody else is to end it */
		"--register=no", "--keep-unit",
		/* nothing of this machine in the image, nothing of the image in this machine */
		"--link-journal=no", "--private-network", "--resolv-conf=off", "--timezone=off"
	};
	vec_arg v = { 0 };
	int r = 0;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		vec_push(a, &v) = fixed[i];
	vec_push(a, &v) = str_z(a, str_printf(a, "--directory=%s", c->root));
	vec_each(option, more)
		vec_push(a, &v) = *option;
	vec_each(word, &c->words)
		vec_push(a, &v) = str_z(a, *word);
	vec_push(a, &v) = NULL;
	/* where this machine still has the first version of control groups, the image's systemd
	 * does not */
	if (setenv("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1", 1) < 0 ||
	    /* the image mounts it, with its own options */
	    setenv("SYSTEMD_NSPAWN_TMPFS_TMP", "0", 1) < 0)
		r = err_sys(e, "setenv");
	return r == 0 ? start_within(c, v.p, console, ret, e) : r;
}

int container_watch(struct arena *a, const struct container *c, const vec_credential *credentials,
		    struct guest *g, struct err *e)
{
	_cleanup_close_ int console = -1;
	vec_arg more = { 0 };
	int r;

	guest_init(a, g);
	r = credentials_give(a, c, credentials, &more, e);
	if (r == 0)
		r = ports_give(a, c, g, &more, e);
	if (r == 0)
		r = guest_channel(g, CHANNEL_CONSOLE, &console, e);
	return r == 0 ? nspawn(a, c, &more, console, &g->pid, e) : r;
}

int container_start(struct arena *a, const struct container *c, pid_t *ret, struct err *e)
{
	return nspawn(a, c, &(vec_arg){ 0 }, -1, ret, e);
}

/* systemd-nspawn(1), --kill-signal= */
void container_power_off(const struct guest *g)
{
	kill(g->pid, SIGTERM);
}

void container_close(struct container *c)
{
	cgroup_done(&c->cgroup);
	close_p(&c->lock);
}
