/* SPDX-License-Identifier: MIT */
#include "base/json.h"

static void quoted(struct json *j, struct str s)
{
	buf_u8(&j->b, '"');
	while (s.n > 0) {
		size_t n = str_utf8_len(s);
		char c = s.p[0];

		if (n == 0) {
			buf_put(&j->b, "\xef\xbf\xbd", 3);
			n = 1;
		} else if (c == '"' || c == '\\') {
			buf_printf(&j->b, "\\%c", c);
		} else if (c == '\n') {
			buf_put(&j->b, "\\n", 2);
		} else if ((uint8_t)c < 0x20) {
			buf_printf(&j->b, "\\u%04x", c);
		} else {
			buf_put(&j->b, s.p, n);
		}
		s = str_from(s, n);
	}
	buf_u8(&j->b, '"');
}

static void newline(struct json *j)
{
	if (j->indent > 0)
		buf_printf(&j->b, "\n%*s", j->indent * j->depth, "");
}

static void member(struct json *j, const char *key)
{
	if (j->comma)
		buf_u8(&j->b, ',');
	if (j->depth > 0)
		newline(j);
	if (key) {
		quoted(j, str_c(key));
		buf_put(&j->b, ": ", j->indent > 0 ? 2 : 1);
	}
	j->comma = true;
}

static void open_(struct json *j, const char *key, char c)
{
	member(j, key);
	buf_u8(&j->b, (uint8_t)c);
	j->depth++;
	j->comma = false;
}

static void end(struct json *j, char c)
{
	bool empty = !j->comma;

	j->depth--;
	if (!empty)
		newline(j);
	buf_u8(&j->b, (uint8_t)c);
	j->comma = true;
}

void json_object(struct json *j, const char *key)
{
	open_(j, key, '{');
}

void json_array(struct json *j, const char *key)
{
	open_(j, key, '[');
}

void json_end_object(struct json *j)
{
	end(j, '}');
}

void json_end_array(struct json *j)
{
	end(j, ']');
}

void json_str(struct json *j, const char *key, struct str value)
{
	member(j, key);
	quoted(j, value);
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	member(j, key);
	buf_printf(&j->b, "%llu", (unsigned long long)value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	member(j, key);
	buf_printf(&j->b, "%s", value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	member(j, key);
	buf_printf(&j->b, "null");
}

void json_seconds(struct json *j, const char *key, double value)
{
	member(j, key);
	buf_printf(&j->b, "%.3f", value);
}

struct str json_text(struct json *j)
{
	return (struct str){ (char *)j->b.v.p, j->b.v.n };
}
