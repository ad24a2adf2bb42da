/* SPDX-License-Identifier: MIT */
#include "solve/solve.h"

static const char want[] = "NAME EVR ARCH SHA256 SIZE UPSTREAM LOCATION";

/* Becomes part of a path and of an address: no way out of the folder, nothing that hides in a
 * message. */
static bool location_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	if (s.n == 0 || s.p[0] == '/')
		return false;
	while (s.n > 0)
		if (str_eqz(str_cut(&s, '/'), ".."))
			return false;
	return true;
}

static bool word_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f || s.p[i] == '/')
			return false;
	return s.n > 0;
}

static bool row_parse(struct str row, struct lock_package *ret)
{
	struct lock_package p = { 0 };

	p.name = str_cut(&row, ' ');
	p.evr = str_cut(&row, ' ');
	p.arch = str_cut(&row, ' ');
	if (!hex_decode(str_cut(&row, ' '), p.sha256, sizeof(p.sha256)))
		return false;
	if (!str_u64(str_cut(&row, ' '), INT64_MAX, &p.size_bytes))
		return false;
	p.upstream = str_cut(&row, ' ');
	p.location = row;
	if (!word_ok(p.name) || !word_ok(p.evr) || !word_ok(p.arch) || !word_ok(p.upstream) ||
	    !location_ok(p.location))
		return false;
	*ret = p;
	return true;
}

static int head_parse(struct str *text, const char *name, uint64_t *ret, struct err *e)
{
	struct str row = str_cut(text, '\n');

	if (!str_eqz(str_cut(&row, ' '), "ashlar-lock") || !str_eqz(str_cut(&row, ' '), "1") ||
	    !str_u64(row, INT64_MAX, ret))
		return err_set(e, -EBADMSG, "%s:1: want 'ashlar-lock 1 SOURCE_DATE_EPOCH'", name);
	return 0;
}

int lock_parse(struct arena *a, struct str text, const char *name, struct lock *ret, struct err *e)
{
	struct lock lock = { 0 };
	int r = head_parse(&text, name, &lock.source_date_epoch, e);

	for (unsigned line = 2; r == 0 && text.n > 0; line++) {
		struct lock_package p;

		if (!row_parse(str_cut(&text, '\n'), &p))
			return err_set(e, -EBADMSG, "%s:%u: want %s", name, line, want);
		if (lock.packages.n > 0 &&
		    str_cmp(lock.packages.p[lock.packages.n - 1].name, p.name) >= 0)
			return err_set(e, -EBADMSG,
				       "%s:%u: '%.*s' is out of order; want each name once, sorted",
				       name, line, STR_FMT(p.name));
		vec_push(a, &lock.packages) = p;
	}
	if (r == 0)
		*ret = lock;
	return r;
}

struct str lock_dump(struct arena *a, const struct lock *lock)
{
	struct buf b = { .a = a };

	buf_printf(&b, "ashlar-lock 1 %llu\n", (unsigned long long)lock->source_date_epoch);
	vec_each(p, &lock->packages)
		buf_printf(&b, "%.*s %.*s %.*s %.*s %llu %.*s %.*s\n", STR_FMT(p->name),
			   STR_FMT(p->evr), STR_FMT(p->arch),
			   STR_FMT(hex_encode(a, p->sha256, sizeof(p->sha256))),
			   (unsigned long long)p->size_bytes, STR_FMT(p->upstream),
			   STR_FMT(p->location));
	return (struct str){ (const char *)b.v.p, b.v.n };
}
