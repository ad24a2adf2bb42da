/* SPDX-License-Identifier: MIT */
/* failure.h - what becomes of a machine whose root cannot be had. */
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct failure {
	bool reboot;
	unsigned delay_sec;
};

/* Says why, and stops or restarts. */
void failure_end(const struct failure *failure, const struct err *e) __attribute__((noreturn));
