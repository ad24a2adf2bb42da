/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "vm/command.h"
#include "vm/container.h"
#include "vm/guest.h"
#include "vm/machine.h"
#include "vm/remote.h"

enum { KEY_BYTES_MAX = 16 << 10, TIMEOUT_SEC_DEFAULT = 600 };

struct run_options {
	struct common_options common;
	bool container, until_login, console, secure_boot, setup_mode, tpm;
	const char *ssh_key, *image, *machine, *disk_bus;
	uint64_t memory, processors, timeout, disk_size;
};

/* Of a virtual machine. */
#define PORTS "/dev/virtio-ports/ashlar."

#define O(member) offsetof(struct run_options, member)

static const struct option_def options[] = {
	{ "container", 0, OPTION_FLAG, NULL,
	  "boot its root under systemd-nspawn with this machine's kernel: in seconds, as root",
	  O(container), false },
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
	{ "disk-bus", 0, OPTION_TEXT, "BUS",
	  "have it find the disk as virtio, nvme, scsi, sata, usb or vmware (default: virtio)",
	  O(disk_bus), false },
	{ "memory", 'm', OPTION_NUMBER, "MIB", "give the machine so much memory (default: 1024)",
	  O(memory), false },
	{ "processors", 0, OPTION_NUMBER, "N",
	  "give it N processors (default: 2, or 1 without KVM)", O(processors), false },
	{ "timeout", 0, OPTION_NUMBER, "SEC",
	  "give up on a command or a login prompt after SEC (default: 600)", O(timeout), false },
	{ 0 },
};

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
	vec_push(a, &q->credentials) = (struct credential){ "ssh.authorized_keys.root", key };
	return qemu_free_port(&q->ssh_port, e);
}

/* Until what has this terminal ends. */
static int terminal_wait(pid_t pid)
{
	int status = 0;

	signal(SIGINT, SIG_IGN); /* the terminal's Ctrl-C goes to the guest's console */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_interactive(struct arena *a, struct qemu *q, struct err *e)
{
	pid_t pid;
	int r;

	q->console_fd = -1;
	q->ends_at_reboot = q->disk_snapshot;
	r = qemu_start(a, q, -1, &pid, e);
	return r < 0 ? r : terminal_wait(pid);
}

static void guest_limit(struct guest *g, const struct run_options *o)
{
	g->show_console = o->console;
	g->timeout_sec = o->timeout;
	g->end_sec = clock_sec() + (double)o->timeout;
}

/* Runs the command or waits for the login prompt, in a guest that takes units from outside. */
static int watch_units(struct arena *a, struct run_options *o, struct qemu *q, char **command,
		       struct guest *g, struct err *e)
{
	bool power_off = o->machine != NULL, talks = command[0] || power_off;
	int status = 0, r;

	if (talks)
		command_credentials(a, &q->credentials, command, PORTS, power_off);
	r = guest_start(a, q, talks, g, e);
	guest_limit(g, o);
	if (r == 0)
		r = guest_watch(a, g, command[0] ? AWAIT_COMMAND : AWAIT_LOGIN, &status, e);
	if (r == 0 && power_off && !command[0])
		r = fd_write(g->fds[CHANNEL_STATUS], "\n", 1, "the machine", e);
	return r < 0 ? r : status;
}

/* In one that takes none. */
static int watch_remote(struct arena *a, struct run_options *o, struct qemu *q, char **command,
			struct guest *g, struct err *e)
{
	bool power_off = o->machine != NULL, talks = command[0] || power_off;
	struct remote remote = { .key = -1 };
	int status = 0, r = talks ? remote_prepare(a, q, o->machine, &remote, e) : 0;
	struct str script = command_script(a, command, PORTS, power_off);

	guest_init(a, g);
	if (r == 0)
		r = guest_start(a, q, talks, g, e);
	guest_limit(g, o);
	if (r == 0 && command[0])
		r = remote_start(&remote, script, g, e);
	if (r == 0)
		r = guest_watch(a, g, command[0] ? AWAIT_COMMAND : AWAIT_LOGIN, &status, e);
	if (r == 0 && power_off && !command[0])
		r = remote_start(&remote, script, g, e);
	remote_done(&remote);
	return r < 0 ? r : status;
}

static int run_watched(struct arena *a, struct run_options *o, struct qemu *q, char **command,
		       struct err *e)
{
	bool checks = o->secure_boot || o->setup_mode;
	int status, ignored;
	struct guest g;

	/* firmware in setup mode restarts once it has its keys */
	q->ends_at_reboot = !o->setup_mode;
	status = (checks ? watch_remote : watch_units)(a, o, q, command, &g, e);
	if (status >= 0 && o->machine) {
		int r = guest_watch(a, &g, AWAIT_POWER_OFF, &ignored, e);

		status = r < 0 ? r : status;
	}
	guest_end(&g);
	if (status == -EACCES && o->secure_boot)
		return err_wrap(e, status, "Secure Boot with the keys in '%s'", o->common.keys);
	return status;
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

static int container_watched(struct arena *a, struct run_options *o, struct container *c,
			     char **command, struct err *e)
{
	vec_credential credentials = { 0 };
	int status = 0, r;
	struct guest g;

	if (command[0])
		command_credentials(a, &credentials, command, CONTAINER_PORTS, false);
	r = container_watch(a, c, &credentials, &g, e);
	guest_limit(&g, o);
	if (r == 0)
		r = guest_watch(a, &g, command[0] ? AWAIT_COMMAND : AWAIT_LOGIN, &status, e);
	if (r == 0 && o->machine) {
		container_power_off(&g);
		r = guest_watch(a, &g, AWAIT_POWER_OFF, &status, e);
	}
	guest_end(&g);
	return r < 0 ? r : status;
}

static int run_container(struct arena *a, struct run_options *o, char **command, struct err *e)
{
	struct container_options c = { .image = o->image, .dir = o->machine };
	struct container container;
	pid_t pid;
	int r = container_open(a, &c, &container, e);

	if (r == 0 && (command[0] || o->until_login)) {
		r = container_watched(a, o, &container, command, e);
	} else if (r == 0) {
		r = container_start(a, &container, &pid, e);
		if (r == 0)
			r = terminal_wait(pid);
	}
	container_close(&container);
	return r;
}

/* What only a virtual machine has. */
static int check(const void *options_, char **args, struct err *e)
{
	const struct run_options *o = options_;
	const struct disk_bus *bus;
	const struct {
		bool given;
		const char *name;
	} machines[] = {
		{ o->secure_boot, "secure-boot" },
		{ o->setup_mode, "setup-mode" },
		{ o->tpm, "tpm" },
		{ o->disk_size, "disk-size" },
		{ o->disk_bus != NULL, "disk-bus" },
		{ o->memory, "memory" },
		{ o->processors, "processors" },
		{ o->ssh_key != NULL, "ssh-key" },
	};

	(void)args;
	for (size_t i = 0; o->container && i < sizeof(machines) / sizeof(*machines); i++)
		if (machines[i].given)
			return err_set(e, -EINVAL,
				       "run: '--%s' is of a virtual machine; a container has none",
				       machines[i].name);
	return o->disk_bus && qemu_disk_bus(str_c(o->disk_bus), &bus, e) < 0
		       ? err_wrap(e, -EINVAL, "run: '--disk-bus'")
		       : 0;
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
	if (o->timeout == 0)
		o->timeout = TIMEOUT_SEC_DEFAULT;
	if (o->container)
		return run_container(a, o, args + 1, e);
	if (q.memory_mib == 0)
		q.memory_mib = 1024;
	if (o->disk_bus) {
		r = qemu_disk_bus(str_c(o->disk_bus), &q.disk_bus, e);
		if (r < 0)
			return r;
	}
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
		"With --secure-boot or --setup-mode the machine takes no unit from outside. So the COMMAND comes over SSH, with "
		"a key made for this run: the image has an SSH server, and takes the credential ssh.authorized_keys.root "
		"(platform-credentials in its definition).\n\n"
		"With --machine, what the machine writes is there in the next run: it is switched off in order when the "
		"COMMAND has ended, and restarts when it wants to where there is none. Remove the folder to begin anew.\n\n"
		"With --container, root can have the same without a virtual machine: the image's root is mounted read-only, with "
		"/var in memory or in the folder of --machine, and boots under systemd-nspawn in a network of its own with "
		"nobody else in it. It takes a kernel that reads EROFS with zstd (Linux 6.10). Firmware, the image's kernel, the "
		"verified root and the execution policy have no part in it, and its kernel is this machine's: for a look or a "
		"test, not for a wall against what runs in it. Ctrl-] three times ends it.",
	.example = "ashlar run server -- systemctl is-system-running",
	.options = options,
	.options_size = sizeof(struct run_options),
	.min_args = 1,
	.max_args = -1,
	.check = check,
	.run = run,
};
