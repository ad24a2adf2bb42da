/* SPDX-License-Identifier: MIT */
/* policy.h - the execution policy of an image, in the language of the kernel's IPE (Linux
 * Documentation/admin-guide/LSM/ipe.rst). */
#pragma once

#include "conf/conf.h"

/* What the initrd holds; ipe_policy_text() makes of it what is signed, loaded and compared. */
struct str policy_template(struct arena *a, enum execute_from from);
