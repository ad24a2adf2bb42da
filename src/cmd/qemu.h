/* SPDX-License-Identifier: MIT */
/* qemu.h - a virtual machine that boots an image: UEFI firmware, a disk that is never modified, a
 * serial console. */
#pragma once

#include <sys/types.h>

#include "base/str.h"

struct qemu {
	const char *arch, *image;
	bool kvm;
	uint64_t memory_mib, processors;
	unsigned ssh_port;   /* forwarded from 127.0.0.1 to the guest's port 22; 0: none */
	vec_str credentials; /* values of SMBIOS type 11 strings: "io.systemd.credential:NAME=VALUE"
				(systemd.system-credentials(7)) */
	vec_str channels; /* names of virtio serial ports; channel_fds has the other end of each */
	const int *channel_fds;
	int console_fd; /* where the serial console goes, or -1: this terminal, with QEMU's monitor
			   on Ctrl-A */
};

/* The command line. Disk and firmware variables are snapshots: nothing that the guest writes is
 * kept. */
must_check int qemu_argv(struct arena *a, const struct qemu *q, const char *const **ret,
			 struct err *e);
/* Whether KVM can run a guest here, found by letting it run the firmware for a moment: /dev/kvm can
 * exist and not work. */
bool qemu_kvm_works(struct arena *a, const char *arch);
/* Starts it with its output (other than console and channels) in @log_fd; the guest dies with this
 * process. */
must_check int qemu_start(const char *const *argv, const int *keep_fds, size_t n_keep, int log_fd,
			  pid_t *ret, struct err *e);
/* A port of 127.0.0.1 that nobody listens on now. */
must_check int qemu_free_port(unsigned *ret, struct err *e);
