/* SPDX-License-Identifier: MIT */
/* guest.h - a guest that is watched: what it says on its console, and what its command prints and
 * returns. */
#pragma once

#include "vm/qemu.h"

enum channel {
	CHANNEL_OUT,
	CHANNEL_ERR,
	CHANNEL_STATUS,
	CHANNEL_CONSOLE,
	CHANNEL_REMOTE, /* why remote_start() could not hand over a command; else nothing */
	CHANNELS
};

/* A running guest and this side's ends of its channels. */
struct guest {
	pid_t pid, remote; /* 0: none */
	int fds[CHANNELS], log;
	struct buf console, status;
	uint64_t timeout_sec;
	double end_sec;
	double login_sec; /* when the login prompt was seen; 0: not yet */
	bool show_console;
};

/* What is awaited of a guest, for messages. */
enum await { AWAIT_COMMAND, AWAIT_LOGIN, AWAIT_POWER_OFF };
/* For those who start one by other means: no process, no channels; and this side's end of one, the
 * other in *ret_theirs. */
void guest_init(struct arena *a, struct guest *g);
must_check int guest_channel(struct guest *g, enum channel which, int *ret_theirs, struct err *e);
/* Starts it; with @channels, it has virtio serial ports ashlar.out, ashlar.err and ashlar.status.
 * Call guest_end() whatever this returns. */
must_check int guest_start(struct arena *a, const struct qemu *q, bool channels, struct guest *g,
			   struct err *e);
/* Until that comes, the guest's end or the time limit; meanwhile what the command prints is
 * printed. A boot that ends in the firmware is -EACCES, with the firmware's words. *ret_status: the
 * command's. */
must_check int guest_watch(struct arena *a, struct guest *g, enum await await, int *ret_status,
			   struct err *e);
/* Kills it where it still runs. */
void guest_end(struct guest *g);
