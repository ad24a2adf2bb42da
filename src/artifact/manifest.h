/* SPDX-License-Identifier: MIT */
/* manifest.h - what an image is made of. As a file it is JSON (docs/manifest.md): the same image
 * gives the same bytes, and what is parsed and dumped again is what it was. */
#pragma once

#include "artifact/signatures.h"
#include "base/json.h"

enum { MANIFEST_VERSION = 1, MANIFEST_BYTES_MAX = 16 << 20, MANIFEST_SIGNERS = 5 };

/* Whose certificates answer for an image, in the order of the file. */
extern const enum key_role manifest_signers[MANIFEST_SIGNERS];

struct manifest_signing {
	bool complete; /* no signature is missing */
	uint8_t certificates[MANIFEST_SIGNERS][SHA256_BYTES];
};

/* What the SHA-256 bank of a TPM holds (measure.h). */
struct manifest_measurements {
	bool pcr4_known; /* once everything that it depends on is signed */
	uint8_t pcr4[SHA256_BYTES], pcr7[SHA256_BYTES];
	uint8_t pcr11[MEASURE_PHASES][SHA256_BYTES]; /* after each phase */
};

/* 0: none. */
struct manifest_budgets {
	uint64_t max_packages, max_files_bytes, max_image_bytes;
};

struct manifest_partition {
	struct str label, type, uuid;
	uint64_t start_bytes, size_bytes;
};

/* The package as its upstream has it. */
struct manifest_origin {
	struct str upstream, name, version, arch, source, source_version;
	uint8_t sha256[SHA256_BYTES];
};

struct manifest_package {
	struct str name, evr, arch, license; /* in RPM's terms */
	uint8_t rpm_sha256[SHA256_BYTES];
	struct manifest_origin origin;
};

struct manifest {
	uint64_t manifest_version;
	struct str image, distribution, version, arch;
	bool development_keys;
	uint64_t source_date_epoch; /* seconds */
	struct str kernel;
	uint8_t root_hash[SHA256_BYTES];
	struct str command_line, uki;
	uint8_t uki_sha256[SHA256_BYTES], boot_loader_sha256[SHA256_BYTES]; /* program_digest() */
	uint64_t files_bytes, root_bytes, image_bytes, stored_bytes;
	struct manifest_signing signing;
	struct manifest_measurements measurements;
	struct manifest_budgets budgets;
	VEC(struct manifest_partition) partitions; /* in the order in which they lie */
	VEC(struct manifest_package) packages;     /* in the lock's order */
};

/* Text is hostile: every member must be there and of its type, and no other may be. Borrows @text.
 * -EBADMSG names the member. */
must_check int manifest_parse(struct arena *a, struct str text, struct manifest *ret,
			      struct err *e);
struct str manifest_dump(struct arena *a, const struct manifest *m);
/* Whether they say the same of all but packages; else the sentence names the first difference, in
 * which @want is what "the image has". */
must_check int manifest_same(struct arena *a, const struct manifest *got,
			     const struct manifest *want, struct err *e);
/* "OUT/NAME.manifest.json" of the image "OUT/NAME.raw". */
const char *manifest_path(struct arena *a, const char *image);

/* What a TPM holds once the image runs on a machine that trusts @keys and nothing else. */
must_check int manifest_measure(struct arena *a, const struct boot_signed *boot,
				const struct keys *keys, struct manifest_measurements *ret,
				struct err *e);
/* The digests of what firmware starts. */
must_check int manifest_programs(struct manifest *m, struct str boot_loader, struct str uki,
				 struct err *e);
void manifest_signing(const struct boot_signed *boot, const struct keys *keys,
		      struct manifest_signing *ret);
