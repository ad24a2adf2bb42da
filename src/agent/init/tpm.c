/* SPDX-License-Identifier: MIT */
#include "agent/init/tpm.h"

#include "agent/common/run.h"
#include "base/io.h"

enum { ATTRIBUTE_BYTES_MAX = 4096, POLICY_BYTES_MAX = 1 << 20 };

/* systemd-stub(7), "Companion files" */
#define EXTRA "/.extra/"

static int keep(struct arena *a, const char *from, const char *to, struct err *e)
{
	struct str text;
	int r = file_read(a, from, POLICY_BYTES_MAX, &text, e);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : file_write(to, 0444, text.p, text.n, e);
}

int tpm_keep_policy(struct arena *a, struct err *e)
{
	int r = dir_make("/run/systemd", e);

	if (r == 0)
		r = keep(a, EXTRA "tpm2-pcr-signature.json", TPM_SIGNATURE, e);
	if (r == 0)
		r = keep(a, EXTRA "tpm2-pcr-public-key.pem", TPM_PUBLIC_KEY, e);
	if (r == 0)
		r = keep(a, "/pcr-keys", TPM_KEYS, e);
	return r;
}

static const char *below(struct arena *a, const char *root, const char *path)
{
	return str_z(a, str_printf(a, "%s%s", root, path));
}

void tpm_look(struct arena *a, const char *root, struct tpm *ret)
{
	struct err ignored;
	struct str version;

	ret->policy = file_exists(below(a, root, TPM_SIGNATURE)) &&
		      file_exists(below(a, root, TPM_PUBLIC_KEY));
	ret->present = file_read(a, below(a, root, "/sys/class/tpm/tpm0/tpm_version_major"),
				 ATTRIBUTE_BYTES_MAX, &version, &ignored) == 0 &&
		       str_eqz(str_trim(version), "2");
}

const char *tpm_why_not(const struct tpm *tpm)
{
	if (!tpm->present)
		return "the machine has no TPM 2.0";
	if (!tpm->measured)
		return "the machine's TPM was not told what was booted";
	return tpm->policy ? NULL : "the boot brought no signed PCR values for the machine's TPM";
}

void tpm_status(struct arena *a, const struct tpm *tpm, struct boot_status *status)
{
	status->tpm = tpm->present;
	status->measured = tpm->present && tpm->measured;
	if (!status->measured)
		boot_status_missing(a, status, "%s, so nothing proves what was booted",
				    tpm_why_not(tpm));
}

int tpm_phase(struct arena *a, const struct tpm *tpm, const char *phase, struct err *e)
{
	const char *const argv[] = { "/usr/lib/systemd/systemd-pcrextend", "--graceful", phase,
				     NULL };
	int r;

	if (!tpm->present || !tpm->measured)
		return 0;
	r = run(a, argv, STR(""), 0, NULL, e);
	return r < 0 ? err_wrap(e, r, "measure the boot phase '%s'", phase) : 0;
}
