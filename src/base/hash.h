/* SPDX-License-Identifier: MIT */
/* hash.h - digests (FIPS 180-4), through libcrypto. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum { SHA256_BYTES = 32 };

void sha256(const void *p, size_t n, uint8_t ret[SHA256_BYTES]);
/* The digest as lower-case hexadecimal. */
struct str sha256_hex(struct arena *a, const void *p, size_t n);
/* As md5sum and sha1sum print them: only for foreign formats that still name them; never for
 * trust. */
void md5(const void *p, size_t n, uint8_t ret[16]);
void sha1(const void *p, size_t n, uint8_t ret[20]);

/* Incremental SHA-256; sha256_final() frees the context, sha256_done() one that was not
 * finished. */
struct sha256 {
	void *ctx;
};

void sha256_init(struct sha256 *h);
void sha256_update(struct sha256 *h, const void *p, size_t n);
void sha256_final(struct sha256 *h, uint8_t ret[SHA256_BYTES]);
void sha256_done(struct sha256 *h);

/* Many blocks with one salt in front of each, as dm-verity wants: ret is n_blocks * 32 bytes. */
void sha256_blocks(const uint8_t *salt, size_t salt_bytes, const uint8_t *blocks,
		   size_t block_bytes, size_t n_blocks, uint8_t *ret);
