/* SPDX-License-Identifier: MIT */
/* status.h - what protects this machine and what does not: as agent/init found it at boot, and as
 * the kernel shows it now. */
#pragma once

#include "agent/common/efi.h"
#include "base/str.h"

/* As far as this user may see. */
enum known { KNOWN_NO, KNOWN_YES, KNOWN_NOT };

struct status {
	struct str image; /* "Ashlar server 1.0.20261123" */
	bool development_keys;
	/* of the boot (agent/common/boot_status.h); texts are empty when its file is not there */
	struct str root_hash, root_signature, execution_policy, state, state_reason;
	bool state_authenticated;
	/* now */
	struct efi efi;
	bool tpm;
	struct str lockdown;      /* "none", "integrity", "confidentiality"; empty: not known */
	bool verity;              /* the root is on dm-verity */
	struct str active_policy; /* its name; empty: none, or this user may not see it */
	bool runs_anything, runs_signed; /* it lets any program run; those of signed volumes */
	enum known enforced;
	enum known locked;         /* no process can change the policy */
	enum known tables_refused; /* no process can make a device-mapper table */
	bool memory_locked;        /* none executes what it wrote to memory, or gets at another's */
	enum known filter; /* the packet filter is in force; KNOWN_NOT: the image has none */
	vec_str missing;   /* sentences, the boot's first */
	vec_str protects;  /* sentences */
	/* by name, what the platform said */
	vec_str credentials_taken, credentials_ignored, words_ignored;
};

/* @root: "" on a living system; else a folder in which /proc, /run, /sys and /usr lie. */
void status_read(struct arena *a, const char *root, struct status *ret);
/* For people: what is missing first. */
struct str status_text(struct arena *a, const struct status *s);
struct str status_json(struct arena *a, const struct status *s);
