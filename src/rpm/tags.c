/* SPDX-License-Identifier: MIT */
#include "rpm/tags.h"

#include <pthread.h>
#include <rpm/rpmlog.h>
#include <stdlib.h>

#include "base/rd.h"

/* rpm lib/header.c: an entry of the index has 16 bytes, a header at most 256 MiB; nothing honest
 * comes near. */
enum { MAGIC_BYTES = 8, ENTRY_BYTES = 16, ENTRIES_MAX = 1 << 16, DATA_BYTES_MAX = 64 << 20 };

static int log_drop(rpmlogRec rec, rpmlogCallbackData data)
{
	(void)rec;
	(void)data;
	return 0;
}

static void librpm_init_once(void)
{
	rpmlogSetCallback(log_drop, NULL);
}

void librpm_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, librpm_init_once);
}

void header_init(struct header *h, struct arena *a)
{
	librpm_init();
	*h = (struct header){ .a = a, .h = headerNew() };
}

void header_done(struct header *h)
{
	headerFree(h->h);
	h->h = NULL;
}

int header_check(const struct header *h, struct err *e)
{
	return h->bad < 0 ? err_set(e, h->bad, "%s", h->e.msg) : 0;
}

void header_fail(struct header *h, rpmTagVal tag, const char *what)
{
	if (h->bad == 0)
		h->bad = err_set(&h->e, -EBADMSG, "header tag %s: %s", rpmTagGetName(tag), what);
}

static const char *c_string(struct header *h, rpmTagVal tag, struct str s)
{
	if (str_find(s, '\0') >= 0)
		header_fail(h, tag, "text with a NUL inside");
	return str_z(h->a, s);
}

/* With the type given here: numbers of the signature header's tags mean other things in rpm's own
 * table. Arrays of no element do not exist. */
static void put(struct header *h, rpmTagVal tag, rpmTagType type, const void *data, size_t n)
{
	struct rpmtd_s td = {
		.tag = tag, .type = type, .count = (rpm_count_t)n, .data = (void *)(uintptr_t)data
	};

	if (n > 0 && (n > UINT32_MAX || headerPut(h->h, &td, HEADERPUT_DEFAULT) != 1))
		header_fail(h, tag, "librpm does not take it: too large?");
}

void header_put_str(struct header *h, rpmTagVal tag, struct str s)
{
	put(h, tag, RPM_STRING_TYPE, c_string(h, tag, s), 1);
}

void header_put_i18n(struct header *h, rpmTagVal tag, struct str s)
{
	if (headerAddI18NString(h->h, tag, c_string(h, tag, s), "C") != 1)
		header_fail(h, tag, "librpm does not take it: too large?");
}

void header_put_strs(struct header *h, rpmTagVal tag, const struct str *p, size_t n)
{
	const char **strings = arena_array(h->a, n, sizeof(*strings));

	for (size_t i = 0; i < n; i++)
		strings[i] = c_string(h, tag, p[i]);
	put(h, tag, RPM_STRING_ARRAY_TYPE, strings, n);
}

void header_put_bin(struct header *h, rpmTagVal tag, const uint8_t *p, size_t n)
{
	put(h, tag, RPM_BIN_TYPE, p, n);
}

void header_put_chars(struct header *h, rpmTagVal tag, const char *p, size_t n)
{
	put(h, tag, RPM_CHAR_TYPE, p, n);
}

void header_put_u16(struct header *h, rpmTagVal tag, const uint16_t *p, size_t n)
{
	put(h, tag, RPM_INT16_TYPE, p, n);
}

void header_put_u32(struct header *h, rpmTagVal tag, const uint32_t *p, size_t n)
{
	put(h, tag, RPM_INT32_TYPE, p, n);
}

void header_put_u64(struct header *h, rpmTagVal tag, const uint64_t *p, size_t n)
{
	put(h, tag, RPM_INT64_TYPE, p, n);
}

int header_export(struct header *h, rpmTagVal region, struct str *ret, struct err *e)
{
	struct buf b = { .a = h->a };
	unsigned n = 0;
	void *blob;

	if (h->bad < 0)
		return header_check(h, e);
	h->h = headerReload(h->h, region);
	blob = h->h ? headerExport(h->h, &n) : NULL;
	if (!blob)
		return err_set(e, -EINVAL, "librpm cannot lay out the header");
	vec_reserve(b.a, &b.v, MAGIC_BYTES + n);
	buf_put(&b, rpm_header_magic, MAGIC_BYTES);
	buf_put(&b, blob, n);
	free(blob);
	*ret = (struct str){ (const char *)b.v.p, b.v.n };
	return 0;
}

int header_import(struct header *h, struct str *bytes, const char *what, struct err *e)
{
	struct rd r = { (const uint8_t *)bytes->p, bytes->n, 0, false };
	struct str magic = rd_str(&r, MAGIC_BYTES), body;
	uint32_t n_entries = rd_be32(&r), data_bytes = rd_be32(&r);

	if (r.bad || memcmp(magic.p, rpm_header_magic, MAGIC_BYTES) != 0)
		return err_set(e, -EBADMSG, "%s does not begin with a header's magic", what);
	if (n_entries < 1 || n_entries > ENTRIES_MAX || data_bytes > DATA_BYTES_MAX)
		return err_set(e, -EBADMSG,
			       "%s has %u tags and %u bytes, want 1 to %d and at most %d", what,
			       n_entries, data_bytes, ENTRIES_MAX, DATA_BYTES_MAX);
	rd_seek(&r, MAGIC_BYTES);
	body = rd_str(&r, 8 + n_entries * ENTRY_BYTES + data_bytes);
	if (r.bad)
		return err_set(e, -EBADMSG, "%s is cut short", what);
	headerFree(h->h);
	h->h = headerImport((void *)(uintptr_t)body.p, (unsigned)body.n, HEADERIMPORT_COPY);
	if (!h->h)
		return err_set(e, -EBADMSG, "%s is damaged", what);
	*bytes = str_from(*bytes, r.pos);
	return 0;
}

/* Raw: of texts in several languages the first, whatever the user's language. False when absent. */
static bool header_get(struct header *h, rpmTagVal tag, rpmtd td)
{
	if (!h->h || !headerGet(h->h, tag, td, HEADERGET_MINMEM | HEADERGET_RAW))
		return false;
	if (td->type == rpmTagGetTagType(tag))
		return true;
	header_fail(h, tag, "is of another type than rpm's");
	rpmtdFreeData(td);
	return false;
}

void header_get_strs(struct header *h, rpmTagVal tag, vec_str *ret)
{
	rpmtd td = rpmtdNew();

	*ret = (vec_str){ 0 };
	if (header_get(h, tag, td)) {
		vec_reserve(h->a, ret, rpmtdCount(td));
		for (const char *s; (s = rpmtdNextString(td));)
			vec_push(h->a, ret) = str_dup(h->a, str_c(s));
		rpmtdFreeData(td);
	}
	rpmtdFree(td);
}

struct str header_get_str(struct header *h, rpmTagVal tag)
{
	vec_str strings;

	header_get_strs(h, tag, &strings);
	return strings.n > 0 ? strings.p[0] : (struct str){ 0 };
}

struct str header_get_bin(struct header *h, rpmTagVal tag)
{
	rpmtd td = rpmtdNew();
	struct str s = { 0 };

	if (header_get(h, tag, td)) {
		s = (struct str){ arena_copy(h->a, td->data, td->count), td->count };
		rpmtdFreeData(td);
	}
	rpmtdFree(td);
	return s;
}

void header_get_u64s(struct header *h, rpmTagVal tag, vec_u64 *ret)
{
	rpmtd td = rpmtdNew();

	*ret = (vec_u64){ 0 };
	if (header_get(h, tag, td)) {
		vec_reserve(h->a, ret, rpmtdCount(td));
		while (rpmtdNext(td) >= 0)
			vec_push(h->a, ret) = rpmtdGetNumber(td);
		rpmtdFreeData(td);
	}
	rpmtdFree(td);
}

uint64_t header_get_u64(struct header *h, rpmTagVal tag, uint64_t otherwise)
{
	vec_u64 numbers;

	header_get_u64s(h, tag, &numbers);
	return numbers.n > 0 ? numbers.p[0] : otherwise;
}
