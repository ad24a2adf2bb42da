/* SPDX-License-Identifier: MIT */
/* release.h - Debian's signed release files: which indexes a suite has, and their digests. */
#pragma once

#include "base/hash.h"
#include "base/str.h"
#include "upstream/keyring.h"

enum {
	RELEASE_BYTES_MAX = 8 << 20,
	/* By how much a release file may be younger than this machine's clock says: apt's
	 * Acquire::Max-FutureTime. */
	RELEASE_FUTURE_SEC = 10,
};

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
/* Runs gpgv on an InRelease (@signature empty), or on a Release with its Release.gpg; *ret is the
 * text that it says is signed by a key of @keyring. As apt decides: one good signature is enough,
 * beside others by keys that are unknown, expired or revoked; but not beside one that is wrong. */
must_check int release_verify(struct arena *a, struct str text, struct str signature,
			      const struct keyring *keyring, struct str *ret, struct err *e);
/* Reads the signed text. Borrows. */
must_check int release_parse(struct str text, struct release *ret, struct err *e);

/* What a release file is held against. */
struct release_want {
	struct str suite;    /* as the definition names it */
	struct str codename; /* what the definition says it calls itself instead; or empty */
	uint64_t now_sec;
	bool check_date;        /* refuse one from the future */
	bool check_valid_until; /* refuse one that has expired */
};

/* Whether it is what is wanted. Its Suite or Codename must be the wanted suite, also without what
 * stands behind the last '/' ("stable/updates" calls itself "stable"). One that says neither, and
 * one of a flat repository, may be called anything. */
must_check int release_check(const struct release *r, const struct release_want *want,
			     struct err *e);
/* "2026-09-12 07:55:41 UTC" */
struct str release_time_text(struct arena *a, uint64_t sec);
/* Whether a suite is a flat repository: indexes lie beside the release file, and there are no
 * components. sources.list(5): its name ends with '/'. */
bool suite_flat(struct str suite);

struct release_index {
	struct str path; /* below the suite's folder */
	uint64_t size_bytes;
	uint8_t sha256[SHA256_BYTES];
};

typedef VEC(struct release_index) vec_release_index;

/* The forms of "COMPONENT/binary-ARCH/Packages" that it lists, the best compressed one first; of a
 * flat repository, with an empty @component, of "Packages". */
void release_indexes(struct arena *a, const struct release *r, struct str component,
		     struct str arch, vec_release_index *ret);
/* "COMPONENT/binary-ARCH/Packages" with an ending, or "Packages". */
struct str release_index_path(struct arena *a, struct str component, struct str arch,
			      const char *ending);
/* Whether there is one. */
bool release_has(const struct release *r, struct str component, struct str arch);
