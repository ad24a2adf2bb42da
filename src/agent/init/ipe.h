/* SPDX-License-Identifier: MIT */
/* ipe.h - the kernel's execution policy: Integrity Policy Enforcement (Linux
 * Documentation/admin-guide/LSM/ipe.rst). */
#pragma once

#include "agent/init/cmdline.h"

enum { IPE_POLICY_BYTES_MAX = 16 << 10 };

/* Has the kernel verify @pkcs7, compares what it found signed with @text, and makes it the active
 * policy, enforced. @ipe: "/sys/kernel/security/ipe". Fails with -EOPNOTSUPP when the kernel has no
 * IPE, with -ENOKEY when it has no key for the signature, with others when somebody tampered with
 * it. */
must_check int ipe_enforce(struct arena *a, const char *ipe, struct str text, struct str pkcs7,
			   struct err *e);

/* Gives up CAP_MAC_ADMIN for this process, all that it starts, and the helpers that the kernel
 * starts (those in core_pattern and others that root can name), so that nobody can load another
 * policy or switch enforcing off until the machine is restarted. */
must_check int ipe_lock(struct arena *a, struct err *e);
