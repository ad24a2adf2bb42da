/* SPDX-License-Identifier: MIT */
/* verify_checks.h - the parts of image_verify(), for the files verify*.c only. They are called in
 * this order: each relies on what those before it found, and the UKI's signature comes first, since
 * the root hash in it is what all else follows from. */
#pragma once

#include "artifact/parts.h"
#include "artifact/verify.h"
#include "base/arch.h"
#include "disk/segment.h"

struct verify_work {
	struct arena *a;
	const struct verify_input *in;
	struct image_parts parts;
	const struct arch *arch;         /* by the UKI's machine */
	struct str version;              /* IMAGE_VERSION of the UKI's .osrel */
	struct str signed_by[KEY_ROLES]; /* the certificate of each role that signed the image */
	struct str enrolled[ENROL_VARIABLES]; /* signature lists on the ESP */
	bool missing;                         /* a signature, which only @in->to_sign allows */
	struct verify_report report;
};

/* Signatures of what firmware starts, and of what it may enrol; the ESP to the last bit. */
must_check int verify_boot(struct verify_work *w, struct err *e);
/* Both partition tables to the last bit; zeroes wherever nothing lies. */
must_check int verify_layout(struct verify_work *w, struct err *e);
/* Signatures of root hash and execution policy, then the root itself. */
must_check int verify_root(struct verify_work *w, struct err *e);
/* What the manifest says of all that. */
must_check int verify_manifest(struct verify_work *w, struct err *e);

/* Whether @got has the bytes that our own writer makes; else the sentence names @region and the
 * offset in it. So nothing can change in what no reader looks at. */
must_check int verify_same(const char *region, struct str got, const struct segments *want,
			   struct err *e);
