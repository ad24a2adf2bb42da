/* SPDX-License-Identifier: MIT */
/* rpmfile.h - RPM package files, format 4 (rpm docs/manual/format_v4.md): lead, signature header,
 * header, zstd payload. */
#pragma once

#include "rpm/package.h"
#include "trust/openpgp.h"

/* Writes a signed v4 package: SHA-256 file digests, payload digests (PAYLOADDIGEST and ...ALT),
 * header SHA-1/SHA-256, MD5, an OpenPGP header signature, capabilities, flags, languages,
 * changelog, hard links as RPM stores them, build host "ashlar", build time from the package. File
 * digests and sizes are taken from the data, not from the fields of struct rpm_file. Dependencies
 * come out sorted and once each, with the package's own name among the provides and the rpmlib()
 * requires added. SOURCERPM is made from the source's name and version; the whole origin is a
 * package URL in VCS (purl.h); mirrors are not recorded. The same input gives the same bytes. ELF
 * provides and requires must be in @p already (elf_deps()). Refuses paths that are not absolute,
 * normalised, sorted and unique, more than 1 TiB, and devices above 255; sizes above 4 GiB stand in
 * the tags that rpm has for them. Beside @p, needs about twice the size of the package, in files
 * where @a spills. May run on several threads at once, as the functions below. */
must_check int rpm_write(struct arena *a, const struct rpm_package *p,
			 const struct openpgp_key *key, int zstd_level, struct str *ret,
			 struct err *e);

/* Reads and checks a package file: the SHA-256 digests of header, payload and each file and, when
 * @key is given, the RSA signature of the header; the weaker digests are not looked at. File data
 * borrow from a buffer in @a (the decompressed payload), at most @max_payload_bytes. Files are in
 * header order, which is sorted. rpmlib() requires are left out. Hostile input is an error that
 * names the package and what is wrong. */
must_check int rpm_read(struct arena *a, struct str bytes, const struct openpgp_key *key,
			size_t max_payload_bytes, struct rpm_package *ret, struct err *e);

/* "name-version-release" as the first RPM_LEAD_BYTES of a package file say (cut, if long),
 * borrowed; empty when it is none. Only for people to read. */
enum { RPM_LEAD_BYTES = 96 };
struct str rpm_lead_name(struct str bytes);

/* Adds ELF provides and requires as RPM's own generator (tools/elfdeps.c) writes them:
 * "libc.so.6(GLIBC_2.34)(64bit)", soname provides, "rtld(GNU_HASH)". Of shared libraries whatever
 * their mode, of programs only if executable. Sorted, without repetition; damaged ELF files have
 * none. */
must_check int elf_deps(struct arena *a, struct rpm_package *p, struct err *e);
