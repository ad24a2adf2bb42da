/* SPDX-License-Identifier: MIT */
#include "vm/machine.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/uuid.h"
#include "disk/efi_varstore.h"
#include "disk/gpt.h"
#include "trust/efi_variable.h"

enum {
	FLASH_BYTES_MAX = 64 << 20, /* of AArch64's */
	SIGNATURE_LIST_BYTES_MAX = 1 << 20,
	DISK_ALIGN_BYTES = 1 << 20,
	TPM_END_MS = 3000,

	/* UEFI 2.10, 8.2: non-volatile, boot services, runtime, time-based authenticated writes */
	SECURE_BOOT_ATTRIBUTES = 0x01 | 0x02 | 0x04 | 0x20,
	/* non-volatile, boot services */
	SWITCH_ATTRIBUTES = 0x01 | 0x02,
};

static struct str fd_path(struct arena *a, int fd)
{
	return str_printf(a, "/proc/self/fd/%d", fd);
}

/* @size_bytes of disk that begin with the image; holes stay holes. */
static int disk_fill(const char *image, int to, const char *name, uint64_t size_bytes,
		     struct err *e)
{
	_cleanup_close_ int from = open(image, O_RDONLY | O_CLOEXEC);
	int r;

	if (from < 0)
		return err_sys(e, "open '%s'", image);
	r = fd_copy_data(from, to, name, e);
	if (r == 0 && ftruncate(to, (off_t)size_bytes) < 0)
		return err_sys(e, "make '%s' %llu bytes large", name,
			       (unsigned long long)size_bytes);
	return r;
}

static int disk_size(const struct machine_options *o, const char *present, uint64_t *ret,
		     struct stat *ret_stat, struct err *e)
{
	if (stat(present, ret_stat) < 0)
		return err_sys(e, "open '%s'", present);
	*ret = o->disk_bytes ? o->disk_bytes : (uint64_t)ret_stat->st_size;
	if (*ret < (uint64_t)ret_stat->st_size || o->disk_bytes % DISK_ALIGN_BYTES != 0)
		return err_set(
			e, -EINVAL,
			"--disk-size: a disk of %llu bytes; want whole MiB, and at least the %llu of '%s'",
			(unsigned long long)*ret, (unsigned long long)ret_stat->st_size, present);
	return 0;
}

/* A file without a name, where QEMU keeps what it writes of a snapshot, too. */
static int disk_temporary(struct arena *a, const struct machine_options *o, struct machine *m,
			  struct qemu *q, struct err *e)
{
	const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/var/tmp";
	struct stat st;
	uint64_t size;
	int r = disk_size(o, o->image, &size, &st, e);

	if (r < 0)
		return r;
	m->disk = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (m->disk < 0)
		return err_sys(e, "make a temporary disk in '%s'", dir);
	vec_push(a, &q->keep_fds) = m->disk;
	q->disk = str_z(a, fd_path(a, m->disk));
	return disk_fill(o->image, m->disk, "temporary disk", size, e);
}

static int disk_make(struct arena *a, const struct machine_options *o, const char *path,
		     struct err *e)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	uint64_t size;
	char *temp;
	int r = disk_size(o, o->image, &size, &st, e);

	if (r == 0)
		r = file_temp(a, path, 0600, &fd, &temp, e);
	if (r < 0)
		return r;
	r = disk_fill(o->image, fd, temp, size, e);
	if (r == 0)
		r = file_commit(fd, temp, path, e);
	if (r < 0)
		file_discard(temp);
	return r;
}

static int disk_kept(struct arena *a, const struct machine_options *o, struct qemu *q,
		     struct err *e)
{
	char *path = path_join(a, o->dir, "disk.raw");
	struct stat image, disk;
	uint64_t size;
	int r;

	q->disk = path;
	if (file_exists(path_join(a, o->dir, "var")))
		return err_set(e, -EEXIST,
			       "'%s' holds the /var of a container; want another folder for a "
			       "virtual machine",
			       o->dir);
	if (!file_exists(path))
		return disk_make(a, o, path, e);
	r = disk_size(o, path, &size, &disk, e);
	if (r < 0)
		return r;
	if (truncate(path, (off_t)size) < 0)
		return err_sys(e, "make '%s' larger", path);
	if (stat(o->image, &image) == 0 && image.st_mtime > disk.st_mtime)
		progress_note(o->progress,
			      "'%s' is newer than the disk of this machine, which stays", o->image);
	return 0;
}

static int enrolled_read(struct arena *a, const struct machine_options *o, const char *name,
			 const uint8_t guid[16], vec_efi_variable *v, struct err *e)
{
	const char *path = str_z(a, str_printf(a, "%s/enrol/%s.esl", o->keys, name));
	struct efi_variable x = { .name = str_c(name), .attributes = SECURE_BOOT_ATTRIBUTES };
	int r;

	if (!file_exists(path))
		return err_set(
			e, -ENOENT,
			"--secure-boot: '%s' is not there; 'ashlar key generate --keys %s' makes what is missing",
			path, o->keys);
	r = file_read(a, path, SIGNATURE_LIST_BYTES_MAX, &x.data, e);
	if (r < 0)
		return err_wrap(e, r, "--secure-boot");
	memcpy(x.guid, guid, sizeof(x.guid));
	vec_push(a, v) = x;
	return 0;
}

/* The same lists that a person would enrol in a machine's own firmware. */
static int flash_enrol(struct arena *a, const struct machine_options *o, struct str *flash,
		       struct err *e)
{
	vec_efi_variable v = { 0 };
	const char *dbx = path_join(a, o->keys, "enrol/dbx.esl");
	int r = enrolled_read(a, o, "db", efi_security_guid, &v, e);

	if (r == 0 && file_exists(dbx)) /* once something was revoked */
		r = enrolled_read(a, o, "dbx", efi_security_guid, &v, e);
	if (r == 0)
		r = enrolled_read(a, o, "KEK", efi_global_guid, &v, e);
	if (r == 0)
		r = enrolled_read(a, o, "PK", efi_global_guid, &v, e);
	return r < 0 ? r : efi_varstore_add(a, *flash, &v, flash, e);
}

/* Firmware that somebody owns who switched Secure Boot off: in setup mode the image would enrol its
 * keys and restart. EDK II has the switch in a variable of its own. */
static int flash_switch_off(struct arena *a, struct str *flash, struct err *e)
{
	/* an EFI_SIGNATURE_LIST with one EFI_CERT_SHA256_GUID entry, all zeroes: nobody's */
	static const uint8_t owner[76] = {
		0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36,
		0x93, 0x43, 0x28, 76,   0,    0,    0,    0,    0,    0,    0,    48,
	};
	struct efi_variable pk = { .name = STR("PK"),
				   .attributes = SECURE_BOOT_ATTRIBUTES,
				   .data = { (const char *)owner, sizeof(owner) } },
			    off = { .name = STR("SecureBootEnable"),
				    .attributes = SWITCH_ATTRIBUTES,
				    .data = STR("\0") };
	vec_efi_variable v = { 0 };

	memcpy(pk.guid, efi_global_guid, sizeof(pk.guid));
	if (!uuid_parse(STR("f0a30bc7-af08-4556-99c4-001009c93a44"), off.guid))
		return err_set(e, -EINVAL, "no GUID");
	vec_push(a, &v) = pk;
	vec_push(a, &v) = off;
	return efi_varstore_add(a, *flash, &v, flash, e);
}

/* Whether the firmware has an owner who has not switched Secure Boot off: else it starts anything.
 */
static int flash_check(struct arena *a, const char *path, struct err *e)
{
	vec_efi_variable v = { 0 };
	bool owned = false, off = false;
	struct str flash;
	int r = file_read(a, path, FLASH_BYTES_MAX, &flash, e);

	if (r == 0)
		r = efi_varstore_read(a, flash, &v, e);
	if (r < 0)
		return err_wrap(e, r, "'%s'", path);
	vec_each(x, &v) {
		owned |= str_eqz(x->name, "PK");
		off |= str_eqz(x->name, "SecureBootEnable") && x->data.n > 0 && !x->data.p[0];
	}
	if (owned && !off)
		return 0;
	return err_set(
		e, -ENOKEY,
		"--secure-boot: '%s' has it switched off or no platform key, as this machine began without; remove it to enrol the keys",
		path);
}

static int variables_open(struct arena *a, const struct machine_options *o, struct machine *m,
			  struct qemu *q, struct err *e)
{
	bool enrol = o->secure_boot && !o->setup_mode;
	const char *template;
	struct str flash;
	int r;

	q->secure_boot = o->secure_boot || o->setup_mode;
	r = qemu_firmware(q->arch, q->secure_boot, &q->code, &template, e);
	if (r < 0)
		return r;
	if (o->dir) {
		q->variables = path_join(a, o->dir, "variables.fd");
		if (file_exists(q->variables))
			return enrol ? flash_check(a, q->variables, e) : 0;
	}
	r = file_read(a, template, FLASH_BYTES_MAX, &flash, e);
	if (r == 0 && enrol)
		r = flash_enrol(a, o, &flash, e);
	else if (r == 0 && !o->setup_mode)
		r = flash_switch_off(a, &flash, e);
	if (r < 0)
		return r;
	if (o->dir)
		return file_write(q->variables, 0600, flash.p, flash.n, e);
	m->variables = memfd_create("variables", MFD_CLOEXEC);
	if (m->variables < 0)
		return err_sys(e, "memfd_create");
	vec_push(a, &q->keep_fds) = m->variables;
	q->variables = str_z(a, fd_path(a, m->variables));
	return fd_write(m->variables, flash.p, flash.n, "the firmware's variables", e);
}

static int tpm_start(struct arena *a, const struct machine_options *o, struct machine *m,
		     struct qemu *q, struct err *e)
{
	_cleanup_close_ int theirs = -1, state = -1, log = memfd_create("swtpm", MFD_CLOEXEC);
	const char *name = o->dir ? path_join(a, o->dir, "tpm") : "TPM";
	vec_fd keep = { 0 };
	int pair[2];

	state = o->dir ? open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600)
		       : memfd_create("tpm", MFD_CLOEXEC);
	if (log < 0 || state < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "open '%s'", name);
	m->tpm = q->tpm_fd = pair[0];
	theirs = pair[1];
	vec_push(a, &keep) = theirs;
	vec_push(a, &keep) = state;
	return child_start((const char *const[]){ "swtpm", "socket", "--tpm2", "--terminate",
						  "--tpmstate",
						  str_z(a, str_printf(a, "backend-uri=file://%.*s",
								      STR_FMT(fd_path(a, state)))),
						  "--ctrl",
						  str_z(a, str_printf(a, "type=unixio,clientfd=%d",
								      theirs)),
						  NULL },
			   &keep, log, "swtpm", &m->tpm_pid, e);
}

int machine_dir_hold(const char *dir, int *ret, struct err *e)
{
	int r = dir_make(dir, e);

	if (r < 0)
		return r;
	*ret = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret < 0)
		return err_sys(e, "open '%s'", dir);
	if (flock(*ret, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? err_set(e, -EBUSY, "machine '%s' is running already", dir)
			       : err_sys(e, "lock '%s'", dir);
	return 0;
}

int machine_open(struct arena *a, const struct machine_options *o, struct machine *ret,
		 struct qemu *q, struct err *e)
{
	struct machine m = { -1, -1, -1, -1, 0 };
	int r = o->dir ? machine_dir_hold(o->dir, &m.lock, e) : 0;

	q->tpm_fd = -1;
	if (r == 0)
		r = variables_open(a, o, &m, q, e);
	if (r == 0 && o->dir) {
		r = disk_kept(a, o, q, e);
	} else if (r == 0 && o->disk_bytes) {
		r = disk_temporary(a, o, &m, q, e);
	} else if (r == 0) {
		q->disk = o->image;
		q->disk_snapshot = true;
	}
	if (r == 0 && o->tpm)
		r = tpm_start(a, o, &m, q, e);
	if (r < 0)
		machine_close(&m);
	else
		*ret = m;
	return r;
}

/* It ends by itself once QEMU has, with its state written. */
static void tpm_end(pid_t pid)
{
	for (int ms = 0; ms < TPM_END_MS; ms += 20) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		usleep(20000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void machine_close(struct machine *m)
{
	close_p(&m->tpm);
	if (m->tpm_pid > 0)
		tpm_end(m->tpm_pid);
	m->tpm_pid = 0;
	close_p(&m->disk);
	close_p(&m->variables);
	close_p(&m->lock);
}
