/* SPDX-License-Identifier: MIT */
#include "upstream/debian/version.h"

#include <stdio.h>

/* The most digits of a number that is written as itself after '.', so that TOP is above all of
 * them. */
enum { PLAIN_DIGITS = 8 };
#define TOP  "999999999" /* above LONG with any length */
#define LONG 100000000U

/* What a part or a whole version becomes. No byte becomes more than the 13 of ":", no long number
 * more than 10 besides itself, and DEB_VERSION_BYTES_MAX holds. */
struct spelling {
	size_t n;
	char text[16 * DEB_VERSION_BYTES_MAX + 64];
};

static void put_bytes(struct spelling *b, struct str s)
{
	if (s.n == 0 || s.n > sizeof(b->text) - b->n)
		return;
	memcpy(b->text + b->n, s.p, s.n);
	b->n += s.n;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char peek(struct str s)
{
	return s.n > 0 ? s.p[0] : '\0';
}

static bool at_number(struct str s)
{
	return s.n == 0 || is_digit(s.p[0]);
}

static void put(struct spelling *b, const char *text)
{
	put_bytes(b, str_c(text));
}

/* Takes the number off the front; an absent one is empty. *ret_digits: without leading zeros, so 0
 * for zero. */
static struct str number_take(struct str *s, size_t *ret_digits)
{
	size_t n = 0, zeros = 0;
	struct str number;

	while (n < s->n && is_digit(s->p[n]))
		n++;
	while (zeros < n && s->p[zeros] == '0')
		zeros++;
	number = str_head(*s, n);
	*s = str_from(*s, n);
	*ret_digits = n - zeros;
	return number;
}

static void number_put(struct spelling *b, struct str number)
{
	if (number.n == 0)
		put(b, "0");
	put_bytes(b, number);
}

/* Where a number competes with TOP: at the start and after '.'. */
static void number_dotted(struct spelling *b, struct str *s)
{
	size_t digits;
	struct str number = number_take(s, &digits);

	if (digits > PLAIN_DIGITS) {
		char length[16];

		snprintf(length, sizeof(length), "%u.", LONG + (unsigned)digits);
		put(b, length);
	}
	number_put(b, number);
}

/* A run of everything but digits and '~', as one segment of letters. */
static void letters_put(struct spelling *b, struct str *s)
{
	for (; !at_number(*s) && peek(*s) != '~'; *s = str_from(*s, 1))
		switch (peek(*s)) {
		case 'z':
			put(b, "za");
			break;
		case '+':
			put(b, "zp");
			break;
		case '-':
			put(b, "zq");
			break;
		case '.':
			put(b, "zr");
			break;
		case ':':
			put(b, "zs");
			break;
		default:
			put_bytes(b, str_head(*s, 1));
		}
}

/* The rest of a word that @b has begun, and its number; @tilde: its last character so far is '~'.
 */
static void word_rest(struct spelling *b, struct str *s, bool tilde)
{
	struct str number;
	size_t digits;

	while (!at_number(*s)) {
		tilde = peek(*s) == '~';
		if (tilde)
			put(b, "~");
		if (tilde)
			*s = str_from(*s, 1);
		else
			letters_put(b, s);
	}
	number = number_take(s, &digits);
	if (digits == 0 && s->n == 0)
		return;
	if (digits == 0 && peek(*s) == '~')
		return put(b, "~0");
	if (tilde)
		put(b, "^");
	number_put(b, number);
}

/* After a '+' that follows a number. */
static void word_plus(struct spelling *b, struct str *s)
{
	struct str number;
	size_t digits;

	if (peek(*s) == '~') {
		put(b, "^0");
		return word_rest(b, s, false);
	}
	if (!at_number(*s)) {
		put(b, "+");
		return word_rest(b, s, false);
	}
	number = number_take(s, &digits);
	put(b, "^");
	number_put(b, number);
	if (digits == 0)
		put(b, "^");
}

/* After a '.' that follows a number. */
static void word_dot(struct spelling *b, struct str *s)
{
	if (at_number(*s)) {
		put(b, ".");
		return number_dotted(b, s);
	}
	put(b, peek(*s) == '~' ? "_zz" : "." TOP ".");
	word_rest(b, s, false);
}

/* One word and its number, after a number. */
static void word_put(struct spelling *b, struct str *s)
{
	char c = peek(*s);

	if (c == '~')
		return word_rest(b, s, false);
	if (is_letter(c)) {
		put(b, "^");
		return word_rest(b, s, false);
	}
	*s = str_from(*s, 1);
	if (c == '+')
		return word_plus(b, s);
	if (c == '.')
		return word_dot(b, s);
	put(b, c == '-' ? "_zy" : "." TOP ".zz");
	/* What follows goes on in the same segment. */
	word_rest(b, s, false);
}

/* The start counts as the place after a '.', with nothing before it. */
static void part_put(struct spelling *b, struct str s)
{
	if (at_number(s)) {
		number_dotted(b, &s);
	} else {
		put(b, peek(s) == '~' ? "zz" : TOP ".");
		word_rest(b, &s, false);
	}
	while (s.n > 0)
		word_put(b, &s);
}

static int version_check(struct str text, struct str upstream, struct err *e)
{
	for (size_t i = 0; i < text.n; i++)
		if (!is_letter(text.p[i]) && !is_digit(text.p[i]) && !memchr("+-.:~", text.p[i], 5))
			return err_set(
				e, -EBADMSG,
				"version '%.*s': byte 0x%02x; want letters, digits and + - . : ~",
				STR_FMT(text), (unsigned char)text.p[i]);
	if (text.n > DEB_VERSION_BYTES_MAX)
		return err_set(e, -EBADMSG, "version '%.*s...' is longer than %d bytes",
			       STR_FMT(str_head(text, 64)), DEB_VERSION_BYTES_MAX);
	if (upstream.n == 0)
		return err_set(e, -EBADMSG, "version '%.*s' has no upstream version",
			       STR_FMT(text));
	return 0;
}

/* Borrows from @text. */
static int version_split(struct str text, uint64_t *ret_epoch, struct str *ret_upstream,
			 struct str *ret_revision, struct err *e)
{
	struct str rest = text, revision = { 0 };
	ptrdiff_t colon = str_find(text, ':');
	int rc;

	*ret_epoch = 0;
	if (colon >= 0) {
		if (!str_u64(str_head(text, (size_t)colon), INT32_MAX, ret_epoch))
			return err_set(e, -EBADMSG,
				       "version '%.*s': the epoch is not a number below 2^31",
				       STR_FMT(str_head(text, 64)));
		rest = str_from(text, (size_t)colon + 1);
	}
	for (size_t i = rest.n; i > 0; i--)
		if (rest.p[i - 1] == '-') {
			revision = str_from(rest, i);
			rest = str_head(rest, i - 1);
			break;
		}
	rc = version_check(text, rest, e);
	if (rc < 0)
		return rc;
	*ret_upstream = rest;
	*ret_revision = revision;
	return 0;
}

int version_parse(struct arena *a, struct str text, struct rpm_version *ret, struct err *e)
{
	struct str upstream, revision;
	struct spelling b = { .n = 0 };
	struct rpm_version v;
	size_t dash;
	int rc = version_split(text, &v.epoch, &upstream, &revision, e);

	if (rc < 0)
		return rc;
	part_put(&b, upstream);
	dash = b.n;
	put(&b, "-");
	part_put(&b, revision);
	v.evr = str_dup(a, (struct str){ b.text, b.n });
	v.version = str_head(v.evr, dash);
	v.release = str_from(v.evr, dash + 1);
	if (v.epoch > 0)
		v.evr = str_printf(a, "%llu:%.*s", (unsigned long long)v.epoch, STR_FMT(v.evr));
	*ret = v;
	return 0;
}
