/* SPDX-License-Identifier: MIT */
/* report.h - what people get to see: the kernel's log, which goes to every console. */
#pragma once

#include "base/str.h"

/* syslog(3): "info" and "warning" are hidden by "quiet" on the command line, "emerg" by nothing. */
enum report_level { REPORT_EMERG = 0, REPORT_WARNING = 4, REPORT_INFO = 6 };

/* Who says it: each agent has its own. */
extern const char report_name[];

/* One line, "NAME: " in front; cut into several where the kernel's log takes no longer ones.
 */
void report(enum report_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
