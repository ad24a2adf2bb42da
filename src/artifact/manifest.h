/* SPDX-License-Identifier: MIT */
/* manifest.h - what an image is made of, as JSON. Keys: docs/manifest.md. */
#pragma once

#include "artifact/signatures.h"
#include "base/json.h"

/* The member "measurements": what a TPM holds once the image runs on a machine that trusts @keys
 * and nothing else. */
must_check int manifest_measurements(struct arena *a, struct json *j,
				     const struct boot_signed *boot, const struct keys *keys,
				     struct err *e);
/* @text, an image's manifest, after signatures were put in, which let it grow by @grown_bytes. */
must_check int manifest_signed(struct arena *a, struct str text, const struct boot_signed *boot,
			       const struct keys *keys, int64_t grown_bytes, struct str *ret,
			       struct err *e);
