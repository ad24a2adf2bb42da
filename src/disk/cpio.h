/* SPDX-License-Identifier: MIT */
/* cpio.h - the "newc" cpio archive (Linux
 * Documentation/driver-api/early-userspace/buffer-format.rst), which is both the kernel's initramfs
 * and RPM's payload. */
#pragma once

#include "base/str.h"

struct cpio_entry {
	struct str name; /* no leading '/'; RPM payloads use "./usr/..." */
	uint32_t mode, uid, gid, nlink, ino;
	uint64_t mtime_sec;
	uint32_t rdev_major, rdev_minor;
	struct str data; /* file content or link target; below 4 GiB */
};

/* Appends one entry, padded to 4 bytes. */
void cpio_add(struct buf *b, const struct cpio_entry *entry);
/* The same in two parts for content that is streamed: header and name, padded; the caller then puts
 * data and pads. */
void cpio_add_header(struct buf *b, const struct cpio_entry *entry, uint64_t size_bytes);
/* Appends the trailer. */
void cpio_end(struct buf *b);

/* Takes the next entry off *archive: 1 one entry, 0 the trailer was met, negative on damage.
 * Borrows. */
must_check int cpio_next(struct str *archive, struct cpio_entry *ret, struct err *e);
