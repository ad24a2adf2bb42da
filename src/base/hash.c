/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { STEP_BYTES = ARENA_SPILL_BYTES_MIN };

/* libcrypto fails here only when it is out of memory or its default provider is missing: neither
 * has a way on. */
static void must(int ok)
{
	if (ok != 1)
		abort();
}

static EVP_MD_CTX *ctx_new(const EVP_MD *md)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	must(ctx != NULL);
	must(EVP_DigestInit_ex(ctx, md, NULL));
	return ctx;
}

/* What is large leaves memory step by step. */
static void digest(const EVP_MD *md, const uint8_t *p, size_t n, uint8_t *ret)
{
	EVP_MD_CTX *ctx;

	if (n <= STEP_BYTES) {
		must(EVP_Digest(p, n, ret, NULL, md, NULL));
		return;
	}
	ctx = ctx_new(md);
	while (n > 0) {
		size_t step = n < STEP_BYTES ? n : STEP_BYTES;

		must(EVP_DigestUpdate(ctx, p, step));
		memory_leave(p, step);
		p += step;
		n -= step;
	}
	must(EVP_DigestFinal_ex(ctx, ret, NULL));
	EVP_MD_CTX_free(ctx);
}

void sha256(const void *p, size_t n, uint8_t ret[SHA256_BYTES])
{
	digest(EVP_sha256(), p, n, ret);
}

struct str sha256_hex(struct arena *a, const void *p, size_t n)
{
	uint8_t digest[SHA256_BYTES];

	sha256(p, n, digest);
	return hex_encode(a, digest, sizeof(digest));
}

void md5(const void *p, size_t n, uint8_t ret[16])
{
	digest(EVP_md5(), p, n, ret);
}

void sha1(const void *p, size_t n, uint8_t ret[20])
{
	must(EVP_Digest(p, n, ret, NULL, EVP_sha1(), NULL));
}

void sha256_init(struct sha256 *h)
{
	h->ctx = ctx_new(EVP_sha256());
}

void sha256_update(struct sha256 *h, const void *p, size_t n)
{
	must(EVP_DigestUpdate(h->ctx, p, n));
}

void sha256_final(struct sha256 *h, uint8_t ret[SHA256_BYTES])
{
	must(EVP_DigestFinal_ex(h->ctx, ret, NULL));
	sha256_done(h);
}

void sha256_done(struct sha256 *h)
{
	EVP_MD_CTX_free(h->ctx);
	h->ctx = NULL;
}

void sha256_blocks(const uint8_t *salt, size_t salt_bytes, const uint8_t *blocks,
		   size_t block_bytes, size_t n_blocks, uint8_t *ret)
{
	EVP_MD_CTX *salted = ctx_new(EVP_sha256()), *ctx = EVP_MD_CTX_new();
	size_t left = 0; /* so many blocks have left memory */

	must(ctx != NULL);
	must(EVP_DigestUpdate(salted, salt, salt_bytes));
	for (size_t i = 0; i < n_blocks; i++) {
		must(EVP_MD_CTX_copy_ex(ctx, salted));
		must(EVP_DigestUpdate(ctx, blocks + i * block_bytes, block_bytes));
		must(EVP_DigestFinal_ex(ctx, ret + i * SHA256_BYTES, NULL));
		if ((i + 1 - left) * block_bytes < STEP_BYTES)
			continue;
		memory_leave(blocks + left * block_bytes, (i + 1 - left) * block_bytes);
		left = i + 1;
	}
	EVP_MD_CTX_free(ctx);
	EVP_MD_CTX_free(salted);
}
