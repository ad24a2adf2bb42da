/* SPDX-License-Identifier: MIT */
/* mounts.h - what a running system mounts over folders of its root. */
#pragma once

#include "tree/tree.h"

struct mount {
	struct str where, by; /* the folder; the unit or file that says so */
	/* systemd-tmpfiles can put something there at boot; else the content is somebody else's, or
	 * nobody's */
	bool writable;
};
typedef VEC(struct mount) vec_mount;

/* Mount units that another unit wants or requires and nothing masks (systemd.mount(5)), lines of
 * /etc/fstab (fstab(5)), and what the kernel shows. /var and /etc, which agent/init mounts, are not
 * among them. */
must_check int mounts_find(struct arena *a, const struct tree *t, vec_mount *ret, struct err *e);
