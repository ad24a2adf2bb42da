/* SPDX-License-Identifier: MIT */
#include "trust/authenticode.h"

#include "base/rd.h"
#include "disk/pe.h"
#include "trust/der.h"
#include "trust/signed_data.h"

/* WIN_CERTIFICATE (Microsoft PE format, "The Attribute Certificate Table") */
enum { CERTIFICATE_HEADER_BYTES = 8, CERTIFICATE_REVISION = 0x0200, CERTIFICATE_PKCS7 = 2 };

/* SpcPeImageData, of which nobody reads anything (Authenticode format, "SpcPeImageData"): no flags,
 * and "<<<Obsolete>>>" for a file. */
#define OID_PE_IMAGE_DATA STR("\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0f")
#define PE_IMAGE_DATA                                      \
	STR("\x30\x25\x03\x01\x00\xa0\x20\xa2\x1e\x80\x1c" \
	    "\x00<\x00<\x00<\x00O\x00"                     \
	    "b\x00s\x00o\x00l\x00"                         \
	    "e\x00t\x00"                                   \
	    "e\x00>\x00>\x00>")

/* Zeroes that come before a table, so that it begins where it must; they are signed, too. */
static size_t padding_bytes(const struct pe_signing *s)
{
	return -s->end % PE_CERTIFICATE_ALIGN;
}

/* What is signed: all of the image but two places in the headers, and the table. */
static void digest(struct str image, const struct pe_signing *s, size_t n_padding,
		   uint8_t ret[SHA256_BYTES])
{
	static const uint8_t zeroes[PE_CERTIFICATE_ALIGN];
	size_t behind_checksum = s->checksum + PE_CHECKSUM_BYTES,
	       behind_entry = s->entry + PE_ENTRY_BYTES;
	struct sha256 h;

	sha256_init(&h);
	sha256_update(&h, image.p, s->checksum);
	sha256_update(&h, image.p + behind_checksum, s->entry - behind_checksum);
	sha256_update(&h, image.p + behind_entry, s->end - behind_entry);
	sha256_update(&h, zeroes, n_padding);
	sha256_final(&h, ret);
}

int authenticode_digest(struct str image, uint8_t ret[SHA256_BYTES], struct err *e)
{
	struct pe_signing s;
	int r = pe_signing(image, &s, e);

	if (r == 0)
		digest(image, &s, 0, ret);
	return r;
}

/* SpcIndirectDataContent: says which image is signed. */
static struct str indirect_data(struct arena *a, const uint8_t hash[SHA256_BYTES])
{
	struct str octets = { (const char *)hash, SHA256_BYTES };

	return DER(a, DER_SEQUENCE, DER(a, DER_SEQUENCE, OID_PE_IMAGE_DATA, PE_IMAGE_DATA),
		   DER(a, DER_SEQUENCE, ALGORITHM_SHA256, DER(a, DER_OCTET_STRING, octets)));
}

/* Content and signed attributes of @image's signature. RFC 2315, 9.3: of the content, tag and
 * length are not digested. */
static int to_sign(struct arena *a, struct str image, struct pe_signing *ret_signing,
		   struct signed_data *ret, struct err *e)
{
	struct signed_data s = { .content_type = OID_INDIRECT_DATA };
	uint8_t hash[SHA256_BYTES];
	struct der d;
	int r = pe_signing(image, ret_signing, e);

	if (r < 0)
		return r;
	if (ret_signing->end != image.n)
		return err_set(e, -EEXIST, "PE: image is signed already");
	digest(image, ret_signing, padding_bytes(ret_signing), hash);
	s.content = indirect_data(a, hash);
	d.rest = s.content;
	d.bad = false;
	s.attributes = signed_data_attributes(a, s.content_type, der_content(&d, DER_SEQUENCE));
	*ret = s;
	return 0;
}

int authenticode_to_sign(struct arena *a, struct str image, struct str *ret, struct err *e)
{
	struct pe_signing signing;
	struct signed_data s;
	int r = to_sign(a, image, &signing, &s, e);

	if (r == 0)
		*ret = s.attributes;
	return r;
}

static struct str table_make(struct arena *a, struct str signature)
{
	struct buf b = { .a = a };

	buf_le32(&b, (uint32_t)(CERTIFICATE_HEADER_BYTES + signature.n));
	buf_le16(&b, CERTIFICATE_REVISION);
	buf_le16(&b, CERTIFICATE_PKCS7);
	buf_put(&b, signature.p, signature.n);
	buf_align(&b, PE_CERTIFICATE_ALIGN);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

int authenticode_attach(struct arena *a, struct str image, struct str certificate,
			struct str signature, struct str *ret, struct err *e)
{
	struct pe_signing signing;
	struct signed_data s;
	struct str bytes, table;
	uint8_t *out;
	int r = to_sign(a, image, &signing, &s, e);

	if (r < 0)
		return r;
	s.signature = signature;
	s.certificates = certificate;
	r = signed_data_build(a, &s, certificate, s.attributes, &bytes, e);
	if (r < 0)
		return r;
	table = table_make(a, signed_data_wrap(a, bytes));
	signing.end += padding_bytes(&signing);
	out = arena_alloc(a, signing.end + table.n);
	memcpy(out, image.p, image.n);
	memcpy(out + signing.end, table.p, table.n);
	r = pe_signing_set(out, signing.end + table.n, &signing, e);
	if (r == 0)
		*ret = (struct str){ (const char *)out, signing.end + table.n };
	return r;
}

int authenticode_strip(struct arena *a, struct str image, struct str *ret, struct err *e)
{
	struct pe_signing s;
	uint8_t *out;
	int r = pe_signing(image, &s, e);

	if (r < 0)
		return r;
	out = arena_copy(a, image.p, s.end);
	r = pe_signing_set(out, s.end, &s, e);
	if (r == 0)
		*ret = (struct str){ (const char *)out, s.end };
	return r;
}

/* The digest in an SpcIndirectDataContent whose SEQUENCE is open. Empty when it is damaged or of
 * another kind. */
static struct str indirect_digest(struct der d)
{
	struct der info;
	struct str hash;

	der_element(&d, DER_SEQUENCE); /* SpcPeImageData */
	info = (struct der){ der_content(&d, DER_SEQUENCE), d.bad };
	der_end(&d);
	if (!str_eq(der_element(&info, DER_SEQUENCE), ALGORITHM_SHA256))
		return (struct str){ 0 };
	hash = der_content(&info, DER_OCTET_STRING);
	der_end(&info);
	return info.bad || d.bad ? (struct str){ 0 } : hash;
}

/* Attributes and the certificate are the two things that firmware does not do without. */
static int signature_verify(struct arena *a, struct str der, const uint8_t hash[SHA256_BYTES],
			    const vec_str *trusted, size_t *ret_by, struct err *e)
{
	struct signed_data s;
	struct der d, content;
	int r = signed_data_parse(a, der, &s, e);

	if (r < 0)
		return r;
	d = (struct der){ s.content, false };
	content = (struct der){ der_content(&d, DER_SEQUENCE), d.bad };
	if (content.bad || !str_eq(s.content_type, OID_INDIRECT_DATA) || s.attributes.n == 0 ||
	    s.certificates.n == 0)
		return err_set(e, -EBADMSG, "signature is damaged, or not one of an executable");
	if (!str_eq(indirect_digest(content), (struct str){ (const char *)hash, SHA256_BYTES }))
		return err_set(e, -EKEYREJECTED,
			       "signature is of another image: its digest is not this one");
	r = signed_data_verify(&s, content.rest, trusted, ret_by, e);
	return r == -ENOKEY ? -EKEYREJECTED : r;
}

/* Takes the next entry's signature off the table. */
static int table_next(struct rd *r, struct str *ret, struct err *e)
{
	uint32_t n = rd_le32(r);
	uint16_t revision = rd_le16(r), type = rd_le16(r);
	const uint8_t *padding;
	size_t n_padding = -n % PE_CERTIFICATE_ALIGN;

	r->bad = r->bad || n < CERTIFICATE_HEADER_BYTES;
	*ret = rd_str(r, n - CERTIFICATE_HEADER_BYTES);
	padding = rd_bytes(r, n_padding);
	for (size_t i = 0; padding && i < n_padding; i++)
		r->bad = r->bad || padding[i] != 0;
	if (r->bad || revision != CERTIFICATE_REVISION || type != CERTIFICATE_PKCS7)
		return err_set(e, -EBADMSG, "PE: certificate table is damaged, or not of PKCS#7");
	return 0;
}

int authenticode_verify(struct arena *a, struct str image, const vec_str *trusted, size_t *ret_by,
			struct err *e)
{
	uint8_t hash[SHA256_BYTES];
	struct pe_signing s;
	struct rd table;
	int r = pe_signing(image, &s, e);

	if (r < 0)
		return r;
	if (s.end == image.n)
		return err_set(e, -ENOKEY, "executable is not signed");
	digest(image, &s, 0, hash);
	table = (struct rd){ (const uint8_t *)image.p + s.end, image.n - s.end, 0, false };
	do { /* any one of them is enough, as for firmware */
		struct str signature;

		r = table_next(&table, &signature, e);
		if (r < 0)
			return r;
		r = signature_verify(a, signature, hash, trusted, ret_by, e);
	} while (r < 0 && table.pos < table.n);
	return r;
}

int authenticode_verify_exact(struct arena *a, struct str image, const vec_str *trusted,
			      size_t *ret_by, struct err *e)
{
	struct str plain, again, der;
	struct pe_signing place;
	struct signed_data s;
	struct rd table;
	size_t by = 0;
	int r = authenticode_verify(a, image, trusted, &by, e);

	if (r == 0)
		r = pe_signing(image, &place, e);
	if (r < 0)
		return r;
	table = (struct rd){ (const uint8_t *)image.p + place.end, image.n - place.end, 0, false };
	r = table_next(&table, &der, e);
	if (r == 0)
		r = signed_data_parse(a, der, &s, e);
	if (r == 0)
		r = authenticode_strip(a, image, &plain, e);
	if (r < 0)
		return r;
	if (authenticode_attach(a, plain, trusted->p[by], s.signature, &again, e) < 0 ||
	    !str_eq(again, image))
		return err_set(e, -EBADMSG,
			       "executable holds more than is signed, or in another form");
	*ret_by = by;
	return 0;
}
