/* SPDX-License-Identifier: MIT */
#include "disk/pe_format.h"

static bool is_power(uint32_t x, uint32_t min, uint32_t max)
{
	return x >= min && x <= max && (x & (x - 1)) == 0;
}

static void certificates_parse(struct rd *r, uint32_t n_directories, struct pe_layout *l)
{
	if (n_directories <= DIRECTORY_CERTIFICATES)
		return;
	rd_bytes(r, (size_t)DIRECTORY_CERTIFICATES * PE_ENTRY_BYTES);
	l->certificates = l->optional + r->pos;
	l->certificates_offset = rd_le32(r);
	l->certificates_bytes = rd_le32(r);
}

static int optional_parse(struct rd *r, struct pe_layout *l, struct err *e)
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
	certificates_parse(&o, n_directories, l);
	if (o.bad)
		return err_set(e, -EBADMSG, "PE: optional header ends early");
	if (!is_power(l->file_align, FILE_ALIGN_MIN, FILE_ALIGN_MAX) ||
	    !is_power(l->section_align, l->file_align, SECTION_ALIGN_MAX))
		return err_set(e, -EBADMSG,
			       "PE: alignment of %u bytes in memory and %u in the file",
			       l->section_align, l->file_align);
	return 0;
}

int pe_layout_parse(struct str image, struct pe_layout *ret, struct err *e)
{
	struct rd r = { (const uint8_t *)image.p, image.n, 0, false };
	struct pe_layout l = { 0 };
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
static int section_parse(struct str image, const struct pe_layout *l, struct rd *r, uint64_t *next,
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

int pe_sections_parse(struct arena *a, struct str image, const struct pe_layout *l, struct pe *ret,
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
	struct pe_layout l = { 0 };
	int err = pe_layout_parse(image, &l, e);

	return err < 0 ? err : pe_sections_parse(a, image, &l, ret, e);
}

const struct pe_section *pe_section(const struct pe *pe, const char *name)
{
	for (size_t i = 0; i < pe->n_sections; i++)
		if (str_eqz(pe->sections[i].name, name))
			return &pe->sections[i];
	return NULL;
}

uint64_t pe_words_sum(const uint8_t *p, uint64_t n)
{
	uint64_t sum = 0, i;
	uint32_t x;

	for (i = 0; n - i >= sizeof(x); i += sizeof(x))
		sum += pe_get_le32(p + i);
	x = 0;
	memcpy(&x, p + i, n - i);
	return sum + le32toh(x);
}

uint32_t pe_checksum_finish(uint64_t sum, uint64_t size_bytes)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)(sum + size_bytes);
}

/* Where the checksum stands, and what it ought to be. */
static int checksum_compute(struct str image, size_t *ret_at, uint32_t *ret, struct err *e)
{
	const uint8_t *p = (const uint8_t *)image.p;
	struct pe_layout l = { 0 };
	size_t at, behind;
	int r = pe_layout_parse(image, &l, e);

	if (r < 0)
		return r;
	at = l.optional + OPTIONAL_CHECKSUM;
	behind = at + PE_CHECKSUM_BYTES;
	if (at % 4 != 0)
		return err_set(e, -EBADMSG, "PE: the checksum's place is not aligned");
	*ret_at = at;
	*ret = pe_checksum_finish(pe_words_sum(p, at) + pe_words_sum(p + behind, image.n - behind),
				  image.n);
	return 0;
}

int pe_checksum_check(struct str image, struct err *e)
{
	uint32_t stored, computed;
	size_t at;
	int r = checksum_compute(image, &at, &computed, e);

	if (r < 0)
		return r;
	stored = pe_get_le32(image.p + at);
	if (stored != computed)
		return err_set(e, -EBADMSG, "checksum is %08x, its content gives %08x", stored,
			       computed);
	return 0;
}

static int checksum_set(uint8_t *image, size_t n, struct err *e)
{
	uint32_t computed;
	size_t at;
	int r = checksum_compute((struct str){ (const char *)image, n }, &at, &computed, e);

	if (r == 0)
		pe_put_le32(image + at, computed);
	return r;
}

/* Firmware hashes the headers, then the sections by their offsets, then the rest, counting bytes:
 * the same as from start to end when they follow each other without a gap. */
static int tiles_check(struct str image, const struct pe_layout *l, size_t *ret_end, struct err *e)
{
	size_t end = l->header_bytes;

	for (size_t i = 0; i < l->n_sections; i++) {
		const char *header = image.p + l->table + i * SECTION_BYTES;
		uint32_t raw_bytes = pe_get_le32(header + SECTION_RAW_BYTES);
		uint32_t raw_offset = pe_get_le32(header + SECTION_RAW_OFFSET);

		if (raw_bytes == 0)
			continue;
		if (raw_offset != end || raw_bytes > image.n - end)
			return err_set(e, -EBADMSG,
				       "PE: section %zu: %u bytes from %u do not follow those "
				       "before it, which end at %zu: cannot be signed",
				       i, raw_bytes, raw_offset, end);
		end += raw_bytes;
	}
	*ret_end = end;
	return 0;
}

int pe_signing(struct str image, struct pe_signing *ret, struct err *e)
{
	struct pe_layout l = { 0 };
	size_t end = 0;
	int r = pe_layout_parse(image, &l, e);

	if (r == 0)
		r = tiles_check(image, &l, &end, e);
	if (r < 0)
		return r;
	if (l.certificates == 0)
		return err_set(e, -EBADMSG, "PE: no entry for a certificate table in the headers");
	if (l.certificates_bytes > 0 &&
	    (l.certificates_offset < end || l.certificates_offset % PE_CERTIFICATE_ALIGN != 0 ||
	     (uint64_t)l.certificates_offset + l.certificates_bytes != image.n))
		return err_set(e, -EBADMSG,
			       "PE: certificate table of %u bytes from %u is not the end of a "
			       "file of %zu bytes",
			       l.certificates_bytes, l.certificates_offset, image.n);
	*ret = (struct pe_signing){ .checksum = l.optional + OPTIONAL_CHECKSUM,
				    .entry = l.certificates,
				    .end = l.certificates_bytes > 0 ? l.certificates_offset
								    : image.n };
	return 0;
}

int pe_signing_set(uint8_t *image, size_t n, const struct pe_signing *s, struct err *e)
{
	if (n > UINT32_MAX)
		return err_set(e, -EFBIG, "PE: signature makes the image larger than 4 GiB");
	pe_put_le32(image + s->entry, n > s->end ? (uint32_t)s->end : 0);
	pe_put_le32(image + s->entry + 4, (uint32_t)(n - s->end));
	return checksum_set(image, n, e);
}
