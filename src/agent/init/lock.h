/* SPDX-License-Identifier: MIT */
/* lock.h - what nobody can do any more once the root's first process runs, root included: what
 * would walk round the execution policy without breaking it. Decision 26 says what and why. */
#pragma once

#include "agent/common/boot_status.h"
#include "base/boot_words.h"

/* Takes the capabilities in @caps (1 << CAP_X) from the helpers that the kernel starts (modprobe,
 * what core_pattern names), which inherit nothing from this process. @proc: "/proc". */
must_check int lock_helpers(struct arena *a, const char *proc, uint64_t caps, struct err *e);

/* Where programs come from the root or from signed volumes: no process writes code that it then
 * executes, or looks into the memory of another one by debugging it, having it crash or swapping
 * it out, and no other kernel is started from this one; where they come from the root alone: nobody
 * makes a device-mapper table. For this process and all that it starts, until the machine is
 * restarted. Adds to what is missing where the kernel has no Yama, and says in @status what is
 * locked. */
must_check int lock_all(struct arena *a, const char *proc, enum execute_from from,
			struct boot_status *status, struct err *e);

/* The parts of it that need no /proc: memory that was written never becomes executable. */
must_check int lock_memory(struct err *e);
/* No process is written anywhere when it crashes: its core limit is one byte for ever, and whoever
 * sets another is told that it was done. */
must_check int lock_dumps(struct err *e);
/* Nobody adds swap space. */
must_check int lock_swap(struct err *e);
/* No process makes a device-mapper table. */
must_check int lock_tables(struct err *e);
