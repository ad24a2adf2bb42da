/* SPDX-License-Identifier: MIT */
#include "trust/pkcs7.h"

#include "trust/der.h"
#include "trust/signed_data.h"

int pkcs7_build(struct arena *a, const struct pkcs7 *p, struct str signature, struct str *ret,
		struct err *e)
{
	struct signed_data s = { .content_type = OID_DATA, .signature = signature };
	struct str bytes;
	int r;

	if (p->attached)
		s.content = DER(a, DER_OCTET_STRING, p->content);
	if (p->certificates)
		s.certificates = p->certificate;
	r = signed_data_build(a, &s, p->certificate, pkcs7_to_sign(p), &bytes, e);
	if (r == 0)
		*ret = signed_data_wrap(a, bytes);
	return r;
}

/* The kernel, too, refuses a signature with content inside where it has the content already: a
 * signed policy must not pass for a signed root hash. */
static int content_choose(const struct signed_data *s, struct str *content, struct err *e)
{
	struct der d = { s->content, false };

	if (!str_eq(s->content_type, OID_DATA))
		return err_set(e, -EBADMSG, "PKCS#7 signature is not of plain data");
	if (s->content.n > 0 && content->n > 0)
		return err_set(e, -EBADMSG,
			       "PKCS#7 signature has content inside; want one without");
	if (s->content.n == 0 && content->n == 0)
		return err_set(e, -EBADMSG,
			       "PKCS#7 signature has no content inside; want one with");
	if (s->content.n > 0)
		*content = der_content(&d, DER_OCTET_STRING);
	if (d.bad)
		return err_set(e, -EBADMSG, "damaged PKCS#7 signature: its content");
	return 0;
}

int pkcs7_verify(struct arena *a, struct str der, struct str *content, const vec_str *trusted,
		 size_t *ret_by, struct err *e)
{
	struct str chosen = *content;
	struct signed_data s;
	int r = signed_data_parse(a, der, &s, e);

	if (r == 0)
		r = content_choose(&s, &chosen, e);
	if (r == 0)
		r = signed_data_verify(&s, chosen, trusted, ret_by, e);
	if (r == 0)
		*content = chosen;
	return r;
}

int pkcs7_verify_exact(struct arena *a, struct str der, struct str *content, const vec_str *trusted,
		       size_t *ret_by, struct err *e)
{
	struct pkcs7 p = { .content = *content };
	struct signed_data s;
	struct str again;
	size_t by = 0;
	int r = pkcs7_verify(a, der, &p.content, trusted, &by, e);

	if (r == 0)
		r = signed_data_parse(a, der, &s, e);
	if (r < 0)
		return r;
	p.certificate = trusted->p[by];
	p.attached = s.content.n > 0;
	p.certificates = s.certificates.n > 0;
	if (s.attributes.n > 0 || pkcs7_build(a, &p, s.signature, &again, e) < 0 ||
	    !str_eq(again, der))
		return err_set(e, -EBADMSG,
			       "PKCS#7 signature holds more than signs, or in another form");
	*content = p.content;
	*ret_by = by;
	return 0;
}
