/* SPDX-License-Identifier: MIT */
#include "trust/efi_variable.h"

#include <inttypes.h>
#include <time.h>

#include "base/rd.h"
#include "base/uuid.h"
#include "disk/efi_varstore.h"
#include "disk/gpt.h"
#include "trust/signed_data.h"

const uint8_t efi_global_guid[16] = { 0x8b, 0xe4, 0xdf, 0x61, 0x93, 0xca, 0x11, 0xd2,
				      0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };
const uint8_t efi_security_guid[16] = { 0xd7, 0x19, 0xb2, 0xcb, 0x3d, 0x3a, 0x45, 0x96,
					0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f };

/* EFI_CERT_X509_GUID: an entry is one certificate. EFI_CERT_TYPE_PKCS7_GUID: of a write. */
static const uint8_t x509_guid[16] = { 0xa5, 0xc0, 0x59, 0xa1, 0x94, 0xe4, 0x4a, 0xa7,
				       0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72 };
/* EFI_CERT_SHA256_GUID: the digest of one executable. Certificates have a type of digests, too, but
 * the kernel (6.12) never finds those: docs/decisions/0028-one-purpose.md. */
static const uint8_t sha256_guid[16] = { 0xc1, 0xc4, 0x16, 0x26, 0x50, 0x4c, 0x40, 0x92,
					 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28 };
static const uint8_t pkcs7_guid[16] = { 0x4a, 0xaf, 0xd2, 0x9d, 0x68, 0xdf, 0x49, 0xee,
					0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7 };

enum {
	GUID_BYTES = 16,
	LIST_HEADER_BYTES = GUID_BYTES + 3 * 4,
	TIME_BYTES = 16,
	WIN_CERTIFICATE_BYTES = 8 + GUID_BYTES,
	WIN_CERTIFICATE_REVISION = 0x0200,
	WIN_CERTIFICATE_GUID = 0x0ef1,
	/* non-volatile, boot services, runtime, authenticated by time: what Secure Boot's
	   variables have to have */
	ATTRIBUTES = 0x01 | 0x02 | 0x04 | 0x20,
	YEAR_MAX = 9999,
};

static void guid_put(struct buf *b, const uint8_t guid[16])
{
	uint8_t swapped[GUID_BYTES];

	uuid_swap(guid, swapped);
	buf_put(b, swapped, sizeof(swapped));
}

/* A list of one entry. */
static void list_put(struct buf *b, const uint8_t type[16], const uint8_t owner[16],
		     struct str entry)
{
	uint32_t entry_bytes = (uint32_t)(GUID_BYTES + entry.n);

	guid_put(b, type);
	buf_le32(b, LIST_HEADER_BYTES + entry_bytes);
	buf_le32(b, 0); /* of a header that these types have not */
	buf_le32(b, entry_bytes);
	guid_put(b, owner);
	buf_put(b, entry.p, entry.n);
}

struct str efi_signature_lists(struct arena *a, const uint8_t owner[16],
			       const vec_str *certificates)
{
	struct buf b = { .a = a };

	vec_each(c, certificates)
		list_put(&b, x509_guid, owner, *c);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

struct str efi_revocation_lists(struct arena *a, const uint8_t owner[16],
				const vec_efi_revocation *revocations)
{
	struct buf b = { .a = a };

	vec_each(r, revocations)
		list_put(&b, sha256_guid, owner,
			 (struct str){ (const char *)r->sha256, SHA256_BYTES });
	return (struct str){ (const char *)b.v.p, b.v.n };
}

struct entry {
	uint8_t type[GUID_BYTES]; /* of its list, in text order */
	struct str data;          /* without its owner */
};
typedef VEC(struct entry) vec_entry;

static void list_parse(struct arena *a, struct rd *r, vec_entry *ret)
{
	const uint8_t *type = rd_bytes(r, GUID_BYTES);
	uint32_t list_bytes = rd_le32(r), header_bytes = rd_le32(r), entry_bytes = rd_le32(r), n;
	struct entry entry;

	if (r->bad || list_bytes < LIST_HEADER_BYTES ||
	    header_bytes > list_bytes - LIST_HEADER_BYTES || entry_bytes <= GUID_BYTES ||
	    (list_bytes - LIST_HEADER_BYTES - header_bytes) % entry_bytes != 0) {
		r->bad = true;
		return;
	}
	uuid_swap(type, entry.type);
	rd_bytes(r, header_bytes);
	n = (list_bytes - LIST_HEADER_BYTES - header_bytes) / entry_bytes;
	for (uint32_t i = 0; i < n && !r->bad; i++) {
		entry.data = str_from(rd_str(r, entry_bytes), GUID_BYTES);
		if (!r->bad)
			vec_push(a, ret) = entry;
	}
}

static int lists_parse(struct arena *a, struct str data, vec_entry *ret, struct err *e)
{
	struct rd r = { (const uint8_t *)data.p, data.n, 0, false };

	while (r.pos < r.n) {
		size_t start = r.pos;

		list_parse(a, &r, ret);
		if (r.bad)
			return err_set(e, -EBADMSG,
				       "EFI signature list at byte %zu of %zu is damaged", start,
				       data.n);
	}
	return 0;
}

static bool type_is(const struct entry *entry, const uint8_t type[16])
{
	return memcmp(entry->type, type, GUID_BYTES) == 0;
}

int efi_signature_lists_parse(struct arena *a, struct str data, vec_str *ret, struct err *e)
{
	vec_str certificates = { 0 };
	vec_entry entries = { 0 };
	int r = lists_parse(a, data, &entries, e);

	if (r < 0)
		return r;
	vec_each(entry, &entries) {
		if (!type_is(entry, x509_guid))
			return err_set(e, -EBADMSG,
				       "an EFI signature list names what is no certificate, but "
				       "%.*s",
				       STR_FMT(hex_encode(a, entry->data.p,
							  entry->data.n < SHA256_BYTES
								  ? entry->data.n
								  : SHA256_BYTES)));
		vec_push(a, &certificates) = entry->data;
	}
	*ret = certificates;
	return 0;
}

int efi_revocation_lists_parse(struct arena *a, struct str data, vec_efi_revocation *ret,
			       struct err *e)
{
	vec_efi_revocation revocations = { 0 };
	vec_entry entries = { 0 };
	int r = lists_parse(a, data, &entries, e);

	if (r < 0)
		return r;
	vec_each(entry, &entries) {
		struct efi_revocation one;

		if (!type_is(entry, sha256_guid) || entry->data.n != SHA256_BYTES)
			continue;
		memcpy(one.sha256, entry->data.p, SHA256_BYTES);
		vec_push(a, &revocations) = one;
	}
	*ret = revocations;
	return 0;
}

bool efi_is_revoked(const vec_efi_revocation *all, struct efi_revocation one)
{
	vec_each(r, all)
		if (memcmp(r->sha256, one.sha256, SHA256_BYTES) == 0)
			return true;
	return false;
}

/* EFI_TIME (8.3.1). */
static int time_put(struct buf *b, uint64_t time_sec, struct err *e)
{
	time_t t = (time_t)time_sec;
	struct tm tm;

	if (t < 0 || !gmtime_r(&t, &tm) || tm.tm_year + 1900 > YEAR_MAX)
		return err_set(e, -EINVAL, "%" PRIu64 " s is a time after the year %d", time_sec,
			       YEAR_MAX);
	efi_time_put(b, &tm);
	return 0;
}

/* 8.2.2: name without its end, vendor, attributes, time, data. */
static struct str to_sign(struct arena *a, const char *name, const uint8_t guid[16],
			  struct str time, struct str data)
{
	struct buf b = { .a = a };

	for (const char *c = name; *c; c++)
		buf_le16(&b, (uint8_t)*c);
	guid_put(&b, guid);
	buf_le32(&b, ATTRIBUTES);
	buf_put(&b, time.p, time.n);
	buf_put(&b, data.p, data.n);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

int efi_variable_sign(struct arena *a, const char *name, const uint8_t guid[16], struct str data,
		      uint64_t time_sec, const struct signer *signer, struct str certificate,
		      struct str *ret, struct err *e)
{
	struct signed_data s = { .content_type = OID_DATA, .certificates = certificate };
	struct buf b = { .a = a };
	struct str bytes, signature;
	int r = time_put(&b, time_sec, e);

	if (r < 0)
		return r;
	bytes = to_sign(a, name, guid, (struct str){ (const char *)b.v.p, b.v.n }, data);
	r = signer_sign(a, signer, bytes, &s.signature, e);
	if (r == 0) /* without a ContentInfo: EDK II before 2023 knows no other form */
		r = signed_data_build(a, &s, certificate, bytes, &signature, e);
	if (r < 0)
		return r;
	buf_le32(&b, (uint32_t)(WIN_CERTIFICATE_BYTES + signature.n));
	buf_le16(&b, WIN_CERTIFICATE_REVISION);
	buf_le16(&b, WIN_CERTIFICATE_GUID);
	guid_put(&b, pkcs7_guid);
	buf_put(&b, signature.p, signature.n);
	buf_put(&b, data.p, data.n);
	*ret = (struct str){ (const char *)b.v.p, b.v.n };
	return 0;
}

/* The three parts of an EFI_VARIABLE_AUTHENTICATION_2 with what follows it. */
static int auth_parse(struct str auth, struct str *ret_time, struct str *ret_signature,
		      struct str *ret_data, struct err *e)
{
	struct rd r = { (const uint8_t *)auth.p, auth.n, 0, false };
	struct str time = rd_str(&r, TIME_BYTES), signature;
	uint32_t n = rd_le32(&r);
	uint16_t revision = rd_le16(&r), type = rd_le16(&r);
	const uint8_t *guid = rd_bytes(&r, GUID_BYTES);
	uint8_t swapped[GUID_BYTES] = { 0 };

	r.bad = r.bad || n < WIN_CERTIFICATE_BYTES;
	signature = rd_str(&r, n - WIN_CERTIFICATE_BYTES);
	if (guid)
		uuid_swap(guid, swapped);
	if (r.bad || revision != WIN_CERTIFICATE_REVISION || type != WIN_CERTIFICATE_GUID ||
	    memcmp(swapped, pkcs7_guid, GUID_BYTES) != 0)
		return err_set(e, -EBADMSG, "is no authenticated write of a variable, or damaged");
	*ret_time = time;
	*ret_signature = signature;
	*ret_data = str_from(auth, r.pos);
	return 0;
}

int efi_variable_verify(struct arena *a, const char *name, const uint8_t guid[16], struct str auth,
			const vec_str *trusted, struct str *ret, struct err *e)
{
	struct str time, signature, data, bytes, again;
	struct signed_data s;
	size_t by = 0;
	int r = auth_parse(auth, &time, &signature, &data, e);

	if (r == 0)
		r = signed_data_parse(a, signed_data_wrap(a, signature), &s, e);
	if (r < 0)
		return r;
	bytes = to_sign(a, name, guid, time, data);
	r = signed_data_verify(&s, bytes, trusted, &by, e);
	if (r < 0)
		return r;
	s.certificates = trusted->p[by];
	if (!str_eq(s.content_type, OID_DATA) || s.attributes.n > 0 || s.content.n > 0 ||
	    signed_data_build(a, &s, trusted->p[by], bytes, &again, e) < 0 ||
	    !str_eq(again, signature))
		return err_set(e, -EBADMSG, "holds more than is signed, or in another form");
	*ret = data;
	return 0;
}
