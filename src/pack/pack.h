/* SPDX-License-Identifier: MIT */
/* pack.h - a package, cut once: the content of its files as blocks of EROFS, compressed and
 * aligned, the digests of these blocks for a hash tree, and the table of its files. Images are laid
 * from packs; nothing is expanded or compressed then.
 *
 * What generators make is kept the same way (a "derived" pack): expensive to make, a function of
 * its inputs, and large enough to be worth cutting once. */
#pragma once

#include "disk/erofs.h"
#include "rpm/package.h"

/* Bump when the same package would be cut, or written down, in another way. */
enum { PACK_VERSION = 6 };

struct pack;

/* The package file that a pack was cut from. Its front is all before its payload: what the RPM
 * database and a repository's metadata are made of, a small part of it. */
struct pack_rpm {
	uint8_t sha256[SHA256_BYTES], front_sha256[SHA256_BYTES];
	uint64_t bytes, front_bytes;
};

/* The content of a regular file. Files of equal content in one pack share it. */
struct pack_file {
	const struct pack *pack;
	struct erofs_content content; /* .fragment counts pack->fragments */
	uint8_t sha256[SHA256_BYTES];
};

/* Mapped and read-only; its file may be removed meanwhile. All pointers lead into itself. */
struct pack {
	const char *path;  /* in the cache */
	struct str recipe; /* what it was made from, in words of whoever keeps packs */
	struct segment_blocks blocks;
	size_t mapped_bytes; /* the whole file */
	enum erofs_codec codec;
	struct erofs_fragment *fragments;
	uint32_t n_fragments;
	struct pack_file *files; /* distinct contents */
	uint32_t n_files;
	/* .files has .packed instead of .data, but for link targets. Of .meta only name, version,
	 * release, epoch, arch and license are set, and what it claims of others' files; there is
	 * no changelog. */
	struct rpm_package package;
	struct pack_rpm rpm; /* zeroes in a derived pack */
};

/* The bytes of a pack. Of @p, files need .data (link groups repeat it), which is borrowed; results
 * in @a. Fails on files that rpm_files_check() refuses. */
must_check int pack_encode(struct arena *a, struct str recipe, const struct rpm_package *p,
			   const struct pack_rpm *rpm, const struct erofs_compression *how,
			   struct segments *ret, struct err *e);
/* Opens and checks all but the content of blocks: magic, version, bounds, the digest over
 * everything that is no block. -ENOENT; -EBADMSG with the reason. Unmapped by pack_close(). */
must_check int pack_open(struct arena *a, const char *path, struct pack **ret, struct err *e);
void pack_close(struct pack *p);

/* Content, in @a, checked against its SHA-256: -EBADMSG naming the pack when it is damaged. */
must_check int pack_read(struct arena *a, const struct pack_file *f, struct str *ret,
			 struct err *e);
/* Whether the blocks of a run that lies in a pack (.blocks) are what their leaves say. */
bool pack_blocks_good(const struct segment *s);
/* Its content turned out to be damaged: the file goes, so that the next build makes it again. */
void pack_discard(const struct pack *p);
