/* SPDX-License-Identifier: MIT */
#include "disk/fat_format.h"

enum { BASE_BYTES = 8, EXTENSION_BYTES = 3, CASE_BASE = 0x08, CASE_EXTENSION = 0x10 };

char fat_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool fat_name_valid(struct str name)
{
	if (name.n == 0 || name.n > FAT_NAME_MAX || name.p[name.n - 1] == '.' ||
	    name.p[name.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < ' ' || name.p[i] > '~' ||
		    str_find(STR("\"*/:<>?\\|"), name.p[i]) >= 0)
			return false;
	return true;
}

/* Copies @s in upper case to at most @max bytes at @ret; false when something was lost but the
 * case. */
static bool part_put(struct str s, uint8_t *ret, size_t max)
{
	bool whole = s.n <= max;
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < max; i++) {
		bool drop = s.p[i] == ' ' || s.p[i] == '.';
		bool replace = str_find(STR("+,;=[]"), s.p[i]) >= 0;

		if (!drop)
			ret[n++] = (uint8_t)(replace ? '_' : fat_upper(s.p[i]));
		whole = whole && !drop && !replace;
	}
	return whole;
}

enum fat_fit fat_short(struct str name, uint8_t ret[FAT_SHORT_BYTES])
{
	struct str base = name, extension = { 0 };
	bool whole;

	memset(ret, ' ', FAT_SHORT_BYTES);
	for (size_t i = name.n; i-- > 1;)
		if (name.p[i] == '.') {
			base = str_head(name, i);
			extension = str_from(name, i + 1);
			break;
		}
	whole = part_put(base, ret, BASE_BYTES);
	whole = part_put(extension, ret + BASE_BYTES, EXTENSION_BYTES) && whole;
	if (ret[0] == ' ') /* nothing but dots and blanks */
		ret[0] = '_';
	if (!whole)
		return FAT_FIT_LOSSY;
	for (size_t i = 0; i < name.n; i++)
		if (fat_upper(name.p[i]) != name.p[i])
			return FAT_FIT_CASE;
	return FAT_FIT_EXACT;
}

void fat_short_number(uint8_t name[FAT_SHORT_BYTES], unsigned n)
{
	char tail[BASE_BYTES];
	size_t n_digits = 0, base = BASE_BYTES, tail_bytes;

	for (; n > 0 && n_digits < sizeof(tail) - 1; n /= 10)
		tail[n_digits++] = (char)('0' + n % 10);
	tail_bytes = n_digits + 1;
	while (base > BASE_BYTES - tail_bytes || (base > 0 && name[base - 1] == ' '))
		base--;
	name[base++] = '~';
	while (n_digits > 0)
		name[base++] = (uint8_t)tail[--n_digits];
}

uint8_t fat_short_sum(const uint8_t name[FAT_SHORT_BYTES])
{
	uint8_t sum = 0;

	for (size_t i = 0; i < FAT_SHORT_BYTES; i++)
		sum = (uint8_t)((sum >> 1) + (sum << 7) + name[i]);
	return sum;
}

/* A part without its padding, in lower case if so flagged. */
static size_t part_text(const uint8_t *part, size_t n, bool low, char *ret)
{
	while (n > 0 && part[n - 1] == ' ')
		n--;
	for (size_t i = 0; i < n; i++)
		ret[i] = low ? lower((char)part[i]) : (char)part[i];
	return n;
}

struct str fat_short_text(struct arena *a, const uint8_t name[FAT_SHORT_BYTES], uint8_t case_flags)
{
	char *text = arena_alloc(a, FAT_SHORT_BYTES + 2);
	size_t n = part_text(name, BASE_BYTES, case_flags & CASE_BASE, text), extension;

	extension = part_text(name + BASE_BYTES, EXTENSION_BYTES, case_flags & CASE_EXTENSION,
			      text + n + 1);
	if (extension > 0)
		text[n++] = '.';
	n += extension;
	return fat_name_valid((struct str){ text, n }) && name[0] != ' ' ? (struct str){ text, n }
									 : (struct str){ 0 };
}
