/* SPDX-License-Identifier: MIT */
#include "tree/module_info.h"

#include <elf.h>

#include "base/rd.h"

enum { SECTIONS_MAX = 65535 };

struct section {
	uint32_t name;
	uint64_t offset, size;
};

/* Elf64_Shdr: sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size, ... */
static struct section section_read(struct rd *r, uint64_t table, uint16_t i, uint16_t entry_bytes)
{
	struct section s;

	rd_seek(r, table + (uint64_t)i * entry_bytes);
	s.name = rd_le32(r);
	rd_bytes(r, 4 + 8 + 8);
	s.offset = rd_le64(r);
	s.size = rd_le64(r);
	return s;
}

static struct str section_bytes(struct rd *r, struct section s)
{
	rd_seek(r, s.offset);
	return s.size > r->n ? (r->bad = true, (struct str){ 0 }) : rd_str(r, s.size);
}

int module_info_find(struct str elf, struct str *ret, struct err *e)
{
	struct rd r = { (const uint8_t *)elf.p, elf.n, 0, false };
	uint16_t entry_bytes, n, names_index;
	struct str names, info;
	uint64_t table;

	if (elf.n < sizeof(Elf64_Ehdr) || memcmp(elf.p, ELFMAG, SELFMAG) != 0 ||
	    elf.p[EI_CLASS] != ELFCLASS64 || elf.p[EI_DATA] != ELFDATA2LSB)
		return err_set(e, -EBADMSG, "no 64-bit little-endian ELF file");
	rd_seek(&r, offsetof(Elf64_Ehdr, e_shoff));
	table = rd_le64(&r);
	rd_seek(&r, offsetof(Elf64_Ehdr, e_shentsize));
	entry_bytes = rd_le16(&r);
	n = rd_le16(&r);
	names_index = rd_le16(&r);
	if (table > elf.n || entry_bytes < sizeof(Elf64_Shdr) || names_index >= n)
		return err_set(e, -EBADMSG, "ELF section table lies outside the file");
	names = section_bytes(&r, section_read(&r, table, names_index, entry_bytes));
	for (uint16_t i = 0; i < n && !r.bad; i++) {
		struct section s = section_read(&r, table, i, entry_bytes);
		struct str name = str_from(names, s.name);

		if (!r.bad && str_eqz(str_cut(&name, '\0'), ".modinfo")) {
			info = section_bytes(&r, s);
			if (r.bad)
				break;
			*ret = info;
			return 0;
		}
	}
	return err_set(e, -EBADMSG, "no section .modinfo: no kernel module, or a damaged one");
}

bool module_info_next(struct str *info, struct str *ret_key, struct str *ret_value)
{
	while (info->n > 0) {
		struct str value = str_cut(info, '\0'), key = str_cut(&value, '=');

		if (key.n == 0)
			continue; /* padding */
		*ret_key = key;
		*ret_value = value;
		return true;
	}
	return false;
}

struct str module_name(struct arena *a, struct str path)
{
	struct str name = path;
	char *z;

	for (ptrdiff_t at; (at = str_find(name, '/')) >= 0;)
		name = str_from(name, (size_t)at + 1);
	name = str_cut(&name, '.');
	z = str_z(a, name);
	for (char *c = z; *c; c++)
		if (*c == '-')
			*c = '_';
	return str_c(z);
}

struct str module_wish(struct arena *a, struct str text, bool *ret_optional)
{
	*ret_optional = str_ends(text, "?");
	return module_name(a, *ret_optional ? str_head(text, text.n - 1) : text);
}
