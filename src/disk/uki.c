/* SPDX-License-Identifier: MIT */
#include "disk/pe_format.h"

static uint64_t align_up(uint64_t x, uint64_t align)
{
	return (x + align - 1) & ~(align - 1);
}

static const char sbat_name[] = ".sbat", sbat_first[] = "sbat,1,";

enum { SBAT_FIELDS = 6 };

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
		for (size_t k = 0; k < stub->n_sections && !str_eqz(name, sbat_name); k++)
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
static int stub_check(const struct pe_layout *l, struct str stub, size_t n_add, struct err *e)
{
	size_t end = l->table + (size_t)l->n_sections * SECTION_BYTES, want = n_add * SECTION_BYTES;

	if (l->certificates_bytes > 0)
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

static int sbat_line_check(struct str line, struct err *e)
{
	struct str rest = line, name = str_cut(&rest, ','), number = str_cut(&rest, ',');
	unsigned fields = 3;
	uint64_t generation;

	for (size_t i = 0; i < rest.n; i++)
		fields += rest.p[i] == ',';
	if (name.n == 0 || !str_u64(number, UINT32_MAX, &generation) || generation == 0 ||
	    fields != SBAT_FIELDS || str_find(line, '\0') >= 0)
		return err_set(e, -EINVAL,
			       "section '.sbat': line '%.*s' is not "
			       "NAME,GENERATION,VENDOR,PACKAGE,VERSION,URL",
			       STR_FMT(line));
	return 0;
}

/* Lest firmware skips it: revocation would do nothing, and nobody would notice. */
static int sbat_check(struct str text, struct err *e)
{
	int r = 0;

	if (!str_starts(text, sbat_first) || !str_ends(text, "\n"))
		return err_set(
			e, -EINVAL,
			"section '.sbat' does not begin with a line '%s...', or does not end "
			"with a line feed",
			sbat_first);
	while (r == 0 && text.n > 0)
		r = sbat_line_check(str_cut(&text, '\n'), e);
	return r;
}

/* Adds the lines but for the first to those of section @i, which is the stub's. */
static int sbat_join(struct arena *a, const struct pe_layout *l, const struct pe *stub, size_t i,
		     struct str text, uint8_t *image, struct err *e)
{
	const struct pe_section *s = &stub->sections[i];
	uint8_t *header = image + l->table + i * SECTION_BYTES;
	uint32_t end = i + 1 < stub->n_sections ? s[1].virtual_address : stub->image_bytes;
	size_t room = pe_get_le32(header + SECTION_RAW_BYTES);
	struct str own = s->data;

	while (own.n > 0 && own.p[own.n - 1] == '\0')
		own.n--;
	str_cut(&text, '\n');
	if (!str_starts(own, sbat_first) || !str_ends(own, "\n"))
		return err_set(e, -EBADMSG, "stub: its section '.sbat' holds no lines of SBAT");
	if (room > end - s->virtual_address)
		room = end - s->virtual_address;
	if (own.n + text.n > room)
		return err_set(e, -ENOSPC,
			       "section '.sbat': the stub leaves room for %zu bytes, not for %zu",
			       room - own.n, text.n);
	own = str_cat(a, own, text);
	memcpy(image + pe_get_le32(header + SECTION_RAW_OFFSET), own.p, own.n);
	pe_put_le32(header + SECTION_VIRTUAL_BYTES, (uint32_t)own.n);
	return 0;
}

/* Takes ".sbat" out of @add when it went into the stub's own section. *ret_n: how many are left.
 */
static int sbat_add(struct arena *a, const struct pe_layout *l, const struct pe *stub,
		    struct pe_section *add, size_t *n_add, uint8_t *image, struct err *e)
{
	size_t given = 0, own = 0;
	int r;

	while (given < *n_add && !str_eqz(add[given].name, sbat_name))
		given++;
	while (own < stub->n_sections && !str_eqz(stub->sections[own].name, sbat_name))
		own++;
	if (given == *n_add)
		return 0;
	r = sbat_check(add[given].data, e);
	if (r < 0 || own == stub->n_sections)
		return r;
	r = sbat_join(a, l, stub, own, add[given].data, image, e);
	if (r < 0)
		return r;
	memmove(add + given, add + given + 1, (--*n_add - given) * sizeof(*add));
	return 0;
}

/* Where the next section goes. */
struct place {
	uint64_t address, offset;
};

/* Fills the section's header and appends its content. Pages, since the stub hands the kernel on
 * where it stands. */
static int section_add(struct arena *a, const struct pe_layout *l, const struct pe_section *s,
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
	pe_put_le32(header + SECTION_VIRTUAL_BYTES, (uint32_t)s->data.n);
	pe_put_le32(header + SECTION_ADDRESS, (uint32_t)at->address);
	pe_put_le32(header + SECTION_RAW_BYTES, (uint32_t)raw_bytes);
	pe_put_le32(header + SECTION_RAW_OFFSET, (uint32_t)at->offset);
	pe_put_le32(header + SECTION_FLAGS, SECTION_INITIALIZED_DATA | SECTION_MEM_READ);
	segments_add(a, out, s->data.p, s->data.n);
	segments_align(a, out, l->file_align);
	at->address += s->data.n;
	at->offset += raw_bytes;
	return 0;
}

static uint32_t checksum(const struct segments *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->v.n; i++)
		if (s->v.p[i].data)
			sum += pe_words_sum(s->v.p[i].data, s->v.p[i].size_bytes);
	return pe_checksum_finish(sum, s->size_bytes);
}

static void headers_finish(uint8_t *image, const struct pe_layout *l, size_t n_add,
			   uint64_t image_bytes, uint64_t added_bytes)
{
	uint8_t *optional = image + l->optional;

	pe_put_le16(image + l->coff + COFF_N_SECTIONS, (uint16_t)(l->n_sections + n_add));
	pe_put_le32(image + l->coff + COFF_TIME, 0);
	pe_put_le32(optional + OPTIONAL_INITIALIZED_BYTES,
		    (uint32_t)(l->initialized_bytes + added_bytes));
	pe_put_le32(optional + OPTIONAL_IMAGE_BYTES, (uint32_t)image_bytes);
	pe_put_le32(optional + OPTIONAL_CHECKSUM, 0);
}

/* Adds them behind @image, a copy of the stub. */
static int sections_add(struct arena *a, const struct pe_layout *l, const struct pe_section *add,
			size_t n_add, uint8_t *image, struct segments *out, struct err *e)
{
	struct place at = { l->image_bytes, out->size_bytes };
	uint64_t added_bytes = 0;

	for (size_t i = 0; i < n_add; i++) {
		uint8_t *header = image + l->table + (l->n_sections + i) * SECTION_BYTES;
		int r = section_add(a, l, &add[i], &at, header, out, e);

		if (r < 0)
			return r;
		added_bytes += add[i].data.n;
	}
	headers_finish(image, l, n_add, align_up(at.address, l->section_align), added_bytes);
	pe_put_le32(image + l->optional + OPTIONAL_CHECKSUM, checksum(out));
	return 0;
}

int uki_build(struct arena *a, struct str stub, const struct pe_section *add, size_t n_add,
	      struct segments *ret, struct err *e)
{
	struct pe_section *left = arena_copy(a, add, n_add * sizeof(*add));
	struct segments out = { 0 };
	struct pe_layout l = { 0 };
	struct pe pe = { 0 };
	uint8_t *image;
	int r = pe_layout_parse(stub, &l, e);

	if (r == 0)
		r = pe_sections_parse(a, stub, &l, &pe, e);
	if (r < 0)
		return err_wrap(e, r, "stub");
	image = arena_copy(a, stub.p, stub.n);
	r = names_check(&pe, add, n_add, e);
	if (r == 0)
		r = sbat_add(a, &l, &pe, left, &n_add, image, e);
	if (r == 0)
		r = stub_check(&l, stub, n_add, e);
	if (r < 0)
		return r;
	segments_add(a, &out, image, stub.n);
	segments_align(a, &out, l.file_align);
	r = sections_add(a, &l, left, n_add, image, &out, e);
	if (r == 0)
		*ret = out;
	return r;
}
