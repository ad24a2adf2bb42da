/* SPDX-License-Identifier: MIT */
/* openpgp.h - OpenPGP keys and signatures for packages (RFC 9580, version 4 packets).
 *
 * RSA with PKCS#1 v1.5 and SHA-256: every rpm since 4.6 verifies it, and the same input gives the
 * same signature. */
#pragma once

#include "trust/signer.h"

struct openpgp_key; /* a public key with its creation time and user id; opaque */

/* The key of @signer, which must outlive it. @user_id: "Name (development key) <mail>", which the
 * key certifies itself. */
must_check int openpgp_new(const struct signer *signer, struct str user_id, uint64_t time_sec,
			   struct openpgp_key **ret, struct err *e);
/* The armoured public key block ("-----BEGIN PGP PUBLIC KEY BLOCK-----") with a self-signed user
 * id, as `rpm --import` and gpg take it. */
struct str openpgp_public_armor(struct arena *a, const struct openpgp_key *key);
/* The first key of the first block. */
must_check int openpgp_public_parse(struct str armor, struct openpgp_key **ret, struct err *e);
/* Lets @key sign with @signer, which must outlive it; -EKEYREJECTED when that is another key's. */
must_check int openpgp_signer_set(struct openpgp_key *key, const struct signer *signer,
				  struct err *e);
void openpgp_free(struct openpgp_key *key);
static inline void openpgp_freep(struct openpgp_key **key)
{
	openpgp_free(*key);
}
#define _cleanup_openpgp_ __attribute__((cleanup(openpgp_freep)))

/* Version 4 fingerprint, 20 bytes; its last 8 are the key id. */
void openpgp_fingerprint(const struct openpgp_key *key, uint8_t ret[20]);
/* "Name (development key) <mail>"; lives as long as the key. */
struct str openpgp_user_id(const struct openpgp_key *key);
/* A binary-document signature packet over @data, made "at" @time_sec, or when the key was made if
 * that is later: verifiers refuse a signature that is older than its key. -ENOKEY without a signer.
 */
must_check int openpgp_sign(struct arena *a, const struct openpgp_key *key, struct str data,
			    uint64_t time_sec, struct str *ret, struct err *e);
/* @signature: one such packet, with SHA-256 or SHA-512. */
must_check int openpgp_verify(const struct openpgp_key *key, struct str data, struct str signature,
			      struct err *e);
/* The same as an armoured block ("-----BEGIN PGP SIGNATURE-----"), which gpg takes as a detached
 * signature and dnf beside repomd.xml. */
must_check int openpgp_sign_armor(struct arena *a, const struct openpgp_key *key, struct str data,
				  uint64_t time_sec, struct str *ret, struct err *e);
/* To the last byte as openpgp_sign_armor() makes it. */
must_check int openpgp_verify_armor(const struct openpgp_key *key, struct str data,
				    struct str armor, struct err *e);
