/* SPDX-License-Identifier: MIT */
/* date.h - dates as release files and changelogs spell them. */
#pragma once

#include "base/str.h"

/* "Thu, 02 Jan 2025 12:00:00 +0000" (RFC 5322, 3.3), with or without the day of the week; the zone
 * may be "UTC" or "GMT". *ret is seconds since 1970; nothing before that is taken. */
must_check bool date_parse(struct str text, uint64_t *ret);
