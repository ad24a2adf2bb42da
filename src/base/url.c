/* SPDX-License-Identifier: MIT */
#include "base/url.h"

enum { PORT_MAX = 65535 };

static size_t find_any(struct str s, const char *chars)
{
	size_t i = 0;

	while (i < s.n && (!s.p[i] || !strchr(chars, s.p[i])))
		i++;
	return i;
}

/* The last '@' ends user and password: a careless password has one itself. */
static void user_cut(struct str *place, struct url *u)
{
	size_t at = place->n;
	struct str user;

	while (at > 0 && place->p[at - 1] != '@')
		at--;
	if (at == 0)
		return;
	user = str_head(*place, at - 1);
	*place = str_from(*place, at);
	u->has_user = true;
	u->user = str_cut(&user, ':');
	u->password = user;
}

static bool port_ok(struct str port)
{
	uint64_t n;

	return str_u64(port, PORT_MAX, &n) && n > 0;
}

static bool place_parse(struct str place, struct url *u)
{
	struct str rest = place;

	u->place = place;
	if (str_starts(place, "[")) {
		rest = str_from(place, 1);
		if (str_find(rest, ']') < 0)
			return false;
		u->host = str_cut(&rest, ']');
		if (rest.n == 0)
			return u->host.n > 0;
		if (rest.p[0] != ':')
			return false;
		u->port = str_from(rest, 1);
	} else {
		u->host = str_cut(&rest, ':');
		u->port = rest;
		if (str_find(place, ':') < 0)
			return u->host.n > 0;
	}
	return u->host.n > 0 && port_ok(u->port);
}

bool url_parse(struct str text, struct url *ret)
{
	struct url u = { 0 };
	struct str rest = text, place;
	size_t n;

	if (str_find(text, ':') <= 0)
		return false;
	u.scheme = str_cut(&rest, ':');
	if (find_any(u.scheme, "/@ ") < u.scheme.n)
		return false;
	if (str_eqz(u.scheme, "file")) {
		if (str_starts(rest, "//"))
			rest = str_from(rest, 2);
		u.path = rest;
		*ret = u;
		return str_starts(rest, "/");
	}
	if (!str_starts(rest, "//"))
		return false;
	rest = str_from(rest, 2);
	n = find_any(rest, "/?#");
	place = str_head(rest, n);
	u.path = str_from(rest, n);
	user_cut(&place, &u);
	if (!place_parse(place, &u))
		return false;
	*ret = u;
	return true;
}

struct str url_clean(struct arena *a, struct str text)
{
	struct url u;

	if (!url_parse(text, &u) || !u.has_user)
		return text;
	return str_printf(a, "%.*s://%.*s%.*s", STR_FMT(u.scheme), STR_FMT(u.place),
			  STR_FMT(u.path));
}

struct str url_shown(struct arena *a, struct str text)
{
	struct str rest = text, scheme = str_cut(&rest, ':');
	struct url u;

	if (url_parse(text, &u))
		return url_clean(a, text);
	if (str_find(rest, '@') < 0)
		return text;
	return str_printf(a, "%.*s:...", STR_FMT(scheme));
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) % 16 : -1;
}

struct str url_unescape(struct arena *a, struct str text)
{
	struct buf b = { .a = a };

	for (size_t i = 0; i < text.n; i++) {
		int high = text.p[i] == '%' && text.n - i > 2 ? hex_digit(text.p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(text.p[i + 2]) : -1;
		char c = low >= 0 ? (char)(high * 16 + low) : text.p[i];

		buf_put(&b, &c, 1);
		i += low >= 0 ? 2 : 0;
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static bool unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~/:@,=", c));
}

struct str url_escape_path(struct arena *a, struct str path)
{
	struct buf b = { .a = a };

	for (size_t i = 0; i < path.n; i++) {
		if (unreserved(path.p[i]))
			buf_put(&b, &path.p[i], 1);
		else
			buf_printf(&b, "%%%02x", (unsigned char)path.p[i]);
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}
