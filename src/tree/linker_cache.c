/* SPDX-License-Identifier: MIT */
#include "tree/linker_cache.h"

#include <stdlib.h>

enum { HEADER_BYTES = 48, ENTRY_BYTES = 24, SECTION_BYTES = 16, LITTLE_ENDIAN_FILE = 2 };
enum { SECTION_GENERATOR, SECTION_HWCAPS };

static const uint32_t EXTENSION_MAGIC = 0xeaa42174;
/* In the field of an entry, beside its index into the table of kinds of processor. */
static const uint64_t HWCAP_EXTENSION = 1ULL << 62;

static void add_string(struct linker_cache *c, struct str s)
{
	if (map_get(&c->known, s))
		return;
	map_put(c->a, &c->known, s, 0);
	vec_push(c->a, &c->strings) = s;
}

void linker_cache_name(struct linker_cache *c, struct str hwcaps)
{
	add_string(c, hwcaps);
}

void linker_cache_add(struct linker_cache *c, struct str soname, struct str path, struct str hwcaps)
{
	add_string(c, soname);
	add_string(c, path);
	vec_push(c->a, &c->entries) =
		(struct linker_cache_entry){ soname, path, hwcaps, c->entries.n };
}

static bool is_digit(struct str s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

static uint32_t number_at(struct str s, size_t *i)
{
	uint32_t n = 0;

	while (is_digit(s, *i))
		n = n * 10 + (uint32_t)(s.p[(*i)++] - '0');
	return n;
}

int linker_cache_cmp(struct str x, struct str y)
{
	size_t i = 0, k = 0;

	while (i < x.n && k < y.n) {
		if (is_digit(x, i) != is_digit(y, k))
			return is_digit(x, i) ? 1 : -1;
		if (is_digit(x, i)) {
			uint32_t n = number_at(x, &i), m = number_at(y, &k);

			if (n != m)
				return n < m ? -1 : 1;
		} else if (x.p[i++] != y.p[k++]) {
			return x.p[i - 1] < y.p[k - 1] ? -1 : 1;
		}
	}
	/* A digit against the end of a name is above it, anything else, too. */
	return (i < x.n) - (k < y.n);
}

/* Highest first. Of one name those for better processors come first: the linker's search ends at
 * the plain one. */
static int entry_cmp(const void *x, const void *y)
{
	const struct linker_cache_entry *p = x, *q = y;
	int r = linker_cache_cmp(q->soname, p->soname);

	if (r == 0 && (p->hwcaps.n > 0) != (q->hwcaps.n > 0))
		r = p->hwcaps.n > 0 ? -1 : 1;
	if (r == 0)
		r = str_cmp(p->hwcaps, q->hwcaps);
	return r != 0 ? r : (p->number < q->number ? -1 : 1);
}

/* By their last bytes, descending, so that a string follows one that it ends. */
static int tail_cmp(const void *x, const void *y)
{
	const struct str *p = x, *q = y;

	for (size_t i = 1; i <= p->n && i <= q->n; i++) {
		uint8_t c = (uint8_t)p->p[p->n - i], d = (uint8_t)q->p[q->n - i];

		if (c != d)
			return c > d ? -1 : 1;
	}
	return (p->n < q->n) - (p->n > q->n);
}

/* Each string once, and one that ends the string before it within that one. Offsets go to c->known.
 */
static struct str string_table(struct linker_cache *c)
{
	struct buf b = { .a = c->a };
	struct str previous = { 0 };

	if (c->strings.n > 0)
		qsort(c->strings.p, c->strings.n, sizeof(*c->strings.p), tail_cmp);
	vec_each(s, &c->strings) {
		bool shared = previous.n >= s->n &&
			      memcmp(previous.p + previous.n - s->n, s->p, s->n) == 0;

		if (!shared) {
			buf_put(&b, s->p, s->n);
			buf_u8(&b, 0);
		}
		*map_get(&c->known, *s) = (uint32_t)(b.v.n - 1 - s->n);
		previous = *s;
	}
	return (struct str){ (char *)b.v.p, b.v.n };
}

static int name_cmp(const void *x, const void *y)
{
	return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* The kinds of processor that a library is for, sorted; their numbers in @index. */
static void hwcaps_used(const struct linker_cache *c, vec_str *ret, struct map *index)
{
	vec_each(entry, &c->entries)
		if (entry->hwcaps.n > 0 && !map_get(index, entry->hwcaps)) {
			map_put(c->a, index, entry->hwcaps, 0);
			vec_push(c->a, ret) = entry->hwcaps;
		}
	if (ret->n > 0)
		qsort(ret->p, ret->n, sizeof(*ret->p), name_cmp);
	for (uint32_t i = 0; i < ret->n; i++)
		map_put(c->a, index, ret->p[i], i);
}

static void put_section(struct buf *b, uint32_t tag, uint32_t offset, size_t n)
{
	buf_le32(b, tag);
	buf_le32(b, 0);
	buf_le32(b, offset);
	buf_le32(b, (uint32_t)n);
}

/* Behind the strings: who wrote the file, and the kinds of processor as offsets of their names. */
static void put_extensions(struct buf *b, const struct linker_cache *c, const vec_str *hwcaps,
			   uint32_t strings_at)
{
	static const char generator[] = "ashlar";
	uint32_t n = hwcaps->n > 0 ? 2 : 1, hwcaps_at, generator_at;

	hwcaps_at = (uint32_t)b->v.n + 8 + n * SECTION_BYTES;
	generator_at = hwcaps_at + (uint32_t)hwcaps->n * 4;
	buf_le32(b, EXTENSION_MAGIC);
	buf_le32(b, n);
	put_section(b, SECTION_GENERATOR, generator_at, strlen(generator));
	if (hwcaps->n > 0)
		put_section(b, SECTION_HWCAPS, hwcaps_at, hwcaps->n * 4);
	vec_each(name, hwcaps)
		buf_le32(b, strings_at + *map_get(&c->known, *name));
	buf_put(b, generator, strlen(generator));
}

struct str linker_cache_write(struct linker_cache *c, uint32_t flags)
{
	struct str strings = string_table(c);
	uint32_t strings_at = HEADER_BYTES + (uint32_t)c->entries.n * ENTRY_BYTES;
	struct buf b = { .a = c->a };
	struct map index = { 0 };
	vec_str hwcaps = { 0 };

	hwcaps_used(c, &hwcaps, &index);
	if (c->entries.n > 0)
		qsort(c->entries.p, c->entries.n, sizeof(*c->entries.p), entry_cmp);
	buf_put(&b, "glibc-ld.so.cache1.1", 20);
	buf_le32(&b, (uint32_t)c->entries.n);
	buf_le32(&b, (uint32_t)strings.n);
	buf_le32(&b, LITTLE_ENDIAN_FILE);
	buf_le32(&b, (uint32_t)((strings_at + strings.n + 3) / 4 * 4)); /* of the extensions */
	buf_zero(&b, HEADER_BYTES - b.v.n);
	vec_each(entry, &c->entries) {
		buf_le32(&b, flags);
		buf_le32(&b, strings_at + *map_get(&c->known, entry->soname));
		buf_le32(&b, strings_at + *map_get(&c->known, entry->path));
		buf_le32(&b, 0); /* once the kernel's version */
		buf_le64(&b, entry->hwcaps.n > 0 ? HWCAP_EXTENSION | *map_get(&index, entry->hwcaps)
						 : 0);
	}
	buf_put(&b, strings.p, strings.n);
	buf_align(&b, 4);
	put_extensions(&b, c, &hwcaps, strings_at);
	return (struct str){ (char *)b.v.p, b.v.n };
}
