/* SPDX-License-Identifier: MIT */
/* efi.h - what UEFI firmware and systemd-stub say of this boot, in variables (efivarfs). */
#pragma once

#include "base/str.h"

struct efi {
	bool present; /* started by UEFI firmware */
	bool secure_boot, setup_mode;
	bool measured; /* systemd-stub measured the UKI into the TPM's PCR 11 */
};

/* @sys: "/sys", with securityfs and, where there is firmware for it, efivarfs mounted below. */
void efi_read(struct arena *a, const char *sys, struct efi *ret);
