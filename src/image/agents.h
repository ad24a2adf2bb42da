/* SPDX-License-Identifier: MIT */
/* agents.h - the programs of src/agent, which were built beside this one and are part of it. */
#pragma once

#include "base/arch.h"
#include "base/str.h"

struct agents {
	struct str init;   /* for the initrd */
	struct str status; /* /usr/bin/ashlar-status */
};

/* They run on the machine type that this program was built for; another one is an error. */
must_check int agents_for(const struct arch *arch, struct agents *ret, struct err *e);
