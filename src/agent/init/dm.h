/* SPDX-License-Identifier: MIT */
/* dm.h - the dm-verity device "root" (Linux Documentation/admin-guide/device-mapper/verity.rst),
 * named as cryptsetup names it, so that veritysetup, lsblk and systemd know what it is; and what
 * the kernel was told about others. */
#pragma once

#include "agent/common/disks.h"
#include "agent/init/cmdline.h"
#include "agent/init/state_luks.h"
#include "disk/verity.h"

#define DM_NODE "/dev/mapper/root"

/* The target's table line. @is_signed: with the word that has the kernel check the signature in the
 * key that dm_open() makes. Fails when the superblock speaks of more than the partitions hold. A
 * block that does not match its hash is an I/O error to whoever reads it, and stands in the
 * kernel's log. */
must_check int dm_params(struct arena *a, const struct verity_super *super,
			 const uint8_t root_hash[ROOT_HASH_BYTES],
			 const struct disk_partition *root, const struct disk_partition *hash,
			 bool is_signed, struct str *ret, struct err *e);

/* Reads the superblock, makes the device, read-only, and its node DM_NODE. The kernel checks the
 * blocks against the root hash when they are read, but the hash's @signature (PKCS#7; empty: none)
 * now: -ENOKEY when it knows no key for it, and then there is no device. */
must_check int dm_open(struct arena *a, const uint8_t root_hash[ROOT_HASH_BYTES],
		       const struct disk_partition *root, const struct disk_partition *hash,
		       struct str signature, struct err *e);

/* The table that the device-mapper device @name has now; may hold a key: wipe ret->params. */
must_check int dm_table(struct arena *a, const char *name, struct state_table *ret, struct err *e);
