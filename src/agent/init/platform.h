/* SPDX-License-Identifier: MIT */
/* platform.h - what a machine's platform, its hypervisor or the owner of its firmware, says beside
 * the signed image: words for the kernel, and credentials for systemd. */
#pragma once

#include "agent/common/boot_status.h"
#include "agent/init/tpm.h"

/* What stands on the kernel's command line behind the image's own last word (BOOT_END); the whole
 * of it where that is not there. */
struct str platform_words(struct str cmdline);
/* That nothing does, where @insists (chain_insists()) is not NULL: the kernel has obeyed it
 * already.
 */
must_check int platform_words_check(struct str cmdline, const char *insists, struct err *e);

/* systemd's own limits (src/shared/creds-util.h), but for their number. */
enum { CREDENTIALS_BYTES_MAX = 1 << 20, CREDENTIALS_MAX = 64, CREDENTIAL_NAME_BYTES_MAX = 255 };
/* Of the image's list of patterns: 4096 of them. */
enum { PLATFORM_BYTES_MAX = 4096 * (CREDENTIAL_NAME_BYTES_MAX + 1) };

struct credential {
	struct str name, value;
	bool ours; /* the image's own command line has it */
};

/* What was said, before it is judged. */
struct offers {
	struct arena *a;
	VEC(struct credential) credentials;
	vec_str words; /* keys of words for the kernel, which gets none of them */
};

/* A credential; a name that systemd would not take is none. */
void offers_add(struct offers *o, struct str name, struct str value);
/* Takes what systemd would from one of the vendor's strings in SMBIOS; other strings mean nothing.
 */
void offers_add_string(struct offers *o, struct str text);
/* systemd.set_credential= and systemd.set_credential_binary= of the image's command line. */
void offers_add_cmdline(struct offers *o, struct str cmdline);
/* Those that the image takes: its own, and what one of @patterns means, a line each, with '*' at
 * its end for any name that begins so. Of one name the first; CREDENTIALS_BYTES_MAX in all. The
 * names of all others go to @status. */
void offers_judge(const struct offers *o, struct str patterns, struct boot_status *status,
		  struct offers *ret);

/* Where Secure Boot or the image insists: takes what the platform says in systemd's place and gives
 * it what @patterns allow, names the rest in @status, and measures what was taken into PCR 12,
 * where systemd-stub puts what stands beside the image. On the new root, with its programs. */
must_check int platform_credentials(struct arena *a, struct str patterns, struct str cmdline,
				    const struct tpm *tpm, struct boot_status *status,
				    struct err *e);
