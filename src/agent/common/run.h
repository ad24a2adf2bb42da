/* SPDX-License-Identifier: MIT */
/* run.h - runs programs of the verified root, before there is a service manager. */
#pragma once

#include "base/proc.h"

/* What they need to know of a machine without udev and journal. Undone before systemd starts,
 * which hands its environment on to everything. */
void run_environment(void);
void run_environment_done(void);

/* Waits until it ends. A status above @most is an error: the program's name and what it said. A
 * secret goes in through @input: systemd's programs read it from RUN_INPUT. */
must_check int run(struct arena *a, const char *const *argv, struct str input, int most,
		   struct str *ret_out, struct err *e);

#define RUN_INPUT "/proc/self/fd/0"
