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
#include "cmd/machine.h"

enum {
	KEY_BYTES_MAX = 16 << 10,
	CONSOLE_KEPT_BYTES = 64 << 10,
	CONSOLE_LINES_SHOWN = 20,
	TIMEOUT_SEC_DEFAULT = 600,
	POLL_MS_MAX = 60000
};

struct run_options {
	struct common_options common;
	bool until_login, console, secure_boot, setup_mode, tpm;
	const char *ssh_key, *image, *machine;
	uint64_t memory, processors, timeout, disk_size;
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
	{ "secure-boot", 0, OPTION_FLAG, NULL,
	  "start nothing that the keys in KEYS did not sign: firmware with Secure Boot, keys enrolled",
	  O(secure_boot), false },
	{ "setup-mode", 0, OPTION_FLAG, NULL,
	  "firmware with Secure Boot and no keys yet, which the image may enrol", O(setup_mode),
	  false },
	{ "tpm", 0, OPTION_FLAG, NULL, "with a TPM 2.0", O(tpm), false },
	{ "machine", 0, OPTION_TEXT, "DIR",
	  "a machine that remembers: disk, firmware variables and TPM are kept in DIR", O(machine),
	  false },
	{ "disk-size", 0, OPTION_SIZE, "SIZE", "give it a disk of SIZE, such as 4GiB", O(disk_size),
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
	uint64_t timeout_sec;
	double end_sec;
	bool show_console;
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
static void script_credentials(struct arena *a, struct qemu *q, struct str script)
{
	static const char unit[] =
		"[Unit]\nDescription=Command of ashlar run\nDefaultDependencies=no\n"
		"After=basic.target\n"
		"[Service]\nType=exec\nImportCredential=ashlar.command\n"
		"ExecStart=/bin/sh ${CREDENTIALS_DIRECTORY}/ashlar.command\n";
	static const char wants[] = "[Unit]\nWants=ashlar-run.service\n";

	vec_push(a, &q->credentials) = credential(a, "ashlar.command", script);
	vec_push(a, &q->credentials) =
		credential(a, "systemd.extra-unit.ashlar-run.service", str_c(unit));
	vec_push(a, &q->credentials) =
		credential(a, "systemd.unit-dropin.multi-user.target~ashlar", str_c(wants));
}

/* What the unit runs. A machine that keeps what it writes is switched off as the command ends, or
 * when a line comes after the login prompt was seen. */
static struct str script(struct arena *a, char **command, bool power_off)
{
	struct buf b = { .a = a };

	if (command[0]) {
		/* the exit of the inner shell is the status; the ports are opened once, here, and
		 * closed before the status is told */
		buf_printf(&b, "systemctl is-system-running --wait >/dev/null 2>&1\n"
			       "( cd /; unset CREDENTIALS_DIRECTORY\n");
		for (char **word = command; *word; word++) {
			buf_u8(&b, ' ');
			shell_quoted(&b, *word);
		}
		buf_printf(
			&b,
			"\n) </dev/null >/dev/virtio-ports/ashlar.out 2>/dev/virtio-ports/ashlar.err\n"
			"echo \"$?\" >/dev/virtio-ports/ashlar.status\n");
	} else {
		buf_printf(&b, "read -r line </dev/virtio-ports/ashlar.status\n");
	}
	if (power_off)
		buf_printf(&b, "systemctl poweroff --no-block\n");
	return (struct str){ (char *)b.v.p, b.v.n };
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

static int guest_start(struct arena *a, struct qemu *q, bool channels, struct guest *g,
		       struct err *e)
{
	int theirs[CHANNELS], r;

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
	for (int i = 0; channels && i < CHANNEL_CONSOLE; i++)
		vec_push(a, &q->channels) = str_c(channel_names[i]);
	r = qemu_start(a, q, g->log, &g->pid, e);
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

/* What is awaited of a guest, for messages. */
enum await { AWAIT_COMMAND, AWAIT_LOGIN, AWAIT_POWER_OFF };
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

static int guest_stopped(struct arena *a, struct guest *g, enum await await, struct err *e)
{
	char said[1024];
	ssize_t n = pread(g->log, said, sizeof(said), 0);

	return err_set(e, -EIO, "the machine stopped before the %s; %.*s\nthe console ends:\n%.*s",
		       await_names[await], n > 0 ? (int)n : 0, said, STR_FMT(console_tail(a, g)));
}

/* Firmware that found nothing it may start stays there and waits for a key. */
static int firmware_check(const struct guest *g, struct err *e)
{
	struct str text = console_text(g), line, why = STR("it found none");

	if (!str_has(text, "BdsDxe: No bootable option or device was found."))
		return 0;
	while (text.n > 0) {
		line = str_trim(str_cut(&text, '\n'));
		if (!str_has(line, "BdsDxe: failed to "))
			continue;
		why = line;
		break;
	}
	return err_set(e, -EACCES, "the firmware started no boot loader: %.*s", STR_FMT(why));
}

/* Until that comes, the guest's end or the time limit. */
static int guest_watch(struct arena *a, struct guest *g, enum await await, int *ret_status,
		       struct err *e)
{
	while (!guest_done(g, await, ret_status)) {
		struct pollfd fds[CHANNELS];
		double left = (g->end_sec - clock_sec()) * 1000;
		int r = 0;

		if (g->fds[CHANNEL_CONSOLE] < 0)
			return guest_stopped(a, g, await, e);
		for (int i = 0; i < CHANNELS; i++)
			fds[i] = (struct pollfd){ g->fds[i], POLLIN, 0 };
		if (left <= 0)
			return err_set(e, -ETIMEDOUT, "no %s after %llu s; the console ends:\n%.*s",
				       await_names[await], (unsigned long long)g->timeout_sec,
				       STR_FMT(console_tail(a, g)));
		if (poll(fds, CHANNELS, left < POLL_MS_MAX ? (int)left : POLL_MS_MAX) < 0 &&
		    errno != EINTR)
			return err_sys(e, "poll");
		for (int i = 0; i < CHANNELS && r == 0; i++)
			if (fds[i].revents)
				r = guest_read(g, i, e);
		if (r == 0)
			r = firmware_check(g, e);
		if (r < 0)
			return r;
	}
	return await == AWAIT_COMMAND ? drain(g, e) : 0;
}

static void guest_end(struct guest *g)
{
	if (g->pid > 0) {
		kill(g->pid,
		     SIGKILL); /* it has ended, its disk is a snapshot, or this is an error */
		waitpid(g->pid, NULL, 0);
	}
	for (int i = 0; i < CHANNELS; i++)
		close_p(&g->fds[i]);
	close_p(&g->log);
}

static int run_interactive(struct arena *a, struct qemu *q, struct err *e)
{
	int r, status = 0;
	pid_t pid;

	q->console_fd = -1;
	q->ends_at_reboot = q->disk_snapshot;
	r = qemu_start(a, q, -1, &pid, e);
	if (r < 0)
		return r;
	signal(SIGINT, SIG_IGN); /* the terminal's Ctrl-C goes to the guest's console */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_watched(struct arena *a, struct run_options *o, struct qemu *q, char **command,
		       struct err *e)
{
	bool power_off = o->machine != NULL;
	int status = 0, r;
	struct guest g;

	/* firmware in setup mode restarts once it has its keys */
	q->ends_at_reboot = !o->setup_mode;
	if (command[0] || power_off)
		script_credentials(a, q, script(a, command, power_off));
	r = guest_start(a, q, command[0] || power_off, &g, e);
	g.show_console = o->console;
	g.timeout_sec = o->timeout;
	g.end_sec = clock_sec() + (double)o->timeout;
	if (r == 0)
		r = guest_watch(a, &g, command[0] ? AWAIT_COMMAND : AWAIT_LOGIN, &status, e);
	if (r == 0 && power_off && !command[0])
		r = fd_write(g.fds[CHANNEL_STATUS], "\n", 1, "the machine", e);
	if (r == 0 && power_off)
		r = guest_watch(a, &g, AWAIT_POWER_OFF, &status, e);
	guest_end(&g);
	if (r == -EACCES && o->secure_boot)
		return err_wrap(e, r, "Secure Boot with the keys in '%s'", o->common.keys);
	return r < 0 ? r : status;
}

static int run_machine(struct arena *a, struct run_options *o, struct qemu *q, char **command,
		       struct err *e)
{
	struct machine_options m = { .image = o->image,
				     .dir = o->machine,
				     .keys = o->common.keys,
				     .secure_boot = o->secure_boot,
				     .setup_mode = o->setup_mode,
				     .tpm = o->tpm,
				     .disk_bytes = o->disk_size,
				     .progress = o->common.progress };
	struct machine machine;
	int r = machine_open(a, &m, &machine, q, e);

	if (r < 0)
		return r;
	r = command[0] || o->until_login ? run_watched(a, o, q, command, e)
					 : run_interactive(a, q, e);
	machine_close(&machine);
	return r;
}

static int run(struct arena *a, void *options_, char **args, struct err *e)
{
	struct run_options *o = options_;
	struct qemu q = { .arch = o->common.arch,
			  .memory_mib = o->memory,
			  .processors = o->processors };
	int r;

	if (!o->image)
		o->image = str_z(a, str_printf(a, "%s/%s-%s.raw", o->common.out, args[0],
					       o->common.arch));
	if (!file_exists(o->image))
		return err_set(e, -ENOENT, "'%s' is not there; 'ashlar build %s' makes it",
			       o->image, args[0]);
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
	return run_machine(a, o, &q, args + 1, e);
}

const struct verb verb_run = {
	.name = "run",
	.args = "IMAGE [-- COMMAND ...]",
	.help = "boot an image in QEMU, or run a command in it",
	.description =
		"Boots OUT/IMAGE-ARCH.raw with UEFI firmware and a serial console, with KVM where it works. The image is "
		"never modified: the disk is a snapshot, or a copy in the folder of --machine.\n\n"
		"With a COMMAND, runs it as root once the machine is up, with nothing changed in the image (it travels as a "
		"systemd credential), prints what it prints and ends with its status. Without one, the console is this "
		"terminal; Ctrl-A X ends the machine.\n\n"
		"With --machine, what the machine writes is there in the next run: it is switched off in order when the "
		"COMMAND has ended, and restarts when it wants to where there is none. Remove the folder to begin anew.",
	.example = "ashlar run server -- systemctl is-system-running",
	.options = options,
	.options_size = sizeof(struct run_options),
	.min_args = 1,
	.max_args = -1,
	.run = run,
};
