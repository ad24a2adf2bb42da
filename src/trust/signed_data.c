/* SPDX-License-Identifier: MIT */
#include "trust/signed_data.h"

#include "base/hash.h"
#include "trust/certificate.h"
#include "trust/der.h"

/* A signature with the content inside; policies and certificates are far smaller. */
enum { SIGNED_DATA_BYTES_MAX = 16 << 20, SERIAL_SHOWN_MAX = 20 };

#define VERSION_1        STR("\x02\x01\x01")
#define DER_NULL_ELEMENT STR("\x05\x00")
#define OID_SIGNED_DATA  STR("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02")
#define OID_CONTENT_TYPE STR("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03")
#define OID_DIGEST       STR("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04")
#define OID_SHA256       STR("\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01")
/* Not sha256WithRSAEncryption: the kernel knows this one only. */
#define OID_RSA STR("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")

/* What of a certificate says who signed: elements. */
struct signer_certificate {
	struct str serial, issuer;
};

/* RFC 5280, 4.1 */
static int certificate_parse(struct str der, struct signer_certificate *ret, struct err *e)
{
	struct der outer = { der, false }, all, d;
	struct signer_certificate c;

	all = (struct der){ der_content(&outer, DER_SEQUENCE), outer.bad };
	der_end(&outer);
	d = (struct der){ der_content(&all, DER_SEQUENCE), all.bad };
	if (der_is(&d, DER_CONTEXT_0))
		der_element(&d, DER_CONTEXT_0); /* version */
	c.serial = der_element(&d, DER_INTEGER);
	der_element(&d, DER_SEQUENCE); /* algorithm */
	c.issuer = der_element(&d, DER_SEQUENCE);
	if (outer.bad || d.bad)
		return err_set(e, -EBADMSG, "a certificate of %zu bytes is not readable as DER",
			       der.n);
	*ret = c;
	return 0;
}

static struct str attribute(struct arena *a, struct str type, struct str value)
{
	return DER(a, DER_SEQUENCE, type, DER(a, DER_SET, value));
}

/* In the order that DER wants of a SET OF: a content type is shorter than a digest. */
struct str signed_data_attributes(struct arena *a, struct str content_type, struct str content)
{
	uint8_t digest[SHA256_BYTES];

	sha256(content.p, content.n, digest);
	return DER(a, DER_SET, attribute(a, OID_CONTENT_TYPE, content_type),
		   attribute(a, OID_DIGEST,
			     DER(a, DER_OCTET_STRING,
				 (struct str){ (const char *)digest, sizeof(digest) })));
}

/* RFC 2315, 9.2 */
static struct str signer_info(struct arena *a, const struct signed_data *s,
			      const struct signer_certificate *c)
{
	struct str attributes = s->attributes;
	struct der d = { attributes, false };

	if (attributes.n > 0) /* [0] IMPLICIT: its content under another tag */
		attributes = DER(a, DER_CONTEXT_0, der_content(&d, DER_SET));
	return DER(a, DER_SEQUENCE, VERSION_1, DER(a, DER_SEQUENCE, c->issuer, c->serial),
		   ALGORITHM_SHA256, attributes, DER(a, DER_SEQUENCE, OID_RSA, DER_NULL_ELEMENT),
		   DER(a, DER_OCTET_STRING, s->signature));
}

/* RFC 2315, 9.1 */
int signed_data_build(struct arena *a, const struct signed_data *s, struct str certificate,
		      struct str to_sign, struct str *ret, struct err *e)
{
	struct str content = s->content, certificates = s->certificates;
	struct signer_certificate c;
	int r = certificate_parse(certificate, &c, e);

	if (r == 0)
		r = certificate_verify(certificate, to_sign, s->signature, e);
	if (r < 0)
		return r;
	if (content.n > 0)
		content = DER(a, DER_CONTEXT_0, content);
	if (certificates.n > 0)
		certificates = DER(a, DER_CONTEXT_0, certificates);
	*ret = DER(a, DER_SEQUENCE, VERSION_1, DER(a, DER_SET, ALGORITHM_SHA256),
		   DER(a, DER_SEQUENCE, s->content_type, content), certificates,
		   DER(a, DER_SET, signer_info(a, s, &c)));
	return 0;
}

struct str signed_data_wrap(struct arena *a, struct str signed_data)
{
	return DER(a, DER_SEQUENCE, OID_SIGNED_DATA, DER(a, DER_CONTEXT_0, signed_data));
}

/* Whether the next element is that AlgorithmIdentifier, with NULL or nothing for parameters. */
static bool algorithm_is(struct der *d, struct str oid)
{
	struct der algorithm = { der_content(d, DER_SEQUENCE), d->bad };
	struct str got = der_element(&algorithm, DER_OID);

	if (der_is(&algorithm, DER_NULL))
		der_element(&algorithm, DER_NULL);
	der_end(&algorithm);
	return !algorithm.bad && str_eq(got, oid);
}

static void signer_parse(struct arena *a, struct der *infos, struct signed_data *ret)
{
	struct der d = { der_content(infos, DER_SEQUENCE), infos->bad }, id;

	d.bad = d.bad || !str_eq(der_element(&d, DER_INTEGER), VERSION_1);
	id = (struct der){ der_content(&d, DER_SEQUENCE), d.bad };
	ret->issuer = der_element(&id, DER_SEQUENCE);
	ret->serial = der_element(&id, DER_INTEGER);
	der_end(&id);
	d.bad = d.bad || id.bad || !algorithm_is(&d, OID_SHA256);
	if (der_is(&d, DER_CONTEXT_0)) /* signed as what it is, a SET OF (9.3) */
		ret->attributes = DER(a, DER_SET, der_content(&d, DER_CONTEXT_0));
	d.bad = d.bad || !algorithm_is(&d, OID_RSA);
	ret->signature = der_content(&d, DER_OCTET_STRING);
	if (der_is(&d, DER_CONTEXT_1)) /* unsigned attributes: anybody may have added them */
		der_element(&d, DER_CONTEXT_1);
	der_end(&d);
	infos->bad = infos->bad || d.bad;
}

static void content_parse(struct der *d, struct signed_data *ret)
{
	struct der info = { der_content(d, DER_SEQUENCE), d->bad }, content;

	ret->content_type = der_element(&info, DER_OID);
	if (der_is(&info, DER_CONTEXT_0)) {
		content = (struct der){ der_content(&info, DER_CONTEXT_0), info.bad };
		ret->content = content.rest;
		der_element(&content, content.rest.n > 0 ? (uint8_t)content.rest.p[0] : 0);
		der_end(&content);
		info.bad = info.bad || content.bad;
	}
	der_end(&info);
	d->bad = d->bad || info.bad;
}

/* The SignedData in a ContentInfo. */
static struct der unwrap(struct str bytes)
{
	struct der all = { bytes, false }, info, explicit;
	struct str type;

	info = (struct der){ der_content(&all, DER_SEQUENCE), all.bad };
	der_end(&all);
	type = der_element(&info, DER_OID);
	explicit = (struct der){ der_content(&info, DER_CONTEXT_0), info.bad };
	der_end(&info);
	info.rest = der_content(&explicit, DER_SEQUENCE);
	der_end(&explicit);
	info.bad = info.bad || all.bad || explicit.bad || !str_eq(type, OID_SIGNED_DATA);
	return info;
}

int signed_data_parse(struct arena *a, struct str der, struct signed_data *ret, struct err *e)
{
	struct signed_data s = { 0 };
	struct der d = unwrap(der), algorithms, infos;

	if (der.n > SIGNED_DATA_BYTES_MAX)
		return err_set(e, -EFBIG, "signature of %zu bytes, want at most %d", der.n,
			       SIGNED_DATA_BYTES_MAX);
	if (d.bad)
		return err_set(e, -EBADMSG, "damaged, or no PKCS#7 signature");
	d.bad = !str_eq(der_element(&d, DER_INTEGER), VERSION_1);
	algorithms = (struct der){ der_content(&d, DER_SET), d.bad };
	d.bad = d.bad || !algorithm_is(&algorithms, OID_SHA256);
	der_end(&algorithms);
	content_parse(&d, &s);
	if (der_is(&d, DER_CONTEXT_0))
		s.certificates = der_content(&d, DER_CONTEXT_0);
	if (der_is(&d, DER_CONTEXT_1)) /* revocations */
		der_element(&d, DER_CONTEXT_1);
	infos = (struct der){ der_content(&d, DER_SET), d.bad };
	der_end(&d);
	signer_parse(a, &infos, &s);
	der_end(&infos);
	if (d.bad || infos.bad || algorithms.bad)
		return err_set(
			e, -EBADMSG,
			"damaged PKCS#7 signature, or not by one signer with SHA-256 and RSA");
	*ret = s;
	return 0;
}

/* Each of the two attributes once; others say nothing of the content. */
static int attributes_check(const struct signed_data *s, struct str content, struct err *e)
{
	struct der set = { s->attributes, false }, d;
	unsigned n_types = 0, n_digests = 0;
	uint8_t digest[SHA256_BYTES];
	bool same = true;

	sha256(content.p, content.n, digest);
	for (d = (struct der){ der_content(&set, DER_SET), set.bad }; !d.bad && d.rest.n > 0;) {
		struct der one = { der_content(&d, DER_SEQUENCE), d.bad }, value;
		struct str type = der_element(&one, DER_OID);

		value = (struct der){ der_content(&one, DER_SET), one.bad };
		der_end(&one);
		if (str_eq(type, OID_CONTENT_TYPE)) {
			n_types++;
			same = same && str_eq(der_element(&value, DER_OID), s->content_type);
			der_end(&value);
		} else if (str_eq(type, OID_DIGEST)) {
			struct str got = der_content(&value, DER_OCTET_STRING);

			n_digests++;
			same = same &&
			       str_eq(got, (struct str){ (const char *)digest, sizeof(digest) });
			der_end(&value);
		}
		d.bad = d.bad || one.bad || value.bad;
	}
	if (d.bad || n_types != 1 || n_digests != 1)
		return err_set(e, -EBADMSG, "damaged PKCS#7 signature: its signed attributes");
	if (!same)
		return err_set(e, -EKEYREJECTED,
			       "signature is of other content: its digest is not this one");
	return 0;
}

static int not_trusted(const struct signed_data *s, size_t n_trusted, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct der d = { s->serial, false };
	struct str serial = str_head(der_content(&d, DER_INTEGER), SERIAL_SHOWN_MAX);

	return err_set(e, -ENOKEY,
		       "signed by the certificate with serial number %.*s, which is none of the "
		       "%zu trusted ones",
		       STR_FMT(hex_encode(&a, serial.p, serial.n)), n_trusted);
}

/* Firmware takes the certificate inside for the signer's, so it must be the trusted one to the last
 * bit. The kernel does without. */
static int certificates_check(const struct signed_data *s, struct str signer, struct err *e)
{
	struct der d = { s->certificates, false };
	bool found = d.rest.n == 0;

	while (!d.bad && d.rest.n > 0)
		found = str_eq(der_element(&d, DER_SEQUENCE), signer) || found;
	if (d.bad)
		return err_set(e, -EBADMSG, "damaged PKCS#7 signature: its certificates");
	if (!found)
		return err_set(
			e, -EKEYREJECTED,
			"the signer's certificate inside the signature is not the trusted one");
	return 0;
}

/* By that certificate, which is the one named. */
static int verify_by(const struct signed_data *s, struct str content, struct str certificate,
		     struct err *e)
{
	int r = certificates_check(s, certificate, e);

	if (r < 0)
		return r;
	return certificate_verify(certificate, s->attributes.n > 0 ? s->attributes : content,
				  s->signature, e);
}

int signed_data_verify(const struct signed_data *s, struct str content, const vec_str *trusted,
		       size_t *ret_by, struct err *e)
{
	bool known = false;
	int r = s->attributes.n > 0 ? attributes_check(s, content, e) : 0;

	if (r < 0)
		return r;
	for (size_t i = 0; i < trusted->n; i++) {
		struct signer_certificate c;

		r = certificate_parse(trusted->p[i], &c, e);
		if (r < 0)
			return r;
		if (!str_eq(c.issuer, s->issuer) || !str_eq(c.serial, s->serial))
			continue;
		known = true;
		r = verify_by(s, content, trusted->p[i], e);
		if (r == 0) {
			*ret_by = i;
			return 0;
		}
	}
	return known ? r : not_trusted(s, trusted->n, e);
}
