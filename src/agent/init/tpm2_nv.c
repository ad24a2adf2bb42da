/* SPDX-License-Identifier: MIT */
#include "agent/init/tpm2_call.h"

int tpm2_nv_public(struct tpm2 *t, uint32_t index, struct tpm2_nv *ret, struct err *e)
{
	struct tpm2_call c = {
		.what = "TPM2_NV_ReadPublic", .code = 0x169, .n_handles = 1, .handles = { index }
	};
	struct tpm2_response answer;
	struct tpm2_nv nv;
	struct str public;
	struct rd r;
	int code = tpm2_call(t, &c, &answer, e);

	if (code < 0)
		return code;
	r = tpm2_rd(&answer);
	public = tpm2_take(&r);
	(void)tpm2_take(&r); /* its name */
	code = tpm2_end(&r, c.what, e);
	r = (struct rd){ (const uint8_t *)public.p, public.n, 0, false };
	nv.index = rd_be32(&r);
	nv.sha256 = rd_be16(&r) == TPM2_ALG_SHA256;
	nv.attributes = rd_be32(&r);
	nv.policy = tpm2_take(&r);
	nv.size_bytes = rd_be16(&r);
	if (code == 0)
		code = tpm2_end(&r, c.what, e);
	if (code == 0)
		*ret = nv;
	return code;
}

int tpm2_nv_define(struct tpm2 *t, const struct tpm2_nv *nv, struct err *e)
{
	struct tpm2_call c = { .what = "TPM2_NV_DefineSpace",
			       .code = 0x12a,
			       .n_handles = 1,
			       .handles = { TPM2_OWNER },
			       .session = TPM2_PASSWORD,
			       .params = { .a = t->a } };
	struct buf public = { .a = t->a };
	struct tpm2_response answer;

	buf_be16(&c.params, 0); /* no password */
	buf_be32(&public, nv->index);
	buf_be16(&public, TPM2_ALG_SHA256);
	buf_be32(&public, nv->attributes);
	tpm2_put(&public, nv->policy);
	buf_be16(&public, nv->size_bytes);
	tpm2_put(&c.params, (struct str){ (const char *)public.v.p, public.v.n });
	return tpm2_call(t, &c, &answer, e);
}

int tpm2_nv_undefine(struct tpm2 *t, uint32_t index, struct err *e)
{
	const struct tpm2_call c = { .what = "TPM2_NV_UndefineSpace",
				     .code = 0x122,
				     .n_handles = 2,
				     .handles = { TPM2_OWNER, index },
				     .session = TPM2_PASSWORD };
	struct tpm2_response answer;

	return tpm2_call(t, &c, &answer, e);
}

int tpm2_nv_read(struct tpm2 *t, const struct tpm2_nv *nv, struct str *ret, struct err *e)
{
	struct tpm2_call c = { .what = "TPM2_NV_Read",
			       .code = 0x14e,
			       .n_handles = 2,
			       .handles = { nv->index, nv->index },
			       .session = TPM2_PASSWORD,
			       .params = { .a = t->a } };
	struct tpm2_response answer;
	struct str content;
	struct rd r;
	int code;

	if (nv->size_bytes > TPM2_DATA_BYTES_MAX)
		return err_set(e, -E2BIG, "%s: an index of %u bytes", c.what, nv->size_bytes);
	buf_be16(&c.params, nv->size_bytes);
	buf_be16(&c.params, 0); /* from its begin */
	code = tpm2_call(t, &c, &answer, e);
	if (code < 0)
		return code;
	r = tpm2_rd(&answer);
	content = tpm2_take(&r);
	code = tpm2_end(&r, c.what, e);
	if (code == 0)
		*ret = content;
	return code;
}

int tpm2_nv_write(struct tpm2 *t, uint32_t index, uint32_t session, struct str content,
		  struct err *e)
{
	struct tpm2_call c = { .what = "TPM2_NV_Write",
			       .code = 0x137,
			       .n_handles = 2,
			       .handles = { index, index },
			       .session = session,
			       .params = { .a = t->a } };
	struct tpm2_response answer;

	tpm2_put(&c.params, content);
	buf_be16(&c.params, 0);
	return tpm2_call(t, &c, &answer, e);
}
