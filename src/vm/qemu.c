/* SPDX-License-Identifier: MIT */
#include "vm/qemu.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/proc.h"
#include "base/progress.h"

enum { KVM_PROBE_MS = 10000 };

static const struct machine {
	const struct arch *arch;
	const char *program, *package, *machine, *tpm, *firmware_package;
	/* where distributions put them; the first that exists */
	const char *code[3], *secure_code[4], *variables[3];
} machines[ARCHS] = {
	{ &arch_x86_64,
	  "qemu-system-x86_64",
	  "qemu-system-x86",
	  "q35",
	  "tpm-crb",
	  "ovmf",
	  { "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_CODE.fd" },
	  { "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_CODE.secboot.fd" },
	  { "/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/OVMF/OVMF_VARS.fd" } },
	{ &arch_aarch64,
	  "qemu-system-aarch64",
	  "qemu-system-arm",
	  "virt",
	  "tpm-tis-device",
	  "qemu-efi-aarch64",
	  { "/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd", "/usr/share/AAVMF/AAVMF_CODE.fd" },
	  { "/usr/share/AAVMF/AAVMF_CODE.secboot.fd", "/usr/share/AAVMF/AAVMF_CODE.ms.fd" },
	  { "/usr/share/AAVMF/AAVMF_VARS.fd" } },
};

static const struct machine *machine_of(const struct arch *arch)
{
	size_t i = 0;

	while (machines[i].arch != arch)
		i++;
	return &machines[i];
}

static const char *first_existing(const char *const *paths)
{
	for (; *paths; paths++)
		if (file_exists(*paths))
			return *paths;
	return NULL;
}

int qemu_firmware(const struct arch *arch, bool secure_boot, const char **ret_code,
		  const char **ret_variables, struct err *e)
{
	const struct machine *m = machine_of(arch);
	const char *code = first_existing(secure_boot ? m->secure_code : m->code);
	const char *variables = first_existing(m->variables);

	if (!code || !variables)
		return err_set(e, -ENOENT,
			       "no UEFI firmware%s for %s: it is in Debian's package '%s'",
			       secure_boot ? " with Secure Boot" : "", m->arch->name,
			       m->firmware_package);
	*ret_code = code;
	*ret_variables = variables;
	return 0;
}

typedef VEC(const char *) vec_arg;

static void arg(struct arena *a, vec_arg *v, const char *option, struct str value)
{
	vec_push(a, v) = option;
	vec_push(a, v) = str_z(a, value);
}

static void accelerator(struct arena *a, vec_arg *v, const struct machine *m, bool kvm,
			bool secure_boot)
{
	bool smm = secure_boot && m->arch == &arch_x86_64;

	arg(a, v, "-machine", str_printf(a, "%s%s", m->machine, smm ? ",smm=on" : ""));
	arg(a, v, "-accel", kvm ? STR("kvm") : STR("tcg,thread=multi,tb-size=512"));
	arg(a, v, "-cpu", kvm ? STR("host") : STR("max,-cx16"));
}

/* A guest that breaks out of its machine finds QEMU without what QEMU does not need: system calls
 * of old, other users, other programs, priorities (qemu(1)). */
static void sandbox(struct arena *a, vec_arg *v)
{
	arg(a, v, "-sandbox",
	    STR("on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"));
}

/* QEMU reads a comma as the end of a value; two stand for one. */
static struct str comma_escaped(struct arena *a, struct str s)
{
	struct buf b = { .a = a };

	for (size_t i = 0; i < s.n; i++)
		buf_printf(&b, s.p[i] == ',' ? ",," : "%c", s.p[i]);
	return (struct str){ (char *)b.v.p, b.v.n };
}

static void firmware(struct arena *a, vec_arg *v, const struct qemu *q)
{
	arg(a, v, "-drive", str_printf(a, "if=pflash,format=raw,readonly=on,file=%s", q->code));
	arg(a, v, "-drive",
	    str_printf(a, "if=pflash,format=raw,file=%.*s",
		       STR_FMT(comma_escaped(a, str_c(q->variables)))));
	if (!q->secure_boot || q->arch != &arch_x86_64)
		return;
	/* as edk2's OvmfPkg/README wants it: who is not in SMM cannot write the flash */
	arg(a, v, "-global", STR("driver=cfi.pflash01,property=secure,value=on"));
	arg(a, v, "-global", STR("ICH9-LPC.disable_s3=1"));
}

static const struct disk_bus {
	const char *name, *controller, *disk;
} buses[] = {
	{ "virtio", NULL, "virtio-blk-pci" },
	{ "nvme", NULL, "nvme,serial=ashlar" },
	{ "scsi", "virtio-scsi-pci,id=bus", "scsi-hd,bus=bus.0" },
	{ "sata", "ahci,id=bus", "ide-hd,bus=bus.0" },
	{ "usb", "qemu-xhci,id=bus", "usb-storage,bus=bus.0" },
	{ "vmware", "pvscsi,id=bus", "scsi-hd,bus=bus.0" },
};

enum { BUSES = sizeof(buses) / sizeof(*buses) };

int qemu_disk_bus(struct str name, const struct disk_bus **ret, struct err *e)
{
	for (size_t i = 0; i < BUSES; i++)
		if (str_eqz(name, buses[i].name)) {
			*ret = &buses[i];
			return 0;
		}
	return err_set(e, -EINVAL,
		       "no disk hangs on '%.*s'; want virtio, nvme, scsi, sata, usb or vmware",
		       STR_FMT(name));
}

static void disk(struct arena *a, vec_arg *v, const struct qemu *q)
{
	const struct disk_bus *bus = q->disk_bus ? q->disk_bus : &buses[0];

	arg(a, v, "-drive",
	    str_printf(a, "if=none,id=disk,format=raw,snapshot=%s,file=%.*s",
		       q->disk_snapshot ? "on" : "off", STR_FMT(comma_escaped(a, str_c(q->disk)))));
	if (bus->controller)
		arg(a, v, "-device", str_c(bus->controller));
	arg(a, v, "-device", str_printf(a, "%s,drive=disk,bootindex=0", bus->disk));
}

static void devices(struct arena *a, vec_arg *v, const struct machine *m, const struct qemu *q)
{
	disk(a, v, q);
	arg(a, v, "-device", STR("virtio-rng-pci"));
	arg(a, v, "-netdev",
	    q->ssh_port ? str_printf(a, "user,id=net,hostfwd=tcp:127.0.0.1:%u-:22", q->ssh_port)
			: STR("user,id=net"));
	arg(a, v, "-device", STR("virtio-net-pci,netdev=net,romfile="));
	if (q->tpm_fd >= 0) {
		arg(a, v, "-chardev", str_printf(a, "socket,id=tpm,fd=%d", q->tpm_fd));
		arg(a, v, "-tpmdev", STR("emulator,id=tpm,chardev=tpm"));
		arg(a, v, "-device", str_printf(a, "%s,tpmdev=tpm", m->tpm));
	}
}

static void consoles(struct arena *a, vec_arg *v, const struct qemu *q)
{
	if (q->console_fd >= 0) {
		arg(a, v, "-chardev", str_printf(a, "socket,id=console,fd=%d", q->console_fd));
		arg(a, v, "-serial", STR("chardev:console"));
	} else {
		arg(a, v, "-serial", STR("mon:stdio"));
	}
	if (q->channels.n > 0)
		arg(a, v, "-device", STR("virtio-serial-pci"));
	for (size_t i = 0; i < q->channels.n; i++) {
		arg(a, v, "-chardev",
		    str_printf(a, "socket,id=channel%zu,fd=%d", i, q->channel_fds[i]));
		arg(a, v, "-device",
		    str_printf(a, "virtserialport,chardev=channel%zu,name=%.*s", i,
			       STR_FMT(q->channels.p[i])));
	}
}

/* systemd-stub and systemd read it (systemd.system-credentials(7)). */
static struct str smbios_string(struct arena *a, const struct credential *c)
{
	struct str value = base64_encode(a, c->value.p, c->value.n);
	struct str text =
		str_printf(a, "io.systemd.credential.binary:%s=%.*s", c->name, STR_FMT(value));

	return str_printf(a, "type=11,value=%.*s", STR_FMT(comma_escaped(a, text)));
}

int qemu_start(struct arena *a, const struct qemu *q, int log_fd, pid_t *ret, struct err *e)
{
	const struct machine *m = machine_of(q->arch);
	vec_fd keep = { 0 };
	vec_arg v = { 0 };

	vec_push(a, &v) = m->program;
	accelerator(a, &v, m, q->kvm, q->secure_boot);
	arg(a, &v, "-smp", str_printf(a, "%llu", (unsigned long long)q->processors));
	arg(a, &v, "-m", str_printf(a, "%lluM", (unsigned long long)q->memory_mib));
	vec_push(a, &v) = "-nodefaults";
	sandbox(a, &v);
	if (q->ends_at_reboot)
		vec_push(a, &v) = "-no-reboot";
	arg(a, &v, "-display", STR("none"));
	firmware(a, &v, q);
	devices(a, &v, m, q);
	consoles(a, &v, q);
	vec_each(c, &q->credentials)
		arg(a, &v, "-smbios", smbios_string(a, c));
	vec_push(a, &v) = NULL;
	vec_each(fd, &q->keep_fds)
		vec_push(a, &keep) = *fd;
	for (size_t i = 0; i < q->channels.n; i++)
		vec_push(a, &keep) = q->channel_fds[i];
	vec_push(a, &keep) = q->console_fd;
	vec_push(a, &keep) = q->tpm_fd;
	return child_start(v.p, &keep, log_fd, m->package, ret, e);
}

/* In the child: with nobody to read what it says, nobody answers what it asks. */
static void child_prepare(const vec_fd *keep_fds, int log_fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	proc_files_default(0);
	if (log_fd >= 0) {
		dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
		dup2(log_fd, 1);
		dup2(log_fd, 2);
	}
	vec_each(fd, keep_fds)
		if (*fd >= 0)
			fcntl(*fd, F_SETFD, 0);
}

int child_start(const char *const *argv, const vec_fd *keep_fds, int log_fd, const char *package,
		pid_t *ret, struct err *e)
{
	int report[2], failed = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	pid = fork();
	if (pid < 0) {
		close(report[0]);
		close(report[1]);
		return err_sys(e, "fork");
	}
	if (pid == 0) {
		child_prepare(keep_fds, log_fd);
		execvp(argv[0], (char *const *)argv);
		failed = errno;
		if (write(report[1], &failed, sizeof(failed)) < 0)
			_exit(126);
		_exit(127);
	}
	close(report[1]);
	n = read(report[0], &failed, sizeof(failed));
	close(report[0]);
	if (n == sizeof(failed)) {
		waitpid(pid, NULL, 0);
		if (failed == ENOENT)
			return err_set(e, -ENOENT,
				       "no program '%s': it is in Debian's package '%s'", argv[0],
				       package);
		return err_set(e, -failed, "run '%s': %s", argv[0], strerror(failed));
	}
	*ret = pid;
	return 0;
}

/* Firmware that runs says something on the serial console within a second or two; KVM that does not
 * work says so on QEMU's standard error, or nothing ever happens. */
static bool probe(int console, int log)
{
	double end = clock_sec() + KVM_PROBE_MS / 1000.0;
	char text[4096];

	for (;;) {
		struct pollfd fds[2] = { { console, POLLIN, 0 }, { log, POLLIN, 0 } };
		int left = (int)((end - clock_sec()) * 1000);
		ssize_t n;

		if (left <= 0 || poll(fds, 2, left) <= 0)
			return false;
		if (fds[0].revents & POLLIN && read(console, text, sizeof(text)) > 0)
			return true;
		if (fds[1].revents) {
			n = read(log, text, sizeof(text));
			if (n <= 0 ||
			    str_has((struct str){ text, (size_t)n }, "KVM internal error"))
				return false;
		}
	}
}

bool qemu_kvm_works(struct arena *a, const struct arch *arch)
{
	const struct machine *m = machine_of(arch);
	const char *code = first_existing(m->code);
	int console[2] = { -1, -1 }, log[2] = { -1, -1 };
	bool works = false;
	vec_fd keep = { 0 };
	vec_arg v = { 0 };
	struct err e;
	pid_t pid;

	if (!code || access("/dev/kvm", R_OK | W_OK) < 0)
		return false;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, console) < 0)
		return false;
	if (pipe2(log, O_CLOEXEC) < 0) {
		close_p(&console[0]);
		close_p(&console[1]);
		return false;
	}
	vec_push(a, &v) = m->program;
	accelerator(a, &v, m, true, false);
	arg(a, &v, "-m", STR("256M"));
	vec_push(a, &v) = "-nodefaults";
	arg(a, &v, "-display", STR("none"));
	arg(a, &v, "-drive", str_printf(a, "if=pflash,format=raw,readonly=on,file=%s", code));
	arg(a, &v, "-chardev", str_printf(a, "socket,id=console,fd=%d", console[1]));
	arg(a, &v, "-serial", STR("chardev:console"));
	vec_push(a, &v) = NULL;
	vec_push(a, &keep) = console[1];
	if (child_start(v.p, &keep, log[1], m->package, &pid, &e) == 0) {
		close_p(&log[1]);
		close_p(&console[1]);
		works = probe(console[0], log[0]);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	for (int i = 0; i < 2; i++) {
		close_p(&console[i]);
		close_p(&log[i]);
	}
	return works;
}

int qemu_free_port(unsigned *ret, struct err *e)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(address);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, n) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &n) < 0)
		return err_sys(e, "find a free port");
	*ret = ntohs(address.sin_port);
	return 0;
}
