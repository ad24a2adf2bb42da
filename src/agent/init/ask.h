/* SPDX-License-Identifier: MIT */
/* ask.h - talks to people at every console of the kernel, and to nobody else: not through its log.
 */
#pragma once

#include "base/str.h"

enum { ASK_CONSOLES_MAX = 8, ASK_SECRET_BYTES_MAX = 512 };

struct consoles {
	int fds[ASK_CONSOLES_MAX];
	size_t n;
};

/* Those that /sys names; none is not an error. */
void consoles_open(struct arena *a, struct consoles *ret);
void consoles_close(struct consoles *c);
void consoles_say(const struct consoles *c, struct str text);

/* One line, from whichever console it comes, not shown while it is typed. @timeout_sec 0: waits
 * for ever. Fails when there is no console, or nobody types anything in time. */
must_check int consoles_ask(const struct consoles *c, struct str prompt, unsigned timeout_sec,
			    char ret[ASK_SECRET_BYTES_MAX], struct str *ret_line, struct err *e);
