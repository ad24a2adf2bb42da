/* SPDX-License-Identifier: MIT */
/* mounts.h - what is mounted where, before and after the root is there. */
#pragma once

#include "base/str.h"

/* /proc, /sys, /dev and /run, with the options that systemd would give them. */
must_check int mounts_api(struct err *e);

/* Makes /run and /dev no places for programs. */
must_check int mounts_noexec(struct err *e);

/* securityfs and, where firmware has variables and the kernel shows them, efivarfs. */
must_check int mounts_security(struct err *e);

/* The file system on @node, read-only, at /sysroot. */
must_check int mounts_root(const char *node, struct err *e);

/* Takes the API file systems along, frees what the initrd holds, and makes /sysroot the root. */
must_check int mounts_switch(struct err *e);

/* On the new root: /var in memory, no place for programs when @noexec. */
must_check int mounts_memory(bool noexec, struct err *e);

/* Once /var is there: /etc, writable over the image's own, no place for programs when @noexec. */
must_check int mounts_etc(bool noexec, struct err *e);
