/* SPDX-License-Identifier: MIT */
/* container.h - an image's root as a container of systemd-nspawn: with this machine's kernel, so
 * within seconds, but without what firmware, the image's kernel and agent/init do. */
#pragma once

#include "vm/cgroup.h"
#include "vm/credential.h"
#include "vm/guest.h"

/* Where a command_credentials() of a container writes. */
#define CONTAINER_PORTS "/run/host/ashlar/"

struct container_options {
	const char *image;
	const char *dir; /* what is written stays there, in "var"; NULL: nothing is kept */
};

struct container {
	int lock;
	struct cgroup cgroup;
	const char *dir, *root;
	vec_str words;
};

/* Mounts the image's root in a mount namespace into which this process goes for the rest of its
 * life. Call container_close() whatever this returns. */
must_check int container_open(struct arena *a, const struct container_options *o,
			      struct container *ret, struct err *e);
/* Starts it with these credentials; its console and what its command writes are read from @g. */
must_check int container_watch(struct arena *a, const struct container *c,
			       const vec_credential *credentials, struct guest *g, struct err *e);
/* Starts it with this terminal as its console. */
must_check int container_start(struct arena *a, const struct container *c, pid_t *ret,
			       struct err *e);
/* Has it switch itself off in order. */
void container_power_off(const struct guest *g);
/* After the end of what was started: waits until nothing of it runs. */
void container_close(struct container *c);
