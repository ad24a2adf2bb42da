/* SPDX-License-Identifier: MIT */
/* controllers.h - what may have the disk, and nobody drives. */
#pragma once

#include "base/str.h"

/* Devices below @sys ("/sys") of the kinds that disks are behind and that no driver has taken:
 * "pci 0000:00:05.0 (15ad:07c0), vmbus 1-2 (vmbus:d9...)"; empty when there are none. */
struct str controllers_text(struct arena *a, const char *sys);
