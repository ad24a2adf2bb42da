/* SPDX-License-Identifier: MIT */
#include "upstream/seen.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/url.h"

#define MAGIC "ashlar seen 1"

struct str seen_place(struct arena *a, struct str url)
{
	struct url u;

	return url_parse(url, &u) ? str_cat(a, u.host, u.path) : url;
}

static char *seen_path(struct arena *a, const char *cache, struct str place)
{
	return str_z(a, str_printf(a, "%s/upstream/seen/%.*s.seen", cache,
				   STR_FMT(sha256_hex(a, place.p, place.n))));
}

static struct str value(struct str *text, const char *key)
{
	struct str row = str_cut(text, '\n');

	return str_eqz(str_cut(&row, ' '), key) ? row : (struct str){ 0 };
}

void seen_parse(struct str text, struct str place, struct seen *ret)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str rest = text, said, date;
	struct seen s = { 0 };
	size_t n;

	if (!str_eqz(str_cut(&rest, '\n'), MAGIC) || !str_eq(value(&rest, "place"), place))
		return;
	date = value(&rest, "date");
	s.suite = value(&rest, "suite");
	s.codename = value(&rest, "codename");
	n = (size_t)(rest.p - text.p);
	said = value(&rest, "sha256");
	if (!str_eq(said, sha256_hex(&a, text.p, n)) || !str_u64(date, INT64_MAX, &s.time_sec))
		return;
	*ret = s;
}

void seen_read(struct arena *a, const char *cache, struct str place, struct seen *ret)
{
	struct str text;
	struct err e;

	*ret = (struct seen){ 0 };
	if (file_read(a, seen_path(a, cache, place), SEEN_BYTES_MAX, &text, &e) >= 0)
		seen_parse(text, place, ret);
}

int seen_write(const char *cache, struct str place, const struct seen *s, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct buf b = { .a = &a };
	const char *path = seen_path(&a, cache, place);
	int rc = dir_make(path_join(&a, cache, "upstream/seen"), e);

	if (rc < 0)
		return rc;
	buf_printf(&b, MAGIC "\nplace %.*s\ndate %llu\nsuite %.*s\ncodename %.*s\n", STR_FMT(place),
		   (unsigned long long)s->time_sec, STR_FMT(s->suite), STR_FMT(s->codename));
	buf_printf(&b, "sha256 %.*s\n", STR_FMT(sha256_hex(&a, b.v.p, b.v.n)));
	/* synced: it says what cannot be asked for again */
	return file_write(path, 0644, b.v.p, b.v.n, e);
}
