/* SPDX-License-Identifier: MIT */
/* loader.h - puts modules of the list into the kernel. */
#pragma once

#include "agent/init/modules.h"

/* Wants what the devices below @sys ("/sys") ask for by their modalias. */
must_check int loader_scan(struct modules *m, const char *sys, struct err *e);

/* Loads what is wanted and not tried yet from @dir, in the list's order, up to and including the
 * first module that drives devices (that has aliases): 1 when there was one, 0 when nothing is
 * left. So the caller can look for its disk after each driver, and need not wait for the probing of
 * all others (AHCI takes a third of a second to find its ports empty). A module that has to be
 * there always and cannot be loaded is an error; any other that fails is noted in *failed ("ahci:
 * No such device; ...", in @a), for its device may not be the one that the root is on. */
must_check int loader_step(struct arena *a, struct modules *m, const char *dir, struct str *failed,
			   struct err *e);
