/* SPDX-License-Identifier: MIT */
/* loader.h - puts modules of the list into the kernel. */
#pragma once

#include "agent/init/modules.h"

struct loader {
	struct arena *a;
	const char *dir; /* "/modules" */
	struct modules modules;
	struct str failed; /* drivers, and why: "ahci: No such device; ..." */
	/* Puts the file of a module into the kernel. */
	int (*load)(const char *path, struct err *e);
};

/* Reads the list in @dir and loads what has to be there always: a disk may be there from the start,
 * so nothing may be asked of the kernel before. @load: NULL for the kernel's own call. */
must_check int loader_start(struct arena *a, const char *dir,
			    int (*load)(const char *path, struct err *e), struct loader *ret,
			    struct err *e);

/* Wants what the devices below @sys ("/sys") ask for by their modalias. */
must_check int loader_scan(struct loader *l, const char *sys, struct err *e);

/* Loads what is wanted and not tried yet, in the list's order, up to and including the first module
 * that drives devices (that has aliases): true when there was one, false when nothing is left. So
 * the caller can look for its disk after each driver, and need not wait for the probing of all
 * others (AHCI takes a third of a second to find its ports empty). One that fails is noted, for its
 * device may not be the one that the root is on. */
bool loader_step(struct loader *l);
