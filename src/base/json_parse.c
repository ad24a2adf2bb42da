/* SPDX-License-Identifier: MIT */
#include "base/json_parse.h"

struct cursor {
	struct arena *a;
	struct str text;
	size_t at;
	unsigned depth;
	struct err *e;
};

static int wrong(struct cursor *c, const char *want)
{
	return err_set(c->e, -EBADMSG, "JSON, byte %zu: want %s", c->at, want);
}

/* The byte at the cursor; NUL at the end. No token begins with NUL. */
static char peek(const struct cursor *c)
{
	return c->at < c->text.n ? c->text.p[c->at] : '\0';
}

static bool take(struct cursor *c, char byte)
{
	if (c->at == c->text.n || peek(c) != byte)
		return false;
	c->at++;
	return true;
}

static void skip_blanks(struct cursor *c)
{
	while (take(c, ' ') || take(c, '\t') || take(c, '\n') || take(c, '\r'))
		;
}

static bool hex4(struct cursor *c, uint32_t *ret)
{
	uint8_t x[2];

	if (!hex_decode(str_head(str_from(c->text, c->at), 4), x, sizeof(x)))
		return false;
	c->at += 4;
	*ret = (uint32_t)x[0] << 8 | x[1];
	return true;
}

static void utf8_put(struct buf *b, uint32_t x)
{
	if (x < 0x80) {
		buf_u8(b, (uint8_t)x);
		return;
	}
	if (x < 0x800) {
		buf_u8(b, (uint8_t)(0xc0 | x >> 6));
	} else if (x < 0x10000) {
		buf_u8(b, (uint8_t)(0xe0 | x >> 12));
		buf_u8(b, (uint8_t)(0x80 | (x >> 6 & 0x3f)));
	} else {
		buf_u8(b, (uint8_t)(0xf0 | x >> 18));
		buf_u8(b, (uint8_t)(0x80 | (x >> 12 & 0x3f)));
		buf_u8(b, (uint8_t)(0x80 | (x >> 6 & 0x3f)));
	}
	buf_u8(b, (uint8_t)(0x80 | (x & 0x3f)));
}

/* Behind "\u". What lies beyond 16 bits is written as two surrogates (RFC 8259, 7). */
static bool unicode(struct cursor *c, struct buf *b)
{
	uint32_t x, low;

	if (!hex4(c, &x) || x == 0 || (x >= 0xdc00 && x < 0xe000))
		return false;
	if (x >= 0xd800 && x < 0xdc00) {
		if (!take(c, '\\') || !take(c, 'u') || !hex4(c, &low) || low < 0xdc00 ||
		    low >= 0xe000)
			return false;
		x = 0x10000 + ((x - 0xd800) << 10) + (low - 0xdc00);
	}
	utf8_put(b, x);
	return true;
}

static bool escape(struct cursor *c, struct buf *b)
{
	static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	const char *name;

	if (take(c, 'u'))
		return unicode(c, b);
	name = peek(c) ? strchr(names, peek(c)) : NULL;
	if (!name)
		return false;
	c->at++;
	buf_u8(b, (uint8_t)bytes[name - names]);
	return true;
}

static int string(struct cursor *c, struct str *ret)
{
	struct buf b = { .a = c->a };

	if (!take(c, '"'))
		return wrong(c, "a string");
	while (!take(c, '"')) {
		size_t n = str_utf8_len(str_from(c->text, c->at));

		if (take(c, '\\')) {
			if (!escape(c, &b))
				return wrong(c, "an escape of a character other than NUL");
			continue;
		}
		if (n == 0 || (uint8_t)peek(c) < 0x20)
			return wrong(c, "a character of a string, as UTF-8");
		buf_put(&b, c->text.p + c->at, n);
		c->at += n;
	}
	*ret = (struct str){ (char *)b.v.p, b.v.n };
	return 0;
}

static bool digits(struct cursor *c)
{
	size_t start = c->at;

	while (peek(c) >= '0' && peek(c) <= '9')
		c->at++;
	return c->at > start;
}

static bool number(struct cursor *c)
{
	(void)take(c, '-');
	if (!take(c, '0') && !digits(c))
		return false;
	if (take(c, '.') && !digits(c))
		return false;
	if (!take(c, 'e') && !take(c, 'E'))
		return true;
	if (!take(c, '+'))
		(void)take(c, '-');
	return digits(c);
}

static int scalar(struct cursor *c, struct json_value *ret)
{
	static const struct {
		const char *word;
		enum json_type type;
	} words[] = { { "null", JSON_NULL }, { "false", JSON_FALSE }, { "true", JSON_TRUE } };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (str_starts(str_from(c->text, c->at), words[i].word)) {
			c->at += strlen(words[i].word);
			ret->type = words[i].type;
			return 0;
		}
	ret->type = JSON_NUMBER;
	return number(c) ? 0 : wrong(c, "a value");
}

static int container(struct cursor *c, vec_json_value *ret);

static int value(struct cursor *c, struct json_value *ret)
{
	size_t start = c->at;
	char first = peek(c);
	int r;

	if (first == '"') {
		ret->type = JSON_STRING;
		return string(c, &ret->text);
	}
	if (first == '{' || first == '[') {
		ret->type = first == '{' ? JSON_OBJECT : JSON_ARRAY;
		r = container(c, NULL);
	} else {
		r = scalar(c, ret);
	}
	ret->text = str_head(str_from(c->text, start), c->at - start);
	return r;
}

static int member(struct cursor *c, bool keyed, struct json_value *ret)
{
	int r;

	if (keyed) {
		r = string(c, &ret->key);
		if (r < 0)
			return r;
		skip_blanks(c);
		if (!take(c, ':'))
			return wrong(c, "':'");
		skip_blanks(c);
	}
	return value(c, ret);
}

static bool is_double(const vec_json_value *values, struct str key)
{
	vec_each(v, values)
		if (str_eq(v->key, key))
			return true;
	return false;
}

/* @ret NULL: it is only checked. */
static int items(struct cursor *c, bool keyed, vec_json_value *ret)
{
	char end = keyed ? '}' : ']';
	size_t max = keyed ? JSON_MEMBERS_MAX : JSON_ELEMENTS_MAX;

	skip_blanks(c);
	if (take(c, end))
		return 0;
	for (;;) {
		struct json_value v = { 0 };
		int r;

		skip_blanks(c);
		r = member(c, keyed, &v);
		if (r < 0)
			return r;
		if (ret && ((keyed && is_double(ret, v.key)) || ret->n == max))
			return err_set(c->e, -EBADMSG, "JSON, byte %zu: %s", c->at,
				       ret->n == max ? "too many values"
						     : "a second member of the name");
		if (ret)
			vec_push(c->a, ret) = v;
		skip_blanks(c);
		if (take(c, end))
			return 0;
		if (!take(c, ','))
			return wrong(c, keyed ? "',' or '}'" : "',' or ']'");
	}
}

static int container(struct cursor *c, vec_json_value *ret)
{
	bool keyed = peek(c) == '{';
	int r;

	if (!keyed && peek(c) != '[')
		return wrong(c, "an object or an array");
	if (++c->depth > JSON_DEPTH_MAX)
		return err_set(c->e, -EBADMSG, "JSON, byte %zu: more than %d levels", c->at,
			       JSON_DEPTH_MAX);
	c->at++;
	r = items(c, keyed, ret);
	c->depth--;
	return r;
}

int json_parse(struct arena *a, struct str text, vec_json_value *ret, struct err *e)
{
	struct cursor c = { .a = a, .text = text, .e = e };
	vec_json_value values = { 0 };
	int r;

	skip_blanks(&c);
	r = container(&c, &values);
	if (r < 0)
		return r;
	skip_blanks(&c);
	if (c.at < text.n)
		return wrong(&c, "nothing behind the end");
	*ret = values;
	return 0;
}

const struct json_value *json_find(const vec_json_value *values, const char *key)
{
	vec_each(v, values)
		if (str_eqz(v->key, key))
			return v;
	return NULL;
}

int json_member(const vec_json_value *values, const char *key, enum json_type type, struct str *ret,
		struct err *e)
{
	const struct json_value *v = json_find(values, key);

	if (!v || v->type != type)
		return err_set(e, -EBADMSG, "no '%s' of its type", key);
	*ret = v->text;
	return 0;
}
