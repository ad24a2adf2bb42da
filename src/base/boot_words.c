/* SPDX-License-Identifier: MIT */
#include "base/boot_words.h"

#include <assert.h>

enum { VALUES_MAX = 3 };

#define VALUE(name, value) value,
#define WORD(member, key_, values_) \
	{ key_, offsetof(struct boot_words, member), { values_(VALUE) } },

static const struct word {
	const char *key;
	size_t offset;
	const char *values[VALUES_MAX];
} table[] = { BOOT_WORDS(WORD) };

enum { WORDS = sizeof(table) / sizeof(*table) };

/* The members are reached by their offsets. */
static_assert(sizeof(enum signatures_when) == sizeof(unsigned) &&
		      sizeof(struct boot_words) == WORDS * sizeof(unsigned),
	      "an enum of struct boot_words is no unsigned int, or is not in the table");

static unsigned *value_of(struct boot_words *words, const struct word *w)
{
	return (unsigned *)(void *)((char *)words + w->offset);
}

/* What only state that outlives a boot asks for. */
static bool is_of_state(const struct word *w)
{
	return w->offset > offsetof(struct boot_words, state);
}

struct str boot_words_text(struct arena *a, const struct boot_words *words)
{
	struct boot_words copy = *words;
	struct buf b = { .a = a };

	for (const struct word *w = table; w < table + WORDS; w++)
		if (words->state != STATE_MEMORY || !is_of_state(w))
			buf_printf(&b, "%s%s=%s", b.v.n > 0 ? " " : "", w->key,
				   w->values[*value_of(&copy, w)]);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static int value_take(const struct word *w, struct str value, unsigned *ret, struct err *e)
{
	bool three = w->values[2] != NULL;

	for (unsigned i = 0; i < VALUES_MAX && w->values[i]; i++)
		if (str_eqz(value, w->values[i])) {
			*ret = i;
			return 0;
		}
	return err_set(e, -EINVAL, "%s=%.*s: want %s%s%s or %s", w->key, STR_FMT(value),
		       w->values[0], three ? ", " : "", three ? w->values[1] : "",
		       w->values[three ? 2 : 1]);
}

int boot_words_take(struct boot_words *words, unsigned *seen, struct str key, struct str value,
		    struct err *e)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (!str_eqz(key, table[i].key))
			continue;
		if (*seen & 1u << i)
			return err_set(e, -EINVAL, "%s= stands there twice", table[i].key);
		*seen |= 1u << i;
		return value_take(&table[i], value, value_of(words, &table[i]), e);
	}
	return 0;
}

struct str boot_line_shown(struct arena *a, struct str line)
{
	static const char end[] = " " BOOT_END "=";
	struct str shown = line;

	while (str_ends(shown, "-"))
		shown.n--;
	return shown.n < line.n && str_ends(shown, end) ? str_printf(a, "%.*s-...", STR_FMT(shown))
							: line;
}

static struct str unquote(struct str s)
{
	if (!str_starts(s, "\""))
		return s;
	s = str_from(s, 1);
	return str_ends(s, "\"") ? str_head(s, s.n - 1) : s;
}

bool boot_param_next(struct str *text, struct boot_param *ret)
{
	bool quoted = false;
	struct str word;
	size_t n = 0;

	*text = str_trim(*text);
	while (n < text->n &&
	       (quoted || (text->p[n] != ' ' && text->p[n] != '\t' && text->p[n] != '\n')))
		quoted ^= text->p[n++] == '"';
	word = str_head(*text, n);
	*text = str_from(*text, n);
	if (word.n == 0 || str_eqz(word, "--"))
		return false;
	word = unquote(word);
	ret->key = str_cut(&word, '=');
	ret->value = unquote(word);
	return true;
}
