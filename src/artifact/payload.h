/* SPDX-License-Identifier: MIT */
/* payload.h - what an image holds, before it is laid out as a disk or anything else. */
#pragma once

#include "base/arch.h"
#include "base/hash.h"
#include "disk/segment.h"
#include "keys/keys.h"

/* What the boot loader can start. */
struct payload_kernel {
	struct str version;       /* the kernel's */
	struct str uki_name, uki; /* path on the EFI system partition, and bytes */
};

struct payload {
	const struct arch *arch;
	struct str version; /* IMAGE_VERSION */
	uint64_t time_sec;  /* the build's clock */
	uint8_t root_hash[SHA256_BYTES];
	struct segments root;       /* EROFS */
	struct segments verity;     /* its hash tree */
	struct segments verity_sig; /* the root hash's signature and the execution policy */
	struct str boot_loader;
	VEC(struct payload_kernel) kernels; /* the first is started */
	struct str enrol[ENROL_VARIABLES];  /* dbx may be empty */
	uint64_t esp_bytes;                 /* size of an EFI system partition */
};
