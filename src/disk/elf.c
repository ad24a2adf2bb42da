/* SPDX-License-Identifier: MIT */
#include "disk/elf.h"

#include <elf.h>

#include "base/rd.h"

struct elf {
	struct rd r;
	uint64_t segments;
	uint16_t n_segments, segment_bytes;
	uint64_t dynamic, n_dynamic;
};

struct segment {
	uint32_t type;
	uint64_t offset, address, bytes;
};

static struct segment segment_read(struct elf *elf, uint16_t i)
{
	struct segment s;

	rd_seek(&elf->r, elf->segments + (uint64_t)i * elf->segment_bytes);
	s.type = rd_le32(&elf->r);
	rd_bytes(&elf->r, sizeof(Elf64_Word)); /* p_flags */
	s.offset = rd_le64(&elf->r);
	s.address = rd_le64(&elf->r);
	rd_bytes(&elf->r, sizeof(Elf64_Addr)); /* p_paddr */
	s.bytes = rd_le64(&elf->r);
	return s;
}

static bool header_read(struct elf *elf, uint16_t *ret_machine)
{
	struct rd *r = &elf->r;
	const uint8_t *ident = rd_bytes(r, EI_NIDENT);
	uint16_t type;

	if (!ident || memcmp(ident, ELFMAG, SELFMAG) != 0 || ident[EI_CLASS] != ELFCLASS64 ||
	    ident[EI_DATA] != ELFDATA2LSB)
		return false;
	type = rd_le16(r);
	*ret_machine = rd_le16(r);
	rd_seek(r, offsetof(Elf64_Ehdr, e_phoff));
	elf->segments = rd_le64(r);
	rd_seek(r, offsetof(Elf64_Ehdr, e_phentsize));
	elf->segment_bytes = rd_le16(r);
	elf->n_segments = rd_le16(r);
	return !r->bad && type == ET_DYN && elf->segments <= r->n &&
	       elf->segment_bytes >= sizeof(Elf64_Phdr);
}

static bool dynamic_find(struct elf *elf)
{
	for (uint16_t i = 0; i < elf->n_segments; i++) {
		struct segment s = segment_read(elf, i);

		if (elf->r.bad)
			return false;
		if (s.type != PT_DYNAMIC)
			continue;
		elf->dynamic = s.offset;
		elf->n_dynamic = s.bytes / sizeof(Elf64_Dyn);
		return s.offset <= elf->r.n && s.bytes <= elf->r.n - s.offset;
	}
	return false;
}

/* The value of the first entry of @tag before the end of the table. */
static bool dynamic_value(struct elf *elf, int64_t tag, uint64_t *ret)
{
	rd_seek(&elf->r, elf->dynamic);
	for (uint64_t i = 0; i < elf->n_dynamic; i++) {
		int64_t d_tag = (int64_t)rd_le64(&elf->r);
		uint64_t value = rd_le64(&elf->r);

		if (d_tag == DT_NULL)
			return false;
		if (d_tag == tag) {
			*ret = value;
			return true;
		}
	}
	return false;
}

/* The dynamic table speaks of addresses; the file is read by offsets. */
static bool offset_of(struct elf *elf, uint64_t address, uint64_t *ret)
{
	for (uint16_t i = 0; i < elf->n_segments; i++) {
		struct segment s = segment_read(elf, i);

		if (s.type == PT_LOAD && address >= s.address && address - s.address < s.bytes) {
			*ret = s.offset + (address - s.address);
			return !elf->r.bad && *ret >= s.offset && *ret <= elf->r.n;
		}
	}
	return false;
}

bool elf_library_read(struct str file, struct elf_library *ret)
{
	struct elf elf = { .r = { (const uint8_t *)file.p, file.n, 0, false } };
	struct elf_library library = { 0 };
	uint64_t strings, name;
	struct str rest;

	if (!header_read(&elf, &library.machine) || !dynamic_find(&elf) ||
	    !dynamic_value(&elf, DT_STRTAB, &strings) || !offset_of(&elf, strings, &strings))
		return false;
	if (dynamic_value(&elf, DT_SONAME, &name)) {
		rest = str_from(file, (size_t)strings);
		if (name >= rest.n || !memchr(rest.p + name, 0, rest.n - name))
			return false;
		rest = str_from(rest, (size_t)name);
		library.soname = str_cut(&rest, '\0');
	}
	*ret = library;
	return true;
}
