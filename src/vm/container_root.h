/* SPDX-License-Identifier: MIT */
/* container_root.h - an image's root mounted as agent/init does it, but for the verification: in a
 * mount namespace of this process' own, so that it is gone when this process is. */
#pragma once

#include "base/str.h"

struct container_root {
	const char *image;
	const char *state; /* folder that becomes /var; NULL: memory */

	/* what container_root_mount() makes */
	const char *dir;  /* empty, for whatever else the container is given */
	const char *path; /* the root */
	vec_str words;    /* of the image's kernel command line: those that systemd reads */
};

/* Takes this process into the namespace and mounts there; the image is only read. Says what this
 * machine lacks: root's rights, a loop device, EROFS with the codec that the root is stored with,
 * the image's architecture. */
must_check int container_root_mount(struct arena *a, struct container_root *c, struct err *e);
