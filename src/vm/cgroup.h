/* SPDX-License-Identifier: MIT */
/* cgroup.h - a control group for what this process starts, which ends with it. */
#pragma once

#include <sys/types.h>

#include "base/str.h"

struct cgroup_place {
	char *outer, *own; /* folders; own is below outer */
};

struct cgroup {
	VEC(struct cgroup_place) places; /* one for each hierarchy that systemd uses */
	int keeper_fd;
	pid_t keeper;
};

/* Makes one below this process' own, where a hierarchy is mounted. When this process ends, however
 * that comes, a keeper kills who is still in it, and removes it. Call cgroup_done() in any case. */
must_check int cgroup_make(struct arena *a, struct cgroup *ret, struct err *e);
/* Moves this process into it, and back: who is started meanwhile stays there. */
must_check int cgroup_enter(const struct cgroup *c, struct err *e);
must_check int cgroup_leave(const struct cgroup *c, struct err *e);
/* Kills who is still in it; when this returns, nobody is. */
void cgroup_done(struct cgroup *c);
