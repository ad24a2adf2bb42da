/* SPDX-License-Identifier: MIT */
/* revoke.h - by which digests firmware can be told never to start an image again. */
#pragma once

#include "trust/efi_variable.h"

struct revocable {
	struct str name; /* "EFI/Linux/ashlar_1.0.efi" */
	struct efi_revocation revocation;
};
typedef VEC(struct revocable) vec_revocable;

/* @bytes: of an executable for EFI, or of a disk image, whose unified kernel images these are then.
 * Not its boot loader, which the next image has, too. */
must_check int image_revocables(struct arena *a, const char *name, struct str bytes,
				vec_revocable *ret, struct err *e);
