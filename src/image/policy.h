/* SPDX-License-Identifier: MIT */
/* policy.h - the execution policy of an image, in the language of the kernel's IPE (Linux
 * Documentation/admin-guide/LSM/ipe.rst). */
#pragma once

#include "conf/conf.h"

/* Stands where the root hash belongs: the initrd holds the policy so, because the root hash is not
 * known before the root is built, and agent/init knows it from the kernel command line. */
#define POLICY_ROOT_HASH "@roothash@"

/* What the initrd holds. */
struct str policy_template(struct arena *a, enum execute_from from);
/* What is signed, loaded and compared: @template for one root. */
struct str policy_text(struct arena *a, struct str template, const uint8_t root_hash[32]);
