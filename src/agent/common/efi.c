/* SPDX-License-Identifier: MIT */
#include "agent/common/efi.h"

#include "base/io.h"

#define EFI_GLOBAL "8be4df61-93ca-11d2-aa0d-00e098032b8c" /* UEFI 2.10, 3.3 */
#define SD_LOADER  "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f" /* systemd's Boot Loader Interface */

/* efivarfs puts the variable's attributes in front. */
enum { ATTRIBUTES_BYTES = 4, VARIABLE_BYTES_MAX = 4096, LOCKDOWN_BYTES_MAX = 256 };

static bool variable(struct arena *a, const char *sys, const char *name, struct str *ret)
{
	const char *path = str_z(a, str_printf(a, "%s/firmware/efi/efivars/%s", sys, name));
	struct err ignored;
	struct str text;

	if (file_read(a, path, VARIABLE_BYTES_MAX, &text, &ignored) < 0 ||
	    text.n <= ATTRIBUTES_BYTES)
		return false;
	*ret = str_from(text, ATTRIBUTES_BYTES);
	return true;
}

/* The kernel asks the firmware before it gives up boot services, and locks itself down then. */
static bool is_locked_down(struct arena *a, const char *sys)
{
	struct err ignored;
	struct str text;

	return file_read(a, path_join(a, sys, "kernel/security/lockdown"), LOCKDOWN_BYTES_MAX,
			 &text, &ignored) == 0 &&
	       !str_has(text, "[none]");
}

void efi_read(struct arena *a, const char *sys, struct efi *ret)
{
	struct efi efi = { .present = file_exists(path_join(a, sys, "firmware/efi")) };
	struct str value;

	/* A kernel that was told to use no runtime services shows no variables. */
	if (variable(a, sys, "SecureBoot-" EFI_GLOBAL, &value))
		efi.secure_boot = value.p[0] == 1;
	else
		efi.secure_boot = efi.present && is_locked_down(a, sys);
	if (variable(a, sys, "SetupMode-" EFI_GLOBAL, &value))
		efi.setup_mode = value.p[0] == 1;
	efi.measured = variable(a, sys, "StubPcrKernelImage-" SD_LOADER, &value);
	*ret = efi;
}
