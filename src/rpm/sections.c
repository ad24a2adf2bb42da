/* SPDX-License-Identifier: MIT */
#include "rpm/sections.h"

#include "rpm/rpmfile_format.h"

void sections_init(struct sections *s, struct arena *a)
{
	*s = (struct sections){ 0 };
	header_init(&s->signature, a);
	header_init(&s->header, a);
}

void sections_done(struct sections *s)
{
	header_done(&s->signature);
	header_done(&s->header);
}

struct str rpm_lead_name(struct str bytes)
{
	struct str name = str_head(str_from(bytes, LEAD_NAME_OFFSET), LEAD_NAME_BYTES);

	if (bytes.n < LEAD_BYTES || memcmp(bytes.p, lead_magic, sizeof(lead_magic)) != 0)
		return (struct str){ 0 };
	return str_cut(&name, '\0');
}

int sections_read(struct sections *s, struct str bytes, struct err *e)
{
	struct str rest = bytes;
	int r;

	if (bytes.n < LEAD_BYTES || memcmp(bytes.p, lead_magic, sizeof(lead_magic)) != 0)
		return err_set(e, -EBADMSG, "not an RPM package");
	rest = str_from(rest, LEAD_BYTES);
	r = header_import(&s->signature, &rest, "signature header", e);
	if (r < 0)
		return r;
	rest = str_from(rest, -(bytes.n - rest.n) % HEADER_ALIGN);
	s->header_bytes = rest;
	r = header_import(&s->header, &rest, "header", e);
	if (r < 0)
		return r;
	s->header_bytes.n -= rest.n;
	s->payload = rest;
	return 0;
}
