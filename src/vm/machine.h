/* SPDX-License-Identifier: MIT */
/* machine.h - what a virtual machine keeps, in a folder from run to run or only while it runs: its
 * disk, the variables of its firmware, its TPM. */
#pragma once

#include "base/progress.h"
#include "vm/qemu.h"

struct machine_options {
	const char *image;
	const char *dir; /* NULL: nothing is kept */
	const char *keys;
	bool secure_boot; /* with the certificates of @keys enrolled */
	bool setup_mode;  /* firmware with Secure Boot that has no keys yet */
	bool tpm;
	uint64_t disk_bytes; /* 0: as large as the image */
	struct progress *progress;
};

struct machine {
	int lock, disk, variables, tpm;
	pid_t tpm_pid;
};

/* Makes the folder and takes hold of it until *ret is closed. One that another run holds is -EBUSY.
 */
must_check int machine_dir_hold(const char *dir, int *ret, struct err *e);
/* Makes what is not there, takes hold of it, starts the TPM, and says all of it in @q. What
 * is kept nowhere lies in memory or in files without a name in TMPDIR, so it is gone however this
 * process ends. */
must_check int machine_open(struct arena *a, const struct machine_options *o, struct machine *ret,
			    struct qemu *q, struct err *e);
/* After QEMU's end. */
void machine_close(struct machine *m);
