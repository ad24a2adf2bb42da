/* SPDX-License-Identifier: MIT */
#include "trust/der.h"

#include "base/rd.h"

enum { LONG_FORM = 0x80, SHORT_MAX = 0x7f, LENGTH_OCTETS_MAX = 4 };

static void length_put(struct buf *b, size_t n)
{
	unsigned octets = 1;

	if (n <= SHORT_MAX) {
		buf_u8(b, (uint8_t)n);
		return;
	}
	while (octets < sizeof(n) && n >> (8 * octets))
		octets++;
	buf_u8(b, (uint8_t)(LONG_FORM | octets));
	while (octets-- > 0)
		buf_u8(b, (uint8_t)(n >> (8 * octets)));
}

struct str der_make(struct arena *a, uint8_t tag, const struct str *parts, size_t n)
{
	struct buf b = { .a = a };
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += parts[i].n;
	buf_u8(&b, tag);
	length_put(&b, total);
	for (size_t i = 0; i < n; i++)
		buf_put(&b, parts[i].p, parts[i].n);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

/* X.690, 8.1.3 and 10.1: in as few octets as possible, and never the indefinite form. */
static size_t length_read(struct rd *r)
{
	uint8_t first = rd_u8(r);
	unsigned octets = first & SHORT_MAX;
	size_t n = 0;

	if (first <= SHORT_MAX)
		return first;
	if (octets == 0 || octets > LENGTH_OCTETS_MAX)
		r->bad = true;
	for (unsigned i = 0; i < octets && !r->bad; i++) {
		n = n << 8 | rd_u8(r);
		r->bad = r->bad || n == 0;
	}
	r->bad = r->bad || n <= SHORT_MAX;
	return n;
}

/* The header's size is left in *ret_header. */
static struct str take(struct der *d, uint8_t tag, size_t *ret_header)
{
	struct rd r = { (const uint8_t *)d->rest.p, d->rest.n, 0, d->bad };
	struct str all = d->rest;
	uint8_t got = rd_u8(&r);
	size_t n = length_read(&r);

	*ret_header = r.pos;
	rd_bytes(&r, n);
	if (r.bad || got != tag) {
		d->bad = true;
		*ret_header = 0;
		return (struct str){ 0 };
	}
	d->rest = str_from(d->rest, r.pos);
	return str_head(all, r.pos);
}

struct str der_content(struct der *d, uint8_t tag)
{
	size_t header;
	struct str element = take(d, tag, &header);

	return str_from(element, header);
}

struct str der_element(struct der *d, uint8_t tag)
{
	size_t header;

	return take(d, tag, &header);
}

bool der_is(const struct der *d, uint8_t tag)
{
	return !d->bad && d->rest.n > 0 && (uint8_t)d->rest.p[0] == tag;
}

void der_end(struct der *d)
{
	d->bad = d->bad || d->rest.n > 0;
}
