/* SPDX-License-Identifier: MIT */
/* platform.h - what a machine's platform, its hypervisor or the owner of its firmware, says beside
 * the signed image. */
#pragma once

#include "base/str.h"

/* What stands on the kernel's command line behind the image's own last word (BOOT_END); the whole
 * of it where that is not there. */
struct str platform_words(struct str cmdline);
/* That nothing does, where @insists (chain_insists()) is not NULL: the kernel has obeyed it
 * already.
 */
must_check int platform_words_check(struct str cmdline, const char *insists, struct err *e);
