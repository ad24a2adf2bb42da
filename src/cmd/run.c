/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "vm/guest.h"
#include "vm/machine.h"

enum { KEY_BYTES_MAX = 16 << 10, TIMEOUT_SEC_DEFAULT = 600 };

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
					       o->common.arch->name));
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
