/* SPDX-License-Identifier: MIT */
/* date.h - dates as release files and changelogs spell them. */
#pragma once

#include "base/str.h"

/* "Thu, 02 Jan 2025 12:00:00 +0000" (RFC 5322, 3.3), with or without the day of the week; the zone
 * may be "UTC", "GMT" or "Z". As apt, also RFC 850's "Thursday, 02-Jan-25 12:00:00 GMT" and
 * asctime()'s "Thu Jan  2 12:00:00 2025". *ret is seconds since 1970; nothing before that is taken.
 */
must_check bool date_parse(struct str text, uint64_t *ret);
/* "2025-01-02", "2025-01-02 12:00:00 UTC": as definitions and messages have them. */
must_check bool date_iso_parse(struct str text, uint64_t *ret);
