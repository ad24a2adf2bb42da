/* SPDX-License-Identifier: MIT */
/* qemu.h - QEMU: a virtual machine with UEFI firmware, a disk, a serial console. */
#pragma once

#include <sys/types.h>

#include "base/arch.h"
#include "vm/credential.h"

typedef VEC(int) vec_fd;

struct qemu {
	const struct arch *arch;
	bool kvm;
	uint64_t memory_mib, processors;
	const char *code, *variables; /* firmware, and where it keeps its variables */
	bool secure_boot; /* the firmware checks signatures; only its code in SMM may write
			     variables */
	const char *disk;
	const struct disk_bus *disk_bus; /* NULL: virtio */
	bool disk_snapshot;              /* nothing that the guest writes is kept */
	bool ends_at_reboot;             /* or else the guest may restart itself */
	int tpm_fd;                      /* connected to swtpm's control channel; -1: no TPM */
	vec_fd keep_fds;   /* open in QEMU too; paths may be /proc/self/fd/N of these */
	unsigned ssh_port; /* forwarded from 127.0.0.1 to the guest's port 22; 0: none */
	vec_credential credentials;
	vec_str channels; /* names of virtio serial ports; channel_fds has the other end of each */
	const int *channel_fds;
	int console_fd; /* where the serial console goes, or -1: this terminal, with QEMU's monitor
			   on Ctrl-A */
};

/* The firmware that distributions ship for @arch, and their empty store of its variables. Missing
 * ones are -ENOENT, with the name of a package. */
must_check int qemu_firmware(const struct arch *arch, bool secure_boot, const char **ret_code,
			     const char **ret_variables, struct err *e);
/* What the disk hangs on: "virtio", "nvme", ... */
must_check int qemu_disk_bus(struct str name, const struct disk_bus **ret, struct err *e);
/* Whether KVM can run a guest here, found by letting it run the firmware for a moment: /dev/kvm can
 * exist and not work. */
bool qemu_kvm_works(struct arena *a, const struct arch *arch);
/* Starts it with its output (other than console and channels) in @log_fd, -1: this terminal; the
 * guest dies with this process. */
must_check int qemu_start(struct arena *a, const struct qemu *q, int log_fd, pid_t *ret,
			  struct err *e);
/* A port of 127.0.0.1 that nobody listens on now. */
must_check int qemu_free_port(unsigned *ret, struct err *e);

/* Starts argv[0], which is in the Debian package @package, with @keep_fds open and its output in
 * @log_fd (-1: where this process' goes). It dies with this process. */
must_check int child_start(const char *const *argv, const vec_fd *keep_fds, int log_fd,
			   const char *package, pid_t *ret, struct err *e);
