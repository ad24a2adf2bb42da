/* SPDX-License-Identifier: MIT */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct str str_c(const char *s)
{
	return (struct str){ s, s ? strlen(s) : 0 };
}

char *str_z(struct arena *a, struct str s)
{
	return arena_copy(a, s.p, s.n);
}

struct str str_dup(struct arena *a, struct str s)
{
	return (struct str){ arena_copy(a, s.p, s.n), s.n };
}

struct str str_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		n = 0;
	p = arena_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return (struct str){ p, (size_t)n };
}

struct str str_cat(struct arena *a, struct str x, struct str y)
{
	char *p = arena_alloc(a, x.n + y.n + 1);

	if (x.n > 0)
		memcpy(p, x.p, x.n);
	if (y.n > 0)
		memcpy(p + x.n, y.p, y.n);
	return (struct str){ p, x.n + y.n };
}

bool str_eq(struct str x, struct str y)
{
	return x.n == y.n && (x.n == 0 || memcmp(x.p, y.p, x.n) == 0);
}

bool str_eqz(struct str x, const char *y)
{
	return str_eq(x, str_c(y));
}

int str_cmp(struct str x, struct str y)
{
	size_t n = x.n < y.n ? x.n : y.n;
	int r = n > 0 ? memcmp(x.p, y.p, n) : 0;

	return r != 0 ? r : (x.n > y.n) - (x.n < y.n);
}

bool str_starts(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

bool str_ends(struct str s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n >= n && memcmp(s.p + s.n - n, suffix, n) == 0;
}

ptrdiff_t str_find(struct str s, char c)
{
	const char *p = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return p ? p - s.p : -1;
}

bool str_has(struct str s, const char *needle)
{
	return s.n > 0 && memmem(s.p, s.n, needle, strlen(needle)) != NULL;
}

struct str str_from(struct str s, size_t start)
{
	if (start >= s.n)
		return (struct str){ 0 };
	return (struct str){ s.p + start, s.n - start };
}

struct str str_head(struct str s, size_t n)
{
	return (struct str){ s.p, n < s.n ? n : s.n };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s.p++, s.n--;
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str str_cut(struct str *s, char sep)
{
	ptrdiff_t at = str_find(*s, sep);
	struct str head = *s;

	if (at < 0) {
		*s = (struct str){ s->p ? s->p + s->n : NULL, 0 };
		return head;
	}
	head.n = (size_t)at;
	s->p += at + 1;
	s->n -= (size_t)at + 1;
	return head;
}

struct str str_word(struct str *s)
{
	size_t n = 0;
	struct str word;

	while (s->n > 0 && is_blank(s->p[0]))
		s->p++, s->n--;
	while (n < s->n && !is_blank(s->p[n]))
		n++;
	word = (struct str){ s->p, n };
	*s = (struct str){ s->p ? s->p + n : NULL, s->n - n };
	return word;
}

bool str_u64(struct str s, uint64_t max, uint64_t *ret)
{
	uint64_t x = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(x, (uint64_t)10, &x) ||
		    __builtin_add_overflow(x, (uint64_t)(s.p[i] - '0'), &x))
			return false;
	}
	if (x > max)
		return false;
	*ret = x;
	return true;
}

struct str hex_encode(struct arena *a, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = p;
	char *s = arena_alloc(a, 2 * n + 1);

	for (size_t i = 0; i < n; i++) {
		s[2 * i] = digits[bytes[i] >> 4];
		s[2 * i + 1] = digits[bytes[i] & 15];
	}
	return (struct str){ s, 2 * n };
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(struct str s, void *ret, size_t n)
{
	uint8_t *out = ret;

	if (s.n != 2 * n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (hex_digit(s.p[i]) < 0)
			return false;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(hex_digit(s.p[2 * i]) << 4 | hex_digit(s.p[2 * i + 1]));
	return true;
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct str base64_encode(struct arena *a, const void *p, size_t n)
{
	const char *digits = base64_digits;
	const uint8_t *b = p;
	char *s = arena_alloc(a, (n + 2) / 3 * 4 + 1);
	size_t o = 0;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t x = (uint32_t)b[i] << 16 | (i + 1 < n ? (uint32_t)b[i + 1] << 8 : 0) |
			     (i + 2 < n ? b[i + 2] : 0);

		s[o++] = digits[x >> 18];
		s[o++] = digits[x >> 12 & 63];
		s[o++] = i + 1 < n ? digits[x >> 6 & 63] : '=';
		s[o++] = i + 2 < n ? digits[x & 63] : '=';
	}
	return (struct str){ s, o };
}

bool base64_decode(struct arena *a, struct str s, struct str *ret)
{
	size_t padding = str_ends(s, "==") ? 2 : str_ends(s, "=") ? 1 : 0, o = 0;
	char *out = arena_alloc(a, s.n / 4 * 3 + 1);
	uint32_t x = 0;

	if (s.n % 4 != 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const char *digit =
			i >= s.n - padding ? base64_digits : memchr(base64_digits, s.p[i], 64);

		if (!digit)
			return false;
		x = x << 6 | (uint32_t)(digit - base64_digits);
		if (i % 4 < 3)
			continue;
		out[o++] = (char)(x >> 16);
		out[o++] = (char)(x >> 8);
		out[o++] = (char)x;
		x = 0;
	}
	for (size_t i = 1; i <= padding; i++)
		if (out[o - i] != 0)
			return false;
	out[o - padding] = 0;
	*ret = (struct str){ out, o - padding };
	return true;
}

/* One class "[...]" at pattern[0]; returns its length, or 0 when it is not closed. */
static size_t glob_class(struct str pattern, char c, bool *match)
{
	size_t i = 1;
	bool negate = false, hit = false;

	if (i < pattern.n && (pattern.p[i] == '!' || pattern.p[i] == '^'))
		negate = true, i++;
	for (size_t first = i; i < pattern.n && (pattern.p[i] != ']' || i == first); i++) {
		char lo = pattern.p[i], hi = lo;

		if (i + 2 < pattern.n && pattern.p[i + 1] == '-' && pattern.p[i + 2] != ']') {
			hi = pattern.p[i + 2];
			i += 2;
		}
		if (c >= lo && c <= hi)
			hit = true;
	}
	if (i >= pattern.n)
		return 0;
	*match = hit != negate && c != '/';
	return i + 1;
}

/* Most paths differ from most patterns in what stands before the first wildcard. */
static bool glob_head_differs(struct str pattern, struct str path)
{
	for (size_t i = 0;
	     i < pattern.n && pattern.p[i] != '*' && pattern.p[i] != '?' && pattern.p[i] != '[';
	     i++)
		if (i >= path.n || pattern.p[i] != path.p[i])
			return true;
	return false;
}

/* Backtracks to the last star only: one '*' and one "**" are remembered, which keeps this linear in
 * practice and free of recursion. */
bool str_glob(struct str pattern, struct str path)
{
	size_t i = 0, j = 0, star = SIZE_MAX, star_at = 0, deep = SIZE_MAX, deep_at = 0;

	if (glob_head_differs(pattern, path))
		return false;
	if (str_ends(pattern, "/")) {
		/* every directory above the last component may be the one meant */
		for (size_t k = 1; k < path.n; k++)
			if (path.p[k] == '/' &&
			    str_glob(str_head(pattern, pattern.n - 1), str_head(path, k)))
				return true;
		return false;
	}

	while (j < path.n) {
		bool match = false;
		size_t used = 1;

		if (i < pattern.n) {
			if (pattern.p[i] == '*' && i + 1 < pattern.n && pattern.p[i + 1] == '*') {
				deep = i += 2, deep_at = j, star = SIZE_MAX;
				continue;
			}
			if (pattern.p[i] == '*') {
				star = ++i, star_at = j;
				continue;
			}
			if (pattern.p[i] == '[')
				used = glob_class(pattern.n > i ? str_from(pattern, i) : pattern,
						  path.p[j], &match);
			else
				match = pattern.p[i] == path.p[j] ||
					(pattern.p[i] == '?' && path.p[j] != '/');
		}
		if (match && used > 0) {
			i += used, j++;
		} else if (star != SIZE_MAX && path.p[star_at] != '/') {
			i = star, j = ++star_at;
		} else if (deep != SIZE_MAX) {
			i = deep, j = ++deep_at, star = SIZE_MAX;
		} else {
			return false;
		}
	}
	while (i < pattern.n && pattern.p[i] == '*')
		i++;
	return i == pattern.n;
}

size_t str_utf8_len(struct str s)
{
	uint8_t c = s.n > 0 ? (uint8_t)s.p[0] : 0xff, c1 = s.n > 1 ? (uint8_t)s.p[1] : 0;
	size_t n = c < 0x80                ? 1
		   : c >= 0xc2 && c < 0xe0 ? 2
		   : c >= 0xe0 && c < 0xf0 ? 3
		   : c >= 0xf0 && c < 0xf5 ? 4
					   : 0;

	if (n == 0 || n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((uint8_t)s.p[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && c1 < 0xa0) || (c == 0xed && c1 > 0x9f) || (c == 0xf0 && c1 < 0x90) ||
	    (c == 0xf4 && c1 > 0x8f))
		return 0;
	return n;
}

static size_t edit_distance(struct str x, struct str y)
{
	enum { NAME_MAX_ = 64 };
	size_t row[NAME_MAX_ + 1];

	if (x.n > NAME_MAX_ || y.n > NAME_MAX_)
		return SIZE_MAX;
	for (size_t j = 0; j <= y.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= x.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= y.n; j++) {
			size_t best = diagonal + (x.p[i - 1] != y.p[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[y.n];
}

const struct str *str_nearest(const struct str *names, size_t n, struct str wrong)
{
	const struct str *best = NULL;
	size_t best_distance = wrong.n / 3 + 1; /* one typo in three letters is still a typo */

	for (size_t i = 0; i < n; i++) {
		size_t d = edit_distance(names[i], wrong);

		if (d < best_distance || (d == best_distance && !best)) {
			best = &names[i];
			best_distance = d;
		}
	}
	return best;
}

struct map_slot {
	struct str key;
	uint32_t hash, value;
	bool used;
};

static uint32_t key_hash(struct str s)
{
	uint32_t h = 2166136261u; /* FNV-1a; the order of a map is never visible */

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 16777619u;
	return h;
}

static struct map_slot *slot_find(const struct map *m, struct str key, uint32_t hash)
{
	size_t i = hash & (m->cap - 1);

	while (m->slots[i].used && (m->slots[i].hash != hash || !str_eq(m->slots[i].key, key)))
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

void map_put(struct arena *a, struct map *m, struct str key, uint32_t value)
{
	uint32_t hash = key_hash(key);
	struct map_slot *slot;

	if (m->n * 2 >= m->cap) {
		struct map bigger = { .cap = m->cap ? m->cap * 2 : 16, .n = m->n };

		bigger.slots = arena_array(a, bigger.cap, sizeof(*bigger.slots));
		for (size_t i = 0; i < m->cap; i++)
			if (m->slots[i].used)
				*slot_find(&bigger, m->slots[i].key, m->slots[i].hash) =
					m->slots[i];
		*m = bigger;
	}
	slot = slot_find(m, key, hash);
	if (!slot->used)
		m->n++;
	*slot = (struct map_slot){ key, hash, value, true };
}

uint32_t *map_get(const struct map *m, struct str key)
{
	struct map_slot *slot;

	if (m->cap == 0)
		return NULL;
	slot = slot_find(m, key, key_hash(key));
	return slot->used ? &slot->value : NULL;
}

bool str_size(struct str s, uint64_t *ret)
{
	static const struct {
		const char *unit;
		uint64_t bytes;
	} units[] = {
		{ "", 1 },          { "kB", 1000 },       { "KiB", 1 << 10 }, { "MB", 1000000 },
		{ "MiB", 1 << 20 }, { "GB", 1000000000 }, { "GiB", 1 << 30 },
	};
	size_t digits = 0;
	uint64_t number;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!str_eqz(str_from(s, digits), units[i].unit))
			continue;
		if (!str_u64(str_head(s, digits), UINT64_MAX / units[i].bytes, &number))
			return false;
		*ret = number * units[i].bytes;
		return true;
	}
	return false;
}

struct str str_names(struct arena *a, const vec_str *names)
{
	struct buf b = { .a = a };

	for (size_t i = 0; i < names->n; i++) {
		const char *before = i == 0 ? "" : i + 1 == names->n ? " or " : ", ";

		buf_printf(&b, "%s%.*s", before, STR_FMT(names->p[i]));
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}
