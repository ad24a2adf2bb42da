/* SPDX-License-Identifier: MIT */
/* In systemd's place: it would take whatever comes (src/core/import-creds.c), units, files and
 * settings of the kernel among it. It looks nowhere when it finds that somebody has looked before.
 */
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/common/report.h"
#include "agent/common/run.h"
#include "agent/init/platform.h"
#include "agent/init/smbios.h"
#include "agent/init/tpm2.h"
#include "base/io.h"

#define SMBIOS    "/sys/firmware/dmi/tables/DMI"
#define FW_CFG    "/sys/firmware/qemu_fw_cfg"
#define FW_CFG_OF FW_CFG "/by_name/opt/io.systemd.credentials"
#define DIRECTORY "/run/credentials/@system"

enum { PCR_KERNEL_CONFIG = 12, FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW };

/* What cannot be read is not taken, which stops nobody's boot. */
static void smbios_read(struct offers *o)
{
	vec_str strings = { 0 };
	struct str table;
	struct err e;
	int r = file_read(o->a, SMBIOS, SMBIOS_BYTES_MAX, &table, &e);

	if (r == -ENOENT)
		return;
	if (r == 0)
		r = smbios_oem_strings(o->a, table, &strings, &e);
	if (r < 0)
		report(REPORT_WARNING, "the platform's strings are not taken: %s", e.msg);
	vec_each(text, &strings)
		offers_add_string(o, *text);
}

/* The module is loaded later otherwise, where the machine has what it drives. */
static void fw_cfg_read(struct offers *o)
{
	static const char *const load[] = { "/usr/sbin/modprobe", "--quiet", "qemu_fw_cfg", NULL };
	vec_str names = { 0 };
	struct err ignored;

	if (!file_exists(FW_CFG) && file_exists("/sys/bus/acpi/devices/QEMU0002:00"))
		(void)!run(o->a, load, STR(""), UINT8_MAX, NULL, &ignored);
	if (dir_list(o->a, FW_CFG_OF, &names, &ignored) < 0)
		return;
	vec_each(name, &names) {
		const char *dir = path_join(o->a, FW_CFG_OF, str_z(o->a, *name));
		struct str value;

		if (file_read(o->a, path_join(o->a, dir, "raw"), CREDENTIALS_BYTES_MAX, &value,
			      &ignored) < 0)
			value.n = SIZE_MAX; /* too large: named, and not taken */
		offers_add(o, *name, value);
	}
}

/* A confidential machine's platform is whom it is to be protected from; there systemd-stub and
 * systemd believe it nothing. */
static bool is_confidential(struct arena *a)
{
	static const char *const ask[] = { "/usr/bin/systemd-detect-virt", "--cvm", NULL };
	struct err ignored;
	struct str answer;

	return run(a, ask, STR(""), 1, &answer, &ignored) < 0 || !str_eqz(str_trim(answer), "none");
}

/* Never written to a disk: a file system that is not swapped out, closed before anybody looks. */
static int directory_make(struct err *e)
{
	int r = dir_make("/run/credentials", e);

	if (r == 0)
		r = dir_make(DIRECTORY, e);
	if (r < 0)
		return r;
	if (mount("tmpfs", DIRECTORY, "tmpfs", FLAGS, "mode=0700,nr_inodes=1024,size=2M,noswap") <
		    0 &&
	    mount("ramfs", DIRECTORY, "ramfs", FLAGS, "mode=0700") < 0)
		return err_sys(e, "mount '" DIRECTORY "'");
	return 0;
}

static int directory_fill(const struct offers *taken, struct err *e)
{
	int r = directory_make(e);

	vec_each(c, &taken->credentials)
		if (r == 0)
			r = file_write(path_join(taken->a, DIRECTORY, str_z(taken->a, c->name)),
				       0400, c->value.p, c->value.n, e);
	if (r == 0 &&
	    mount(NULL, DIRECTORY, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | FLAGS, NULL) < 0)
		r = err_sys(e, "close '" DIRECTORY "'");
	if (r == 0 && setenv("CREDENTIALS_DIRECTORY", DIRECTORY, 1) < 0)
		r = err_sys(e, "setenv");
	return r;
}

/* A value is as long as it likes, a TPM hashes so much at a time: each piece behind the digest of
 * those before, at first 32 zeroes. */
static int digest(struct tpm2 *t, struct str value, uint8_t ret[TPM2_DIGEST_BYTES], struct err *e)
{
	enum { PIECE = TPM2_DATA_BYTES_MAX - TPM2_DIGEST_BYTES };
	int r = 0;

	memset(ret, 0, TPM2_DIGEST_BYTES);
	do {
		struct buf b = { .a = t->a };

		buf_put(&b, ret, TPM2_DIGEST_BYTES);
		buf_put(&b, value.p, str_head(value, PIECE).n);
		value = str_from(value, PIECE);
		r = tpm2_hash(t, (struct str){ (const char *)b.v.p, b.v.n }, ret, e);
	} while (r == 0 && value.n > 0);
	return r;
}

static int measure(struct arena *a, const struct offers *taken, struct boot_status *status,
		   struct err *e)
{
	uint8_t sum[TPM2_DIGEST_BYTES];
	struct tpm2 t;
	int r = tpm2_open(a, TPM2_DEVICE, &t, e);

	if (r < 0)
		return r;
	vec_each(c, &taken->credentials) {
		struct str event;

		if (c->ours)
			continue;
		r = digest(&t, c->value, sum, e);
		event = str_printf(a, "credential %.*s %.*s", STR_FMT(c->name),
				   STR_FMT(hex_encode(a, sum, sizeof(sum))));
		if (r == 0)
			r = tpm2_pcr_event(&t, PCR_KERNEL_CONFIG, event, e);
		if (r < 0)
			break;
		vec_push(a, &status->platform_events) = event;
	}
	tpm2_close(&t);
	return r;
}

static void say(const struct boot_status *s)
{
	vec_each(name, &s->credentials_ignored)
		report(REPORT_WARNING, "the platform's credential '%.*s' is not taken",
		       STR_FMT(*name));
	vec_each(word, &s->words_ignored)
		report(REPORT_WARNING, "the platform's word '%.*s' did not reach the kernel",
		       STR_FMT(*word));
}

int platform_credentials(struct arena *a, struct str patterns, struct str cmdline,
			 const struct tpm *tpm, struct boot_status *status, struct err *e)
{
	struct offers o = { .a = a }, taken;
	int r;

	offers_add_cmdline(&o, cmdline);
	fw_cfg_read(&o);
	smbios_read(&o);
	if (o.credentials.n > 0 && is_confidential(a))
		patterns.n = 0;
	offers_judge(&o, patterns, status, &taken);
	say(status);
	r = directory_fill(&taken, e);
	if (r == 0 && status->credentials_taken.n > 0 && tpm->present && tpm->measured)
		r = measure(a, &taken, status, e);
	return r < 0 ? err_wrap(e, r, "what the platform says") : 0;
}
