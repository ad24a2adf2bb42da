/* SPDX-License-Identifier: MIT */
/* copyright.h - debian/copyright in its machine-readable form (DEP-5), as one licence expression.
 */
#pragma once

#include "base/str.h"

/* The licences of all paragraphs, in the order they first appear, as an SPDX expression (SPDX 2.3,
 * annex D): "GPL-3.0-or-later AND (MIT OR Apache-2.0)". A name that SPDX does not list becomes
 * "LicenseRef-Debian-NAME". A text that is not in that form says nothing a program may rely on:
 * "LicenseRef-Debian-copyright". Result in @a. */
struct str copyright_license(struct arena *a, struct str text);
