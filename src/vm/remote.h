/* SPDX-License-Identifier: MIT */
/* remote.h - hands a guest its command over SSH: a machine whose firmware checks signatures takes
 * no unit from outside, but lets in whoever has a key that its platform names. */
#pragma once

#include "vm/guest.h"

/* A key pair that nobody has after this process, but for that of a machine that remembers. */
struct remote {
	int key; /* the private half, in memory */
	unsigned port;
};

/* Makes it, and has the guest that @q is for let its owner in as root. @machine: the folder of one
 * that remembers, in which it is kept; or NULL. Call remote_done() whatever this returns. */
must_check int remote_prepare(struct arena *a, struct qemu *q, const char *machine,
			      struct remote *ret, struct err *e);
/* Starts a process that waits until the guest answers, and has it run @script, as root, in a unit
 * of its own. guest_watch() fails with what that process has to say; guest_end() ends it. */
must_check int remote_start(const struct remote *r, struct str script, struct guest *g,
			    struct err *e);
void remote_done(struct remote *r);
