/* SPDX-License-Identifier: MIT */
/* rpmfile.h - RPM package files, format 4 (rpm docs/manual/format_v4.md): lead, signature header,
 * header, zstd payload. */
#pragma once

#include "rpm/package.h"
#include "trust/openpgp.h"

/* Writes a signed v4 package: SHA-256 file digests, payload digests (PAYLOADDIGEST and ...ALT),
 * header SHA-1/SHA-256, an OpenPGP header signature, capabilities, flags, languages, changelog,
 * hard links as RPM stores them, build host "ashlar", build time from the package. Ashlar's own
 * facts about the origin are kept in standard tags where there is one (SOURCERPM, VENDOR,
 * DISTRIBUTION, URL) and otherwise as Provides (decide, document, read back). The same input gives
 * the same bytes. ELF provides and requires must be in @p already (elf_deps()). */
must_check int rpm_write(struct arena *a, const struct rpm_package *p,
			 const struct openpgp_key *key, int zstd_level, struct str *ret,
			 struct err *e);

/* Reads and checks a package file: every digest and, when @key is given, the signature. File data
 * borrow from a buffer in
 * @a (the decompressed payload), at most @max_payload_bytes. Hostile input is an error that names
 * the package and what is wrong. */
must_check int rpm_read(struct arena *a, struct str bytes, const struct openpgp_key *key,
			size_t max_payload_bytes, struct rpm_package *ret, struct err *e);

/* Adds ELF provides and requires as RPM's own generator writes them:
 * "libc.so.6(GLIBC_2.34)(64bit)", soname provides, "rtld(GNU_HASH)". Only for ELF files the
 * generator would look at. Sorted, without repetition. */
must_check int elf_deps(struct arena *a, struct rpm_package *p, struct err *e);
