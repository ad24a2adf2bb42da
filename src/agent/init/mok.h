/* SPDX-License-Identifier: MIT */
/* mok.h - keys that root adds: the kernel takes certificates also from the EFI variables that the
 * boot loader shim makes (security/integrity/platform_certs/load_uefi.c), and nothing there tells
 * who made them. Whoever is root can, and at the next boot the kernel would trust his certificate
 * as it trusts those of Secure Boot's db. Ashlar starts without shim, so none has a purpose. */
#pragma once

#include "base/str.h"

/* Removes those of these variables that outlive a boot; *ret: their names, as a list for people,
 * when the machine has to restart, as its kernel has read them already; else empty. Fails when one
 * cannot be removed, or does not outlive a boot: then a boot loader makes it at each. @sys:
 * "/sys". */
must_check int mok_remove(struct arena *a, const char *sys, struct str *ret, struct err *e);

/* With Secure Boot on: the same, and restarts the machine when it removed one, after it said so. */
must_check int mok_keep_out(struct arena *a, const char *sys, struct err *e);
