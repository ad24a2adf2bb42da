/* SPDX-License-Identifier: MIT */
/* pe.h - PE/COFF executables (Microsoft PE format) and unified kernel images (UAPI group
 * specification): a stub with sections added. */
#pragma once

#include "base/str.h"
#include "disk/segment.h"

struct pe_section {
	struct str name; /* at most 8 bytes: ".linux", ".initrd", ".cmdline", ".osrel", ".uname",
			    ".sbat", ".pcrsig" */
	struct str data; /* borrowed */
	uint32_t virtual_address, virtual_size; /* filled by pe_read() */
};

struct pe {
	uint16_t machine;
	const struct pe_section *sections;
	size_t n_sections;
	uint32_t image_bytes; /* SizeOfImage */
};

/* @stub with @add behind its own sections, in the given order; virtual addresses above all others,
 * so that each section stands whole in memory. A section that the stub has already is an error, but
 * for ".sbat" (SBAT.md of the shim project: lines "NAME,GENERATION,VENDOR,PACKAGE,VERSION,URL", the
 * first of them "sbat,1,..."): all but its first line are added to the stub's own, which say which
 * stub it is, in the room that the stub leaves. So are a signed stub and one without room for the
 * section headers. Checksum set, no timestamps. Borrows the contents. */
must_check int uki_build(struct arena *a, struct str stub, const struct pe_section *add,
			 size_t n_add, struct segments *ret, struct err *e);
/* Parses headers and sections, checking every bound. Borrows @image. */
must_check int pe_read(struct arena *a, struct str image, struct pe *ret, struct err *e);
/* Whether the file's CheckSum fits its content: notices what happened by accident, not what was
 * done on purpose, which signatures are for. Not every PE file has one; those of uki_build() do. */
must_check int pe_checksum_check(struct str image, struct err *e);
/* The section of that name, or NULL. */
const struct pe_section *pe_section(const struct pe *pe, const char *name);

/* What a signature of an executable leaves out (Microsoft PE format, "The Attribute Certificate
 * Table"), as offsets in the file. */
struct pe_signing {
	size_t checksum; /* PE_CHECKSUM_BYTES long */
	size_t entry;    /* PE_ENTRY_BYTES long: offset and size of the certificate table */
	size_t end;      /* where that table begins; the file's size when there is none */
};
enum { PE_CHECKSUM_BYTES = 4, PE_ENTRY_BYTES = 8, PE_CERTIFICATE_ALIGN = 8 };

/* Refuses files that firmware does not hash from start to end: with gaps between sections, or with
 * a table that does not end the file. */
must_check int pe_signing(struct str image, struct pe_signing *ret, struct err *e);
/* Says in the headers that the table reaches from @s->end to the end of the image, or that there is
 * none when the two are the same, and sets the checksum. */
must_check int pe_signing_set(uint8_t *image, size_t n, const struct pe_signing *s, struct err *e);
