/* SPDX-License-Identifier: MIT */
/* boot_status.h - what this boot checked and what it could not: for the console, and for programs
 * in BOOT_STATUS_PATH (ashlar-status reads it). */
#pragma once

#include "base/str.h"
#include "disk/verity.h"

#define BOOT_STATUS_PATH "/run/ashlar/boot.json"

enum { BOOT_STATUS_BYTES_MAX = 256 << 10 };

/* Texts are words of the file, borrowed. */
struct boot_status {
	bool efi; /* started by UEFI firmware; else the next two mean nothing */
	bool secure_boot, setup_mode;
	uint8_t root_hash[ROOT_HASH_BYTES];
	const char *root_signature;   /* "checked", "no-key", "absent" */
	const char *execution_policy; /* "enforcing", "no-key", "absent" */
	bool tpm, measured;           /* measured: systemd-stub put the UKI into PCR 11 */
	/* "encrypted-tpm": and recognised as this machine's own; "encrypted": a recovery key alone
	 * spoke for it; "encrypted-passphrase", "plain", "memory" */
	const char *state;
	const char *state_reason;   /* a sentence, or "" */
	bool state_authenticated;   /* each block: what somebody else wrote cannot be read */
	const char *state_measured; /* what PCR 15 was extended by about it; or NULL */
	bool memory_locked, tables_refused; /* lock_all() */
	vec_str missing; /* sentences: what this machine does not protect, and why */
	/* What the platform said, by name, and what of it PCR 12 was told. */
	vec_str credentials_taken, credentials_ignored, words_ignored, platform_events;
};

/* Adds a sentence to what is missing. */
void boot_status_missing(struct arena *a, struct boot_status *s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct str boot_status_json(struct arena *a, const struct boot_status *s);
/* Writes BOOT_STATUS_PATH, and what is missing into the kernel's log, and so on every console. */
must_check int boot_status_publish(struct arena *a, const struct boot_status *s, struct err *e);
