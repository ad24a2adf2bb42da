/* SPDX-License-Identifier: MIT */
#include "rpm/purl.h"

#include <ctype.h>
#include <inttypes.h>

static const char purl_start[] = "pkg:deb/";

/* Percent-encoding: letters, digits, and the marks that the specification leaves alone. */
static void encoded_put(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (isascii(c) && (isalnum(c) || strchr(".-_~:", c)))
			buf_u8(b, c);
		else
			buf_printf(b, "%%%02X", c);
	}
}

/* A damaged escape stays as it is. */
static struct str decoded(struct arena *a, struct str s)
{
	struct buf b = { .a = a };

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (c == '%' && i + 2 < s.n && hex_decode((struct str){ s.p + i + 1, 2 }, &c, 1))
			i += 2;
		buf_u8(&b, c);
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static void qualifier_put(struct buf *b, char before, const char *key, struct str value)
{
	buf_printf(b, "%c%s=", before, key);
	encoded_put(b, value);
}

struct str purl_format(struct arena *a, const struct rpm_meta *m)
{
	struct buf b = { .a = a };
	struct str hash = hex_encode(a, m->sha256, sizeof(m->sha256));

	if (m->origin_name.n == 0)
		return (struct str){ 0 };
	buf_printf(&b, "%s", purl_start);
	encoded_put(&b, m->upstream);
	buf_u8(&b, '/');
	encoded_put(&b, m->origin_name);
	buf_u8(&b, '@');
	encoded_put(&b, m->origin_version);
	qualifier_put(&b, '?', "arch", m->origin_arch);
	qualifier_put(&b, '&', "checksum", str_cat(a, STR("sha256:"), hash));
	if (m->essential)
		qualifier_put(&b, '&', "essential", STR("yes"));
	qualifier_put(&b, '&', "size", str_printf(a, "%" PRIu64, m->size_bytes));
	qualifier_put(&b, '&', "upstream",
		      str_printf(a, "%.*s@%.*s", STR_FMT(m->source_name),
				 STR_FMT(m->source_version)));
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static void qualifier_set(struct rpm_meta *m, struct str key, struct str value)
{
	uint8_t hash[SHA256_BYTES];
	uint64_t size;

	if (str_eqz(key, "arch"))
		m->origin_arch = value;
	else if (str_eqz(key, "essential"))
		m->essential = str_eqz(value, "yes");
	else if (str_eqz(key, "size") && str_u64(value, UINT64_MAX, &size))
		m->size_bytes = size;
	else if (str_eqz(key, "checksum") && str_starts(value, "sha256:") &&
		 hex_decode(str_from(value, strlen("sha256:")), hash, sizeof(hash)))
		memcpy(m->sha256, hash, sizeof(hash));
	else if (str_eqz(key, "upstream")) {
		m->source_name = str_cut(&value, '@');
		m->source_version = value;
	}
}

void purl_parse(struct arena *a, struct str purl, struct rpm_meta *m)
{
	struct str path;

	if (!str_starts(purl, purl_start))
		return;
	purl = str_from(purl, strlen(purl_start));
	path = str_cut(&purl, '?');
	m->upstream = decoded(a, str_cut(&path, '/'));
	m->origin_name = decoded(a, str_cut(&path, '@'));
	m->origin_version = decoded(a, path);
	while (purl.n > 0) {
		struct str value = str_cut(&purl, '&'), key = str_cut(&value, '=');

		qualifier_set(m, key, decoded(a, value));
	}
}
