/* SPDX-License-Identifier: MIT */
#include "upstream/version.h"

/* The most digits of a number that is written as itself after '.', so that TOP is above all of them. */
enum { PLAIN_DIGITS = 8 };
#define TOP  "999999999" /* above LONG with any length */
#define LONG 100000000U

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

static void put(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

/* Takes the number off the front; an absent one is empty. *ret_digits: without leading zeros, so 0 for zero. */
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

static void number_put(struct buf *b, struct str number)
{
	if (number.n == 0)
		put(b, "0");
	buf_put(b, number.p, number.n);
}

/* Where a number competes with TOP: at the start and after '.'. */
static void number_dotted(struct buf *b, struct str *s)
{
	size_t digits;
	struct str number = number_take(s, &digits);

	if (digits > PLAIN_DIGITS)
		buf_printf(b, "%u.", LONG + (unsigned)digits);
	number_put(b, number);
}

/* A run of everything but digits and '~', as one segment of letters. */
static void letters_put(struct buf *b, struct str *s)
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
			buf_put(b, s->p, 1);
		}
}

/* The rest of a word that @b has begun, and its number; @tilde: its last character so far is '~'. */
static void word_rest(struct buf *b, struct str *s, bool tilde)
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
static void word_plus(struct buf *b, struct str *s)
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
static void word_dot(struct buf *b, struct str *s)
{
	if (at_number(*s)) {
		put(b, ".");
		return number_dotted(b, s);
	}
	put(b, peek(*s) == '~' ? "_zz" : "." TOP ".");
	word_rest(b, s, false);
}

/* One word and its number, after a number. */
static void word_put(struct buf *b, struct str *s)
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
static struct str part_respell(struct arena *a, struct str s)
{
	struct buf b = { .a = a };

	if (at_number(s)) {
		number_dotted(&b, &s);
	} else {
		put(&b, peek(s) == '~' ? "zz" : TOP ".");
		word_rest(&b, &s, false);
	}
	while (s.n > 0)
		word_put(&b, &s);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static int version_check(struct str text, struct str upstream, struct err *e)
{
	for (size_t i = 0; i < text.n; i++)
		if (!is_letter(text.p[i]) && !is_digit(text.p[i]) && !memchr("+-.:~", text.p[i], 5))
			return err_set(e, -EBADMSG, "version '%.*s': byte 0x%02x; want letters, digits and + - . : ~",
				       STR_FMT(text), (unsigned char)text.p[i]);
	if (text.n > DEB_VERSION_BYTES_MAX)
		return err_set(e, -EBADMSG, "version '%.*s...' is longer than %d bytes", STR_FMT(str_head(text, 64)),
			       DEB_VERSION_BYTES_MAX);
	if (upstream.n == 0)
		return err_set(e, -EBADMSG, "version '%.*s' has no upstream version", STR_FMT(text));
	return 0;
}

int version_parse(struct arena *a, struct str text, struct rpm_version *ret, struct err *e)
{
	struct str rest = text, revision = { 0 };
	struct rpm_version v = { 0 };
	ptrdiff_t colon = str_find(text, ':');
	int rc;

	if (colon >= 0) {
		if (!str_u64(str_head(text, (size_t)colon), INT32_MAX, &v.epoch))
			return err_set(e, -EBADMSG, "version '%.*s': the epoch is not a number below 2^31",
				       STR_FMT(text));
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
	v.version = part_respell(a, rest);
	v.release = part_respell(a, revision);
	*ret = v;
	return 0;
}

int version_evr(struct arena *a, struct str text, struct str *ret, struct err *e)
{
	struct rpm_version v = { 0 };
	int rc = version_parse(a, text, &v, e);

	if (rc < 0)
		return rc;
	if (v.epoch > 0)
		*ret = str_printf(a, "%llu:%.*s-%.*s", (unsigned long long)v.epoch, STR_FMT(v.version),
				  STR_FMT(v.release));
	else
		*ret = str_printf(a, "%.*s-%.*s", STR_FMT(v.version), STR_FMT(v.release));
	return 0;
}
