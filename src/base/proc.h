/* SPDX-License-Identifier: MIT */
/* proc.h - other programs: run without a shell, output kept. */
#pragma once

#include <sys/types.h>

#include "base/str.h"

struct proc_result {
	int status; /* exit status, or 128 + signal */
	struct str out, err;
};

/* Runs argv[0] (searched in PATH) with @input on its standard input, waits, and keeps at most 16
 * MiB of what it printed. LC_ALL=C. Fails when it cannot be started (then *e says which program and
 * which Debian package, where
 * @package is given); a non-zero status is not a failure here. */
must_check int proc_run(struct arena *a, const char *const *argv, struct str input,
			const char *package, struct proc_result *ret, struct err *e);
/* The same, for a program that also reads or writes files which have no name: @fds are its
 * descriptors 3, 4 and so on (docs of the program: "/dev/fd/3"). Borrowed. */
must_check int proc_run_with(struct arena *a, const char *const *argv, struct str input,
			     const int *fds, size_t n_fds, const char *package,
			     struct proc_result *ret, struct err *e);
/* Gives a process, or (0) this one, the usual number of open files again: ours was raised for
 * packs, and children inherit that. Others do it for what they start; proc_run() does. */
void proc_files_default(pid_t pid);
