/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/qemu.h"

enum {
	KEY_BYTES_MAX = 16 << 10,
	CONSOLE_KEPT_BYTES = 64 << 10,
	CONSOLE_LINES_SHOWN = 20,
	TIMEOUT_SEC_DEFAULT = 600,
	POLL_MS_MAX = 60000
};

struct run_options {
	struct common_options common;
	bool until_login, console;
	const char *ssh_key, *image;
	uint64_t memory, processors, timeout;
};

#define O(member) offsetof(struct run_options, member)

static const struct option_def options[] = {
	{ "until-login", 0, OPTION_FLAG, NULL, "end when the console shows a login prompt",
	  O(until_login), false },
	{ "console", 0, OPTION_FLAG, NULL,
	  "show the console on standard error while a command runs", O(console), false },
	{ "ssh-key", 0, OPTION_TEXT, "FILE",
	  "let the owner of this public key log in as root, over a forwarded port", O(ssh_key),
	  false },
	{ "image", 0, OPTION_TEXT, "FILE", "boot this disk instead of OUT/IMAGE-ARCH.raw", O(image),
	  false },
	{ "memory", 'm', OPTION_NUMBER, "MIB", "give the machine so much memory (default: 1024)",
	  O(memory), false },
	{ "processors", 0, OPTION_NUMBER, "N",
	  "give it N processors (default: 2, or 1 without KVM)", O(processors), false },
	{ "timeout", 0, OPTION_NUMBER, "SEC",
	  "give up on a command or a login prompt after SEC (default: 600)", O(timeout), false },
	{ 0 },
};

enum channel { CHANNEL_OUT, CHANNEL_ERR, CHANNEL_STATUS, CHANNEL_CONSOLE, CHANNELS };

static const char *const channel_names[] = { "ashlar.out", "ashlar.err", "ashlar.status" };

/* A running guest and this side's ends of its channels. */
struct guest {
	pid_t pid;
	int fds[CHANNELS], log;
	struct buf console, status;
	bool show_console, exited;
};

/* One word of a shell command. */
static void shell_quoted(struct buf *b, const char *word)
{
	buf_u8(b, '\'');
	for (; *word; word++)
		if (*word == '\'')
			buf_printf(b, "'\\''");
		else
			buf_u8(b, (uint8_t)*word);
	buf_u8(b, '\'');
}

static struct str credential(struct arena *a, const char *name, struct str value)
{
	return str_printf(a, "io.systemd.credential.binary:%s=%.*s", name,
			  STR_FMT(base64_encode(a, value.p, value.n)));
}

/* A unit that runs the command once the machine is up, and tells its status. It is of type exec, so
 * that the boot is complete while it runs. In a unit file '%' and, in ExecStart=, '$' are written
 * twice; so the command travels as a credential of its own, which nothing interprets but the
 * shell. */
static void command_credentials(struct arena *a, struct qemu *q, char **command)
{
	static const char unit[] =
		"[Unit]\nDescription=Command of ashlar run\nDefaultDependencies=no\n"
		"After=basic.target\n"
		"[Service]\nType=exec\nImportCredential=ashlar.command\n"
		"ExecStart=/bin/sh ${CREDENTIALS_DIRECTORY}/ashlar.command\n";
	static const char wants[] = "[Unit]\nWants=ashlar-run.service\n";
	struct buf b = { .a = a };

	/* the exit of the inner shell is the status; the ports are opened once, here, and closed
	 * before the status is told */
	buf_printf(&b, "systemctl is-system-running --wait >/dev/null 2>&1\n"
		       "( cd /; unset CREDENTIALS_DIRECTORY\n");
	for (char **word = command; *word; word++) {
		buf_u8(&b, ' ');
		shell_quoted(&b, *word);
	}
	buf_printf(&b,
		   "\n) </dev/null >/dev/virtio-ports/ashlar.out 2>/dev/virtio-ports/ashlar.err\n"
		   "echo \"$?\" >/dev/virtio-ports/ashlar.status\n");
	vec_push(a, &q->credentials) =
		credential(a, "ashlar.command", (struct str){ (char *)b.v.p, b.v.n });
	vec_push(a, &q->credentials) =
		credential(a, "systemd.extra-unit.ashlar-run.service", str_c(unit));
	vec_push(a, &q->credentials) =
		credential(a, "systemd.unit-dropin.multi-user.target~ashlar", str_c(wants));
}

static int ssh_credentials(struct arena *a, struct qemu *q, const char *path, struct err *e)
{
	struct str key;
	int r = file_read(a, path, KEY_BYTES_MAX, &key, e);

	if (r < 0)
		return err_wrap(e, r, "--ssh-key");
	if (!str_starts(key, "ssh-") && !str_starts(key, "ecdsa-") && !str_starts(key, "sk-"))
		return err_set(
			e, -EINVAL,
			"--ssh-key: '%s' is no OpenSSH public key; want the file that ends in .pub",
			path);
	vec_push(a, &q->credentials) = credential(a, "ssh.authorized_keys.root", key);
	return qemu_free_port(&q->ssh_port, e);
}

static int guest_start(struct arena *a, struct qemu *q, bool command, struct guest *g,
		       struct err *e)
{
	int theirs[CHANNELS], r;
	const char *const *argv;

	*g = (struct guest){ .console = { .a = a }, .status = { .a = a }, .log = -1 };
	for (int i = 0; i < CHANNELS; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
			return err_sys(e, "socketpair");
		g->fds[i] = pair[0];
		theirs[i] = pair[1];
	}
	/* a file rather than a pipe: nobody has to read along */
	g->log = memfd_create("qemu", MFD_CLOEXEC);
	if (g->log < 0)
		return err_sys(e, "memfd_create");
	q->console_fd = theirs[CHANNEL_CONSOLE];
	q->channel_fds = theirs;
	for (int i = 0; command && i < CHANNEL_CONSOLE; i++)
		vec_push(a, &q->channels) = str_c(channel_names[i]);
	r = qemu_argv(a, q, &argv, e);
	if (r == 0)
		r = qemu_start(argv, theirs, CHANNELS, g->log, &g->pid, e);
	for (int i = 0; i < CHANNELS; i++)
		close(theirs[i]);
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
	if (i == CHANNEL_STATUS) {
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

/* Until the command's status, the login prompt, the guest's end or the time limit. Returns 0 with
 * *ret_status. */
static int guest_watch(struct arena *a, struct guest *g, const struct run_options *o, bool command,
		       int *ret_status, struct err *e)
{
	double end = clock_sec() + (double)o->timeout;

	for (;;) {
		struct pollfd fds[CHANNELS];
		double left = (end - clock_sec()) * 1000;
		uint64_t status;
		int r = 0;

		for (int i = 0; i < CHANNELS; i++)
			fds[i] = (struct pollfd){ g->fds[i], POLLIN, 0 };
		if (left <= 0)
			return err_set(e, -ETIMEDOUT, "no %s after %llu s; the console ends:\n%.*s",
				       command ? "end of the command" : "login prompt",
				       (unsigned long long)o->timeout, STR_FMT(console_tail(a, g)));
		if (poll(fds, CHANNELS, left < POLL_MS_MAX ? (int)left : POLL_MS_MAX) < 0 &&
		    errno != EINTR)
			return err_sys(e, "poll");
		for (int i = 0; i < CHANNELS && r == 0; i++)
			if (fds[i].revents)
				r = guest_read(g, i, e);
		if (r < 0)
			return r;
		if (command &&
		    str_has((struct str){ (char *)g->status.v.p, g->status.v.n }, "\n") &&
		    str_u64(str_trim((struct str){ (char *)g->status.v.p, g->status.v.n }), 255,
			    &status)) {
			*ret_status = (int)status;
			return drain(g, e);
		}
		if (!command && str_has(console_text(g), "login: ")) {
			*ret_status = 0;
			return 0;
		}
		if (g->fds[CHANNEL_CONSOLE] < 0) {
			char said[1024];
			ssize_t n = pread(g->log, said, sizeof(said), 0);

			return err_set(
				e, -EIO,
				"the machine stopped before the %s; %.*s\nthe console ends:\n%.*s",
				command ? "command's end" : "login prompt", n > 0 ? (int)n : 0,
				said, STR_FMT(console_tail(a, g)));
		}
	}
}

static void guest_end(struct guest *g)
{
	if (g->pid > 0) {
		kill(g->pid, SIGKILL); /* the disk is a snapshot: there is nothing to lose */
		waitpid(g->pid, NULL, 0);
	}
	for (int i = 0; i < CHANNELS; i++)
		close_p(&g->fds[i]);
	close_p(&g->log);
}

static int run_interactive(struct arena *a, struct qemu *q, struct err *e)
{
	const char *const *argv;
	int r, status = 0;
	pid_t pid;

	q->console_fd = -1;
	r = qemu_argv(a, q, &argv, e);
	if (r == 0)
		r = qemu_start(argv, NULL, 0, -1, &pid, e);
	if (r < 0)
		return r;
	signal(SIGINT, SIG_IGN); /* the terminal's Ctrl-C goes to the guest's console */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_guest(struct arena *a, struct run_options *o, struct qemu *q, char **command,
		     struct err *e)
{
	struct guest g;
	int status = 0, r;

	if (!command[0] && !o->until_login)
		return run_interactive(a, q, e);
	if (command[0])
		command_credentials(a, q, command);
	r = guest_start(a, q, command[0] != NULL, &g, e);
	g.show_console = o->console;
	if (r == 0)
		r = guest_watch(a, &g, o, command[0] != NULL, &status, e);
	guest_end(&g);
	return r < 0 ? r : status;
}

static int run(struct arena *a, void *options_, char **args, struct err *e)
{
	struct run_options *o = options_;
	struct qemu q = { .arch = o->common.arch,
			  .image = o->image,
			  .memory_mib = o->memory,
			  .processors = o->processors };
	int r;

	if (!q.image)
		q.image = str_z(a, str_printf(a, "%s/%s-%s.raw", o->common.out, args[0],
					      o->common.arch));
	if (!file_exists(q.image))
		return err_set(e, -ENOENT, "'%s' is not there; 'ashlar build %s' makes it", q.image,
			       args[0]);
	if (q.memory_mib == 0)
		q.memory_mib = 1024;
	if (o->timeout == 0)
		o->timeout = TIMEOUT_SEC_DEFAULT;
	if (o->ssh_key) {
		r = ssh_credentials(a, &q, o->ssh_key, e);
		if (r < 0)
			return r;
		progress_note(o->common.progress, "ssh -p %u root@127.0.0.1", q.ssh_port);
	}
	q.kvm = qemu_kvm_works(a, q.arch);
	/* Two emulated processors are no faster here, and one boot in some fifteen ended in an oops
	 * ("int3") that was not seen with one. */
	if (q.processors == 0)
		q.processors = q.kvm ? 2 : 1;
	if (!q.kvm)
		progress_note(
			o->common.progress,
			"KVM does not work here: emulating the processor, which takes about a minute");
	return run_guest(a, o, &q, args + 1, e);
}

const struct verb verb_run = {
	.name = "run",
	.args = "IMAGE [-- COMMAND ...]",
	.help = "boot an image in QEMU, or run a command in it",
	.description =
		"Boots OUT/IMAGE-ARCH.raw with UEFI firmware and a serial console, with KVM where it works. The image is "
		"never modified: the disk is a snapshot.\n\n"
		"With a COMMAND, runs it as root once the machine is up, with nothing changed in the image (it travels as a "
		"systemd credential), prints what it prints and ends with its status. Without one, the console is this "
		"terminal; Ctrl-A X ends the machine.",
	.example = "ashlar run server -- systemctl is-system-running",
	.options = options,
	.options_size = sizeof(struct run_options),
	.min_args = 1,
	.max_args = -1,
	.run = run,
};
