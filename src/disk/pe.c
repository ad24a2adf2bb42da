/* SPDX-License-Identifier: MIT */
#include "disk/pe.h"

#include "base/rd.h"

/* Microsoft "PE Format": offsets within the file, the COFF header, the PE32+ optional header, a
 * section header. */
enum {
	DOS_PE_POINTER = 0x3c,
	DOS_MAGIC = 0x5a4d,    /* "MZ" */
	PE_MAGIC = 0x00004550, /* "PE\0\0" */
	PE32PLUS_MAGIC = 0x20b,
	COFF_BYTES = 20,
	COFF_N_SECTIONS = 2,
	COFF_TIME = 4,
	OPTIONAL_INITIALIZED_BYTES = 8,
	OPTIONAL_IMAGE_BYTES = 56,
	OPTIONAL_CHECKSUM = 64,
	OPTIONAL_BYTES_MIN = 112, /* without data directories */
	DIRECTORY_CERTIFICATES = 4,
	DIRECTORIES_MAX = 16,
	SECTION_BYTES = 40,
	SECTION_NAME_BYTES = 8,
	SECTION_INITIALIZED_DATA = 0x40,
	SECTION_MEM_READ = 0x40000000,
	PE_SECTIONS_MAX = 96,
	FILE_ALIGN_MIN = 512,
	FILE_ALIGN_MAX = 64 << 10,
	SECTION_ALIGN_MAX = 1 << 26,
	PAGE_BYTES = 4096,
};

/* Where things stand in a file, and what its headers say. */
struct layout {
	size_t coff, optional, table; /* offsets */
	uint16_t machine, n_sections, optional_bytes;
	uint32_t initialized_bytes, section_align, file_align, image_bytes, header_bytes,
		certificate_bytes;
};

static bool is_power(uint32_t x, uint32_t min, uint32_t max)
{
	return x >= min && x <= max && (x & (x - 1)) == 0;
}

/* The size of the certificate table; 0 when the file has no such directory. */
static uint32_t certificates_parse(struct rd *r, uint32_t n_directories)
{
	if (n_directories <= DIRECTORY_CERTIFICATES)
		return 0;
	rd_bytes(r, (size_t)DIRECTORY_CERTIFICATES * 8);
	rd_le32(r);
	return rd_le32(r);
}

static int optional_parse(struct rd *r, struct layout *l, struct err *e)
{
	struct rd o = { rd_bytes(r, l->optional_bytes), l->optional_bytes, 0, r->bad };
	uint16_t magic = rd_le16(&o);
	uint32_t n_directories;

	if (r->bad || o.bad || magic != PE32PLUS_MAGIC)
		return err_set(e, -EBADMSG, "PE: not a 64-bit (PE32+) executable");
	rd_seek(&o, OPTIONAL_INITIALIZED_BYTES);
	l->initialized_bytes = rd_le32(&o);
	rd_seek(&o, 32);
	l->section_align = rd_le32(&o);
	l->file_align = rd_le32(&o);
	rd_seek(&o, OPTIONAL_IMAGE_BYTES);
	l->image_bytes = rd_le32(&o);
	l->header_bytes = rd_le32(&o);
	rd_seek(&o, OPTIONAL_BYTES_MIN - 4);
	n_directories = rd_le32(&o);
	if (n_directories > DIRECTORIES_MAX)
		return err_set(e, -EBADMSG, "PE: %u data directories, want at most %d",
			       n_directories, DIRECTORIES_MAX);
	l->certificate_bytes = certificates_parse(&o, n_directories);
	if (o.bad)
		return err_set(e, -EBADMSG, "PE: optional header ends early");
	if (!is_power(l->file_align, FILE_ALIGN_MIN, FILE_ALIGN_MAX) ||
	    !is_power(l->section_align, l->file_align, SECTION_ALIGN_MAX))
		return err_set(e, -EBADMSG,
			       "PE: alignment of %u bytes in memory and %u in the file",
			       l->section_align, l->file_align);
	return 0;
}

static int layout_parse(struct str image, struct layout *ret, struct err *e)
{
	struct rd r = { (const uint8_t *)image.p, image.n, 0, false };
	struct layout l = { 0 };
	int err;

	if (rd_le16(&r) != DOS_MAGIC)
		return err_set(e, -EBADMSG, "PE: does not begin with 'MZ'");
	rd_seek(&r, DOS_PE_POINTER);
	rd_seek(&r, rd_le32(&r));
	if (rd_le32(&r) != PE_MAGIC)
		return err_set(e, -EBADMSG, "PE: no 'PE' header");
	l.coff = r.pos;
	l.machine = rd_le16(&r);
	l.n_sections = rd_le16(&r);
	rd_bytes(&r, 12); /* time, symbols: of no use */
	l.optional_bytes = rd_le16(&r);
	rd_le16(&r);
	l.optional = l.coff + COFF_BYTES;
	err = optional_parse(&r, &l, e);
	if (err < 0)
		return err;
	l.table = r.pos;
	if (l.n_sections > PE_SECTIONS_MAX)
		return err_set(e, -EBADMSG, "PE: %u sections, want at most %d", l.n_sections,
			       PE_SECTIONS_MAX);
	if (l.header_bytes > image.n ||
	    l.header_bytes < l.table + (size_t)l.n_sections * SECTION_BYTES)
		return err_set(e, -EBADMSG, "PE: headers of %u bytes do not hold %u sections",
			       l.header_bytes, l.n_sections);
	*ret = l;
	return 0;
}

/* Fills *s; *next is the lowest address that the section may have, and then the one behind it. */
static int section_parse(struct str image, const struct layout *l, struct rd *r, uint64_t *next,
			 struct pe_section *s, struct err *e)
{
	struct rd content = { (const uint8_t *)image.p, image.n, 0, false };
	uint32_t raw_bytes, raw_offset;

	s->name = rd_str(r, SECTION_NAME_BYTES);
	s->name = str_cut(&s->name, '\0');
	s->virtual_size = rd_le32(r);
	s->virtual_address = rd_le32(r);
	raw_bytes = rd_le32(r);
	raw_offset = rd_le32(r);
	rd_bytes(r, 16); /* relocations, line numbers, flags */
	if (s->virtual_address < *next ||
	    (uint64_t)s->virtual_address + s->virtual_size > l->image_bytes)
		return err_set(
			e, -EBADMSG,
			"PE: section '%.*s': %u bytes at %#x overlap or leave an image of %u bytes",
			STR_FMT(s->name), s->virtual_size, s->virtual_address, l->image_bytes);
	*next = (uint64_t)s->virtual_address + s->virtual_size;
	if (raw_bytes > 0)
		rd_seek(&content, raw_offset);
	s->data = rd_str(&content, raw_bytes);
	if (content.bad ||
	    (raw_bytes > 0 && raw_offset < l->table + (size_t)l->n_sections * SECTION_BYTES))
		return err_set(
			e, -EBADMSG,
			"PE: section '%.*s': %u bytes from %u are not in a file of %zu bytes",
			STR_FMT(s->name), raw_bytes, raw_offset, image.n);
	s->data = str_head(s->data, s->virtual_size); /* the rest is padding */
	return 0;
}

static int sections_parse(struct arena *a, struct str image, const struct layout *l, struct pe *ret,
			  struct err *e)
{
	struct rd r = { (const uint8_t *)image.p, l->header_bytes, l->table, false };
	struct pe_section *sections = arena_array(a, l->n_sections, sizeof(*sections));
	uint64_t next = 0;

	for (size_t i = 0; i < l->n_sections; i++) {
		int err = section_parse(image, l, &r, &next, &sections[i], e);

		if (err < 0)
			return err;
	}
	*ret = (struct pe){ l->machine, sections, l->n_sections, l->image_bytes };
	return 0;
}

int pe_read(struct arena *a, struct str image, struct pe *ret, struct err *e)
{
	struct layout l = { 0 };
	int err = layout_parse(image, &l, e);

	return err < 0 ? err : sections_parse(a, image, &l, ret, e);
}

const struct pe_section *pe_section(const struct pe *pe, const char *name)
{
	for (size_t i = 0; i < pe->n_sections; i++)
		if (str_eqz(pe->sections[i].name, name))
			return &pe->sections[i];
	return NULL;
}

static void put_le16(uint8_t *p, uint16_t x)
{
	x = htole16(x);
	memcpy(p, &x, sizeof(x));
}

static void put_le32(uint8_t *p, uint32_t x)
{
	x = htole32(x);
	memcpy(p, &x, sizeof(x));
}

static uint64_t align_up(uint64_t x, uint64_t align)
{
	return (x + align - 1) & ~(align - 1);
}

static int names_check(const struct pe *stub, const struct pe_section *add, size_t n_add,
		       struct err *e)
{
	for (size_t i = 0; i < n_add; i++) {
		struct str name = add[i].name;
		bool twice = false;

		if (name.n < 2 || name.n > SECTION_NAME_BYTES || name.p[0] != '.' ||
		    str_find(name, '\0') >= 0)
			return err_set(e, -EINVAL,
				       "section '%.*s': want a dot and at most 7 letters",
				       STR_FMT(name));
		if (add[i].data.n == 0)
			return err_set(e, -EINVAL, "section '%.*s' is empty", STR_FMT(name));
		for (size_t k = 0; k < stub->n_sections; k++)
			twice = twice || str_eq(stub->sections[k].name, name);
		for (size_t k = 0; k < i; k++)
			twice = twice || str_eq(add[k].name, name);
		if (twice)
			return err_set(
				e, -EINVAL,
				"section '%.*s' is given, but stands already in the stub or before it",
				STR_FMT(name));
	}
	return 0;
}

/* Whether the stub can take @n_add further sections at all. */
static int stub_check(const struct layout *l, struct str stub, size_t n_add, struct err *e)
{
	size_t end = l->table + (size_t)l->n_sections * SECTION_BYTES, want = n_add * SECTION_BYTES;

	if (l->certificate_bytes > 0)
		return err_set(
			e, -EINVAL,
			"stub is signed: use the unsigned one, the whole image is signed later");
	if (n_add + l->n_sections > PE_SECTIONS_MAX || l->header_bytes - end < want)
		return err_set(e, -ENOSPC, "stub has room for %zu more sections, not for %zu",
			       (l->header_bytes - end) / SECTION_BYTES, n_add);
	for (size_t i = end; i < end + want; i++)
		if (stub.p[i] != 0)
			return err_set(e, -ENOSPC,
				       "stub has other bytes behind its section headers");
	return 0;
}

/* Where the next section goes. */
struct place {
	uint64_t address, offset;
};

/* Fills the section's header and appends its content. Pages, since the stub hands the kernel on
 * where it stands. */
static int section_add(struct arena *a, const struct layout *l, const struct pe_section *s,
		       struct place *at, uint8_t *header, struct segments *out, struct err *e)
{
	uint64_t raw_bytes = align_up(s->data.n, l->file_align);
	uint32_t align = l->section_align < PAGE_BYTES ? PAGE_BYTES : l->section_align;

	at->address = align_up(at->address, align);
	if (s->data.n > UINT32_MAX || at->address + s->data.n > UINT32_MAX - align ||
	    at->offset + raw_bytes > UINT32_MAX)
		return err_set(e, -EFBIG,
			       "section '%.*s': %zu bytes make the image larger than 4 GiB",
			       STR_FMT(s->name), s->data.n);
	memcpy(header, s->name.p, s->name.n);
	put_le32(header + 8, (uint32_t)s->data.n);
	put_le32(header + 12, (uint32_t)at->address);
	put_le32(header + 16, (uint32_t)raw_bytes);
	put_le32(header + 20, (uint32_t)at->offset);
	put_le32(header + 36, SECTION_INITIALIZED_DATA | SECTION_MEM_READ);
	segments_add(a, out, s->data.p, s->data.n);
	segments_align(a, out, l->file_align);
	at->address += s->data.n;
	at->offset += raw_bytes;
	return 0;
}

/* Of little-endian 32-bit words, the last filled up with zeroes. Fewer than 2^32 of them: no
 * overflow. */
static uint64_t words_sum(const uint8_t *p, uint64_t n)
{
	uint64_t sum = 0, i;
	uint32_t x;

	for (i = 0; n - i >= sizeof(x); i += sizeof(x)) {
		memcpy(&x, p + i, sizeof(x));
		sum += le32toh(x);
	}
	x = 0;
	memcpy(&x, p + i, n - i);
	return sum + le32toh(x);
}

/* The one's complement sum of 16-bit words, plus the file's size: taken as 32-bit words, which give
 * the same, as 2^16 is 1 modulo 2^16 - 1. Every run of bytes starts at a multiple of the file's
 * alignment, or is zeroes. */
static uint32_t checksum_finish(uint64_t sum, uint64_t size_bytes)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)(sum + size_bytes);
}

static uint32_t checksum(const struct segments *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->v.n; i++)
		if (s->v.p[i].data)
			sum += words_sum(s->v.p[i].data, s->v.p[i].size_bytes);
	return checksum_finish(sum, s->size_bytes);
}

static void headers_finish(uint8_t *image, const struct layout *l, size_t n_add,
			   uint64_t image_bytes, uint64_t added_bytes)
{
	uint8_t *optional = image + l->optional;

	put_le16(image + l->coff + COFF_N_SECTIONS, (uint16_t)(l->n_sections + n_add));
	put_le32(image + l->coff + COFF_TIME, 0);
	put_le32(optional + OPTIONAL_INITIALIZED_BYTES,
		 (uint32_t)(l->initialized_bytes + added_bytes));
	put_le32(optional + OPTIONAL_IMAGE_BYTES, (uint32_t)image_bytes);
	put_le32(optional + OPTIONAL_CHECKSUM, 0);
}

int uki_build(struct arena *a, struct str stub, const struct pe_section *add, size_t n_add,
	      struct segments *ret, struct err *e)
{
	struct segments out = { 0 };
	struct layout l = { 0 };
	struct place at;
	struct pe pe = { 0 };
	uint64_t added_bytes = 0;
	uint8_t *image;
	int r = layout_parse(stub, &l, e);

	if (r == 0)
		r = sections_parse(a, stub, &l, &pe, e);
	if (r < 0)
		return err_wrap(e, r, "stub");
	r = stub_check(&l, stub, n_add, e);
	if (r == 0)
		r = names_check(&pe, add, n_add, e);
	if (r < 0)
		return r;
	image = arena_copy(a, stub.p, stub.n);
	segments_add(a, &out, image, stub.n);
	segments_align(a, &out, l.file_align);
	at = (struct place){ l.image_bytes, out.size_bytes };
	for (size_t i = 0; r == 0 && i < n_add; i++) {
		uint8_t *header = image + l.table + (l.n_sections + i) * SECTION_BYTES;

		r = section_add(a, &l, &add[i], &at, header, &out, e);
		added_bytes += add[i].data.n;
	}
	if (r < 0)
		return r;
	headers_finish(image, &l, n_add, align_up(at.address, l.section_align), added_bytes);
	put_le32(image + l.optional + OPTIONAL_CHECKSUM, checksum(&out));
	*ret = out;
	return 0;
}

int pe_checksum_check(struct str image, struct err *e)
{
	const uint8_t *p = (const uint8_t *)image.p;
	struct layout l = { 0 };
	uint32_t stored, computed;
	size_t at;
	int r = layout_parse(image, &l, e);

	if (r < 0)
		return r;
	at = l.optional + OPTIONAL_CHECKSUM;
	if (at % 4 != 0 || at + 4 > image.n)
		return err_set(e, -EBADMSG, "the checksum's place is not aligned");
	memcpy(&stored, p + at, sizeof(stored));
	stored = le32toh(stored);
	computed = checksum_finish(words_sum(p, at) + words_sum(p + at + 4, image.n - at - 4),
				   image.n);
	if (stored != computed)
		return err_set(e, -EBADMSG, "checksum is %08x, its content gives %08x", stored,
			       computed);
	return 0;
}
