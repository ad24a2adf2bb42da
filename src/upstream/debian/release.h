/* SPDX-License-Identifier: MIT */
/* release.h - Debian's signed release files: which indexes a suite has, and their digests. */
#pragma once

#include "base/hash.h"
#include "base/str.h"

enum { RELEASE_BYTES_MAX = 8 << 20 };

struct release {
	struct str suite, codename, origin;
	uint64_t time_sec, valid_until_sec; /* the latter 0 without the field */
	bool by_hash;
	bool arch_all;      /* packages for every architecture stand in an index of their own */
	struct str digests; /* the section of SHA-256 digests */
};

/* Whether @text is one message in OpenPGP's cleartext framework (RFC 9580, section 7) and nothing
 * else: no second message, no byte outside it that a verifier might skip and a reader might take
 * for signed. */
must_check int release_framed(struct str text, struct err *e);
/* Runs gpgv on an InRelease; *ret is the text that it says is signed by a key of @keyring. Like
 * apt, further signatures by keys that the keyring does not hold are no fault, a bad one is. */
must_check int release_verify(struct arena *a, struct str in_release, const char *keyring,
			      struct str *ret, struct err *e);
/* Reads the signed text. Borrows. */
must_check int release_parse(struct str text, struct release *ret, struct err *e);
/* Whether it is about @wanted (its suite or codename), and at @now_sec still valid; with
 * @check_valid_until false, the latter is not asked. */
must_check int release_check(const struct release *r, struct str wanted, uint64_t now_sec,
			     bool check_valid_until, struct err *e);

struct release_index {
	struct str path; /* below the suite's folder */
	uint64_t size_bytes;
	uint8_t sha256[SHA256_BYTES];
};

/* The best compressed form of "COMPONENT/binary-ARCH/Packages". */
must_check int release_index(struct arena *a, const struct release *r, struct str component,
			     struct str arch, struct release_index *ret, struct err *e);
