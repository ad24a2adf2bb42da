/* SPDX-License-Identifier: MIT */
/* archive.h - Debian's kind of archive as an upstream: suites with signed release files, components
 * with indexes of packages, .debs. */
#pragma once

#include "upstream/ops.h"

extern const struct upstream_ops debian_ops;
