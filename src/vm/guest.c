/* SPDX-License-Identifier: MIT */
#include "vm/guest.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/progress.h"

enum {
	CONSOLE_KEPT_BYTES = 64 << 10,
	CONSOLE_LINES_SHOWN = 20,
	POLL_MS_MAX = 10000,
	STATUS_BYTES_MAX = 4096,
	SSH_AFTER_LOGIN_SEC = 120
};

static const char *const channel_names[] = { "ashlar.out", "ashlar.err", "ashlar.status" };

void guest_init(struct arena *a, struct guest *g)
{
	*g = (struct guest){ .fds = { -1, -1, -1, -1, -1 },
			     .log = -1,
			     .console = { .a = a },
			     .status = { .a = a } };
}

int guest_channel(struct guest *g, enum channel which, int *ret_theirs, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	g->fds[which] = pair[0];
	*ret_theirs = pair[1];
	return 0;
}

/* QEMU's ends are in *q while it is started, no longer. */
static int machine_start(struct arena *a, const struct qemu *q, bool channels,
			 const int theirs[CHANNELS], struct guest *g, struct err *e)
{
	struct qemu with = *q;

	with.console_fd = theirs[CHANNEL_CONSOLE];
	with.channel_fds = theirs;
	for (int i = 0; channels && i < CHANNEL_CONSOLE; i++)
		vec_push(a, &with.channels) = str_c(channel_names[i]);
	return qemu_start(a, &with, g->log, &g->pid, e);
}

int guest_start(struct arena *a, const struct qemu *q, bool channels, struct guest *g,
		struct err *e)
{
	int theirs[CHANNELS] = { -1, -1, -1, -1, -1 }, r = 0;

	guest_init(a, g);
	for (int i = 0; r == 0 && i <= CHANNEL_CONSOLE; i++)
		r = guest_channel(g, (enum channel)i, &theirs[i], e);
	/* a file rather than a pipe: nobody has to read along */
	if (r == 0 && (g->log = memfd_create("qemu", MFD_CLOEXEC)) < 0)
		r = err_sys(e, "memfd_create");
	if (r == 0)
		r = machine_start(a, q, channels, theirs, g, e);
	for (int i = 0; i < CHANNELS; i++)
		close_p(&theirs[i]);
	return r;
}

/* Keeps the end of the console, for the message when something goes wrong. */
static void console_keep(struct guest *g, const uint8_t *p, size_t n)
{
	if (g->console.v.n + n > CONSOLE_KEPT_BYTES) {
		size_t keep = CONSOLE_KEPT_BYTES / 2 < g->console.v.n ? CONSOLE_KEPT_BYTES / 2
								      : g->console.v.n;

		memmove(g->console.v.p, g->console.v.p + g->console.v.n - keep, keep);
		g->console.v.n = keep;
	}
	buf_put(&g->console, p, n);
}

static int guest_read(struct guest *g, int i, struct err *e)
{
	uint8_t bytes[65536];
	ssize_t n = read(g->fds[i], bytes, sizeof(bytes));

	if (n <= 0) {
		close_p(&g->fds[i]);
		return 0;
	}
	if (i == CHANNEL_CONSOLE) {
		console_keep(g, bytes, (size_t)n);
		return g->show_console ? fd_write(2, bytes, (size_t)n, "standard error", e) : 0;
	}
	if (i == CHANNEL_REMOTE)
		return err_set(e, -EIO, "%.*s",
			       STR_FMT(((struct str){ (char *)bytes, (size_t)n })));
	if (i == CHANNEL_STATUS) {
		if (g->status.v.n + (size_t)n > STATUS_BYTES_MAX)
			return err_set(
				e, -EBADMSG,
				"the machine says more than %d bytes of its command's status",
				STATUS_BYTES_MAX);
		buf_put(&g->status, bytes, (size_t)n);
		return 0;
	}
	return fd_write(i == CHANNEL_OUT ? 1 : 2, bytes, (size_t)n,
			i == CHANNEL_OUT ? "standard output" : "standard error", e);
}

static struct str console_text(const struct guest *g)
{
	return (struct str){ (char *)g->console.v.p, g->console.v.n };
}

/* The last lines of the console, without control sequences. */
static struct str console_tail(struct arena *a, const struct guest *g)
{
	struct str text = console_text(g);
	struct buf b = { .a = a };
	size_t start = text.n, lines = 0;

	while (start > 0 && lines <= CONSOLE_LINES_SHOWN)
		lines += text.p[--start] == '\n';
	for (size_t i = start; i < text.n; i++)
		if (text.p[i] == '\n' || (uint8_t)text.p[i] >= ' ')
			buf_u8(&b, (uint8_t)text.p[i]);
	return str_trim((struct str){ (char *)b.v.p, b.v.n });
}

/* Everything written before the status has reached QEMU; what is still on its way here arrives at
 * once. */
static int drain(struct guest *g, struct err *e)
{
	int r = 0;

	for (int i = CHANNEL_OUT; i <= CHANNEL_ERR; i++)
		for (struct pollfd p = { g->fds[i], POLLIN, 0 };
		     r == 0 && g->fds[i] >= 0 && poll(&p, 1, 300) > 0;)
			r = guest_read(g, i, e);
	return r;
}

static const char *const await_names[] = { "end of the command", "login prompt", "power-off" };

/* Whether it has come: then *ret_status is the command's. */
static bool guest_done(struct guest *g, enum await await, int *ret_status)
{
	struct str text = { (char *)g->status.v.p, g->status.v.n };
	uint64_t status;

	switch (await) {
	case AWAIT_COMMAND:
		if (!str_has(text, "\n") || !str_u64(str_trim(text), 255, &status))
			return false;
		*ret_status = (int)status;
		return true;
	case AWAIT_LOGIN:
		return str_has(console_text(g), "login: ");
	case AWAIT_POWER_OFF:
		return g->fds[CHANNEL_CONSOLE] < 0;
	}
	return false;
}

/* What QEMU itself had to say, in its own words, before the console's. */
static int guest_lost(struct arena *a, struct guest *g, int code, struct str what, struct err *e)
{
	char bytes[512];
	ssize_t n = pread(g->log, bytes, sizeof(bytes), 0);
	struct str said = str_trim((struct str){ bytes, n > 0 ? (size_t)n : 0 });

	return err_set(e, code, "%.*s%s%.*s; the console ends:\n%.*s", STR_FMT(what),
		       said.n > 0 ? "; " : "", STR_FMT(said), STR_FMT(console_tail(a, g)));
}

/* What a console says when nothing more will happen, and with what words its cause begins: that of
 * the first such line, or of the last one before. */
static const struct {
	const char *end, *cause, *text;
	bool last;
	int code;
} boot_ends[] = {
	{ "BdsDxe: No bootable option or device was found.", "Error loading ",
	  "the boot loader starts nothing", false, -EACCES },
	{ "BdsDxe: No bootable option or device was found.", "BdsDxe: failed to ",
	  "the firmware starts no boot loader", false, -EACCES },
	{ "BdsDxe: No bootable option or device was found.",
	  "BdsDxe: ", "the firmware finds nothing to start", false, -EACCES },
	{ "UEFI Interactive Shell v", "BdsDxe: failed to ", "the firmware starts no boot loader",
	  false, -EACCES },
	{ "ashlar-init: stopped: ", "ashlar-init: ", "the machine stopped", true, -EIO },
	{ "---[ end Kernel panic", "Kernel panic ", "the kernel stopped", false, -EIO },
};

/* The rest of a line from @words on. */
static struct str line_from(struct str text, const char *words, bool last)
{
	struct str ret = { 0 };

	while (text.n > 0 && (ret.n == 0 || last)) {
		struct str line = str_cut(&text, '\n');
		const char *p = line.n ? memmem(line.p, line.n, words, strlen(words)) : NULL;

		if (p)
			ret = str_trim(str_from(line, (size_t)(p - line.p)));
	}
	return ret;
}

/* Else one would wait for the time limit: each of these waits for a person. */
static int boot_check(const struct guest *g, struct err *e)
{
	struct str text = console_text(g);

	for (size_t i = 0; i < sizeof(boot_ends) / sizeof(boot_ends[0]); i++) {
		const char *end =
			text.n ? memmem(text.p, text.n, boot_ends[i].end, strlen(boot_ends[i].end))
			       : NULL;
		struct str cause;

		if (!end)
			continue;
		cause = line_from(str_head(text, (size_t)(end - text.p)), boot_ends[i].cause,
				  boot_ends[i].last);
		if (cause.n > 0)
			return err_set(e, boot_ends[i].code, "%s: %.*s", boot_ends[i].text,
				       STR_FMT(cause));
	}
	return 0;
}

/* A machine that has long been up and does not answer never will. */
static int remote_check(struct guest *g, struct err *e)
{
	if (g->fds[CHANNEL_REMOTE] < 0)
		return 0;
	if (g->login_sec == 0 && str_has(console_text(g), "login: "))
		g->login_sec = clock_sec();
	if (g->login_sec == 0 || clock_sec() - g->login_sec < SSH_AFTER_LOGIN_SEC)
		return 0;
	return err_set(
		e, -EHOSTUNREACH,
		"the machine is up, but nothing answers at its SSH port after %d s, and under "
		"Secure Boot a command comes in no other way; without a command you get its "
		"console",
		SSH_AFTER_LOGIN_SEC);
}

/* Until that comes, the guest's end or the time limit. */
int guest_watch(struct arena *a, struct guest *g, enum await await, int *ret_status, struct err *e)
{
	while (!guest_done(g, await, ret_status)) {
		struct pollfd fds[CHANNELS];
		double left = (g->end_sec - clock_sec()) * 1000;
		int r = 0;

		if (g->fds[CHANNEL_CONSOLE] < 0)
			return guest_lost(a, g, -EIO,
					  str_printf(a, "the machine stopped before the %s",
						     await_names[await]),
					  e);
		for (int i = 0; i < CHANNELS; i++)
			fds[i] = (struct pollfd){ g->fds[i], POLLIN, 0 };
		if (left <= 0)
			return guest_lost(a, g, -ETIMEDOUT,
					  str_printf(a, "no %s after %llu s", await_names[await],
						     (unsigned long long)g->timeout_sec),
					  e);
		if (poll(fds, CHANNELS, left < POLL_MS_MAX ? (int)left : POLL_MS_MAX) < 0 &&
		    errno != EINTR)
			return err_sys(e, "poll");
		for (int i = 0; i < CHANNELS && r == 0; i++)
			if (fds[i].revents)
				r = guest_read(g, i, e);
		if (r == 0)
			r = boot_check(g, e);
		if (r == 0)
			r = remote_check(g, e);
		if (r < 0)
			return r;
	}
	return await == AWAIT_COMMAND ? drain(g, e) : 0;
}

void guest_end(struct guest *g)
{
	if (g->pid > 0) {
		kill(g->pid,
		     SIGKILL); /* it has ended, its disk is a snapshot, or this is an error */
		waitpid(g->pid, NULL, 0);
	}
	if (g->remote > 0) {
		kill(g->remote, SIGKILL);
		waitpid(g->remote, NULL, 0);
	}
	for (int i = 0; i < CHANNELS; i++)
		close_p(&g->fds[i]);
	close_p(&g->log);
}
