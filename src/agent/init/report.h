/* SPDX-License-Identifier: MIT */
/* report.h - what people get to see: the kernel's log, which goes to every console. */
#pragma once

#include "agent/init/cmdline.h"

/* syslog(3): "info" and "warning" are hidden by "quiet" on the command line, "emerg" by nothing. */
enum report_level { REPORT_EMERG = 0, REPORT_WARNING = 4, REPORT_INFO = 6 };

/* One line, "ashlar-init: " in front; cut into several where the kernel's log takes no longer ones.
 */
void report(enum report_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Says why, and stops or restarts. */
void report_failure(const struct failure *failure, const struct err *e) __attribute__((noreturn));
