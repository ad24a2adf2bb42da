/* SPDX-License-Identifier: MIT */
/* ipe_policy.h - the text of an execution policy (Linux Documentation/admin-guide/LSM/ipe.rst) for
 * one root. The initrd holds a template, because the root hash is not known before the root is
 * built; who signs, who verifies and agent/init all fill it in here. */
#pragma once

#include "base/str.h"

/* Stands in a template where the root hash belongs. */
#define IPE_POLICY_ROOT_HASH "@roothash@"

/* @template with @root_hash (32 bytes) in each of those places. */
struct str ipe_policy_text(struct arena *a, struct str template, const uint8_t root_hash[32]);
