/* SPDX-License-Identifier: MIT */
#include "agent/init/tpm2.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/init/tpm2_call.h"
#include "base/io.h"

enum {
	ST_NO_SESSIONS = 0x8001,
	ST_SESSIONS = 0x8002,
	ST_VERIFIED = 0x8022,
	HEADER_BYTES = 10,
	PCRS = 24,
	NONCE_BYTES = 16, /* the least that is allowed; nothing here is encrypted with it */
	CONTINUE_SESSION = 1,
	SESSION_POLICY = 1,
	SESSION_TRIAL = 3,
	ALG_RSA = 0x0001,
	ALG_RSASSA = 0x0014,
	/* TPMA_OBJECT: userWithAuth, decrypt, sign: with them systemd names the same key the same
	 */
	KEY_ATTRIBUTES = 1 << 6 | 1 << 17 | 1 << 18,
	RSA_BYTES_MAX = 512,
	TICKET_BYTES_MAX = 128,
};

int tpm2_open(struct arena *a, const char *path, struct tpm2 *ret, struct err *e)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	*ret = (struct tpm2){ .a = a, .fd = fd };
	return 0;
}

void tpm2_close(struct tpm2 *t)
{
	close_p(&t->fd);
}

void tpm2_put(struct buf *b, struct str bytes)
{
	buf_be16(b, (uint16_t)bytes.n);
	buf_put(b, bytes.p, bytes.n);
}

struct str tpm2_take(struct rd *r)
{
	return rd_str(r, rd_be16(r));
}

struct rd tpm2_rd(const struct tpm2_response *r)
{
	return (struct rd){ (const uint8_t *)r->params.p, r->params.n, 0, false };
}

int tpm2_end(const struct rd *r, const char *what, struct err *e)
{
	return r->bad || r->pos != r->n
		       ? err_set(e, -EBADMSG, "%s: the TPM's answer is damaged", what)
		       : 0;
}

/* TPM_RC (part 2, 6.6): with bit 7 set, bits 8 to 11 say which handle, session or parameter. */
static int code_of(uint32_t rc)
{
	static const struct {
		uint32_t rc;
		int code;
	} known[] = {
		{ 0x08b, -ENOENT },       { 0x14a, -ENODATA }, { 0x14c, -EEXIST },
		{ 0x09b, -EKEYREJECTED }, { 0x09d, -EACCES },  { 0x08e, -EACCES },
		{ 0x0a2, -EACCES },
	};
	uint32_t kind = rc & 0x80 ? rc & 0xbf : rc;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].rc == kind)
			return known[i].code;
	return -EIO;
}

int tpm2_response_parse(struct str bytes, const char *what, bool has_handle, bool authorized,
			struct tpm2_response *ret, struct err *e)
{
	struct rd r = { (const uint8_t *)bytes.p, bytes.n, 0, false };
	uint16_t tag = rd_be16(&r);
	uint32_t size = rd_be32(&r), rc = rd_be32(&r), handle;
	struct str params;

	if (r.bad || size != bytes.n || (tag != ST_NO_SESSIONS && tag != ST_SESSIONS))
		return err_set(e, -EBADMSG, "%s: the TPM's answer is damaged", what);
	if (rc != 0)
		return err_set(e, code_of(rc), "%s: the TPM refuses with code 0x%x", what, rc);
	handle = has_handle ? rd_be32(&r) : 0;
	params = rd_str(&r, authorized ? rd_be32(&r) : r.n - r.pos);
	/* behind them: what the session answers, which carries no proof here */
	if (r.bad || (tag == ST_SESSIONS) != authorized)
		return err_set(e, -EBADMSG, "%s: the TPM's answer is damaged", what);
	*ret = (struct tpm2_response){ .handle = handle, .params = params };
	return 0;
}

static void put_header(struct buf *b, const struct tpm2_call *c, size_t n_bytes)
{
	buf_be16(b, c->session ? ST_SESSIONS : ST_NO_SESSIONS);
	buf_be32(b, (uint32_t)n_bytes);
	buf_be32(b, c->code);
	for (size_t i = 0; i < c->n_handles; i++)
		buf_be32(b, c->handles[i]);
}

/* TPMS_AUTH_COMMAND without nonce and proof: for a password that is empty, and for a policy that
 * asks for no secret. */
static void put_session(struct buf *b, const struct tpm2_call *c)
{
	buf_be32(b, 9);
	buf_be32(b, c->session);
	buf_be16(b, 0);
	buf_u8(b, c->keep ? CONTINUE_SESSION : 0);
	buf_be16(b, 0);
}

static struct str message(struct arena *a, const struct tpm2_call *c)
{
	struct buf b = { .a = a };
	size_t n = HEADER_BYTES + 4 * c->n_handles + (c->session ? 4 + 9 : 0) + c->params.v.n;

	put_header(&b, c, n);
	if (c->session)
		put_session(&b, c);
	buf_put(&b, c->params.v.p, c->params.v.n);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static uint32_t size_said(const char *p, size_t n)
{
	struct rd r = { (const uint8_t *)p, n, 2, false };

	return n < HEADER_BYTES ? HEADER_BYTES : rd_be32(&r);
}

/* The device gives an answer in one piece, a socket may not. */
static int answer_read(struct tpm2 *t, const char *what, struct str *ret, struct err *e)
{
	char *p = arena_alloc(t->a, TPM2_RESPONSE_BYTES_MAX);
	size_t n = 0;

	while (n < size_said(p, n) && n < TPM2_RESPONSE_BYTES_MAX) {
		ssize_t got = read(t->fd, p + n, TPM2_RESPONSE_BYTES_MAX - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? err_sys(e, "%s: read the TPM's answer", what)
				       : err_set(e, -EIO, "%s: the TPM gives no answer", what);
		n += (size_t)got;
	}
	*ret = (struct str){ p, n };
	return 0;
}

int tpm2_call(struct tpm2 *t, const struct tpm2_call *c, struct tpm2_response *ret, struct err *e)
{
	struct str bytes = message(t->a, c);
	int r = fd_write(t->fd, bytes.p, bytes.n, "the TPM", e);

	if (r == 0)
		r = answer_read(t, c->what, &bytes, e);
	return r < 0 ? r
		     : tpm2_response_parse(bytes, c->what, c->has_handle, c->session != 0, ret, e);
}

/* One whose response has nothing to say. */
static int call_quiet(struct tpm2 *t, const struct tpm2_call *c, struct err *e)
{
	struct tpm2_response r;

	return tpm2_call(t, c, &r, e);
}

static int digest_take(struct rd *r, const char *what, uint8_t ret[TPM2_DIGEST_BYTES],
		       struct err *e)
{
	struct str digest = tpm2_take(r);

	if (r->bad || digest.n != TPM2_DIGEST_BYTES)
		return err_set(e, -EBADMSG, "%s: the TPM's answer is damaged", what);
	memcpy(ret, digest.p, TPM2_DIGEST_BYTES);
	return 0;
}

/* TPML_PCR_SELECTION of one register. */
static void put_selection(struct buf *b, unsigned pcr)
{
	buf_be32(b, 1);
	buf_be16(b, TPM2_ALG_SHA256);
	buf_u8(b, PCRS / 8);
	for (unsigned i = 0; i < PCRS / 8; i++)
		buf_u8(b, pcr / 8 == i ? (uint8_t)(1u << pcr % 8) : 0);
}

int tpm2_pcr_event(struct tpm2 *t, unsigned pcr, struct str data, struct err *e)
{
	struct tpm2_call c = { .what = "TPM2_PCR_Event",
			       .code = 0x13c,
			       .n_handles = 1,
			       .handles = { pcr },
			       .session = TPM2_PASSWORD,
			       .params = { .a = t->a } };

	if (data.n > TPM2_DATA_BYTES_MAX)
		return err_set(e, -E2BIG, "%s: %zu bytes at once", c.what, data.n);
	tpm2_put(&c.params, data);
	return call_quiet(t, &c, e);
}

int tpm2_pcr_read(struct tpm2 *t, unsigned pcr, uint8_t ret[TPM2_DIGEST_BYTES], struct err *e)
{
	struct tpm2_call c = { .what = "TPM2_PCR_Read", .code = 0x17e, .params = { .a = t->a } };
	struct tpm2_response answer;
	struct rd r;
	int code;

	put_selection(&c.params, pcr);
	code = tpm2_call(t, &c, &answer, e);
	if (code < 0)
		return code;
	r = tpm2_rd(&answer);
	/* the counter of updates; the selection, and a list of one value if there is such a bank */
	rd_bytes(&r, 4 + 4 + 2 + 1 + PCRS / 8);
	if (rd_be32(&r) != 1)
		return err_set(e, -EIO, "%s: the TPM has no SHA-256 bank", c.what);
	return digest_take(&r, c.what, ret, e);
}

int tpm2_hash(struct tpm2 *t, struct str data, uint8_t ret[TPM2_DIGEST_BYTES], struct err *e)
{
	struct tpm2_call c = { .what = "TPM2_Hash", .code = 0x17d, .params = { .a = t->a } };
	struct tpm2_response answer;
	struct rd r;
	int code;

	if (data.n > TPM2_DATA_BYTES_MAX)
		return err_set(e, -E2BIG, "%s: %zu bytes at once", c.what, data.n);
	tpm2_put(&c.params, data);
	buf_be16(&c.params, TPM2_ALG_SHA256);
	buf_be32(&c.params, TPM2_NULL);
	code = tpm2_call(t, &c, &answer, e);
	r = tpm2_rd(&answer);
	return code < 0 ? code : digest_take(&r, c.what, ret, e);
}

/* TPMT_PUBLIC of a key for signatures of any scheme. */
static void put_key(struct buf *b, struct str modulus)
{
	struct buf public = { .a = b->a };

	buf_be16(&public, ALG_RSA);
	buf_be16(&public, TPM2_ALG_SHA256);
	buf_be32(&public, KEY_ATTRIBUTES);
	buf_be16(&public, 0); /* no policy */
	buf_be16(&public, TPM2_ALG_NULL);
	buf_be16(&public, TPM2_ALG_NULL);
	buf_be16(&public, (uint16_t)(modulus.n * 8));
	buf_be32(&public, 0); /* the exponent: 65537 */
	tpm2_put(&public, modulus);
	tpm2_put(b, (struct str){ (const char *)public.v.p, public.v.n });
}

int tpm2_key_load(struct tpm2 *t, struct str modulus, struct tpm2_key *ret, struct err *e)
{
	struct tpm2_call c = { .what = "TPM2_LoadExternal",
			       .code = 0x167,
			       .has_handle = true,
			       .params = { .a = t->a } };
	struct tpm2_response answer;
	struct str name;
	struct rd r;
	int code;

	if (modulus.n > RSA_BYTES_MAX)
		return err_set(e, -E2BIG, "%s: an RSA key of %zu bytes", c.what, modulus.n);
	buf_be16(&c.params, 0); /* no private half */
	put_key(&c.params, modulus);
	buf_be32(&c.params, TPM2_OWNER); /* whose proof its tickets carry */
	code = tpm2_call(t, &c, &answer, e);
	if (code < 0)
		return code;
	r = tpm2_rd(&answer);
	name = tpm2_take(&r);
	code = tpm2_end(&r, c.what, e);
	if (code == 0)
		*ret = (struct tpm2_key){ answer.handle, name };
	return code;
}

int tpm2_verify(struct tpm2 *t, const struct tpm2_key *key, const uint8_t policy[TPM2_DIGEST_BYTES],
		struct str signature, struct str *ret, struct err *e)
{
	struct tpm2_call c = { .what = "TPM2_VerifySignature",
			       .code = 0x177,
			       .n_handles = 1,
			       .handles = { key->handle },
			       .params = { .a = t->a } };
	struct tpm2_response answer;
	uint8_t digest[TPM2_DIGEST_BYTES];
	int r = tpm2_hash(t, (struct str){ (const char *)policy, TPM2_DIGEST_BYTES }, digest, e);

	if (r < 0)
		return r;
	if (signature.n > RSA_BYTES_MAX)
		return err_set(e, -E2BIG, "%s: a signature of %zu bytes", c.what, signature.n);
	tpm2_put(&c.params, (struct str){ (const char *)digest, sizeof(digest) });
	buf_be16(&c.params, ALG_RSASSA);
	buf_be16(&c.params, TPM2_ALG_SHA256);
	tpm2_put(&c.params, signature);
	r = tpm2_call(t, &c, &answer, e);
	if (r == 0 && answer.params.n > TICKET_BYTES_MAX)
		r = err_set(e, -EBADMSG, "%s: the TPM's answer is damaged", c.what);
	if (r == 0)
		*ret = answer.params;
	return r;
}

int tpm2_session(struct tpm2 *t, bool trial, uint32_t *ret, struct err *e)
{
	struct tpm2_call c = { .what = "TPM2_StartAuthSession",
			       .code = 0x176,
			       .n_handles = 2,
			       .handles = { TPM2_NULL, TPM2_NULL },
			       .has_handle = true,
			       .params = { .a = t->a } };
	struct tpm2_response answer;
	int r;

	buf_be16(&c.params, NONCE_BYTES);
	buf_zero(&c.params, NONCE_BYTES);
	buf_be16(&c.params, 0); /* no salt */
	buf_u8(&c.params, trial ? SESSION_TRIAL : SESSION_POLICY);
	buf_be16(&c.params, TPM2_ALG_NULL);
	buf_be16(&c.params, TPM2_ALG_SHA256);
	r = tpm2_call(t, &c, &answer, e);
	if (r == 0)
		*ret = answer.handle;
	return r;
}

void tpm2_flush(struct tpm2 *t, uint32_t handle)
{
	struct tpm2_call c = { .what = "TPM2_FlushContext",
			       .code = 0x165,
			       .params = { .a = t->a } };
	struct err ignored;

	buf_be32(&c.params, handle); /* a parameter, though it is a handle */
	(void)!call_quiet(t, &c, &ignored);
}

int tpm2_policy_pcr(struct tpm2 *t, uint32_t session, unsigned pcr, struct err *e)
{
	struct tpm2_call c = { .what = "TPM2_PolicyPCR",
			       .code = 0x17f,
			       .n_handles = 1,
			       .handles = { session },
			       .params = { .a = t->a } };

	buf_be16(&c.params, 0); /* the value of now */
	put_selection(&c.params, pcr);
	return call_quiet(t, &c, e);
}

static void put_ticket(struct buf *b, struct str ticket)
{
	if (ticket.n > 0) {
		buf_put(b, ticket.p, ticket.n);
		return;
	}
	buf_be16(b, ST_VERIFIED);
	buf_be32(b, TPM2_NULL);
	buf_be16(b, 0);
}

int tpm2_policy_authorize(struct tpm2 *t, uint32_t session,
			  const uint8_t approved[TPM2_DIGEST_BYTES], const struct tpm2_key *key,
			  struct str ticket, struct err *e)
{
	struct tpm2_call c = { .what = "TPM2_PolicyAuthorize",
			       .code = 0x16a,
			       .n_handles = 1,
			       .handles = { session },
			       .params = { .a = t->a } };

	tpm2_put(&c.params, (struct str){ (const char *)approved, TPM2_DIGEST_BYTES });
	buf_be16(&c.params, 0); /* signed for no purpose in particular, as systemd's are */
	tpm2_put(&c.params, key->name);
	put_ticket(&c.params, ticket);
	return call_quiet(t, &c, e);
}

int tpm2_policy_digest(struct tpm2 *t, uint32_t session, uint8_t ret[TPM2_DIGEST_BYTES],
		       struct err *e)
{
	struct tpm2_call c = { .what = "TPM2_PolicyGetDigest",
			       .code = 0x189,
			       .n_handles = 1,
			       .handles = { session },
			       .params = { .a = t->a } };
	struct tpm2_response answer;
	struct rd r;
	int code = tpm2_call(t, &c, &answer, e);

	if (code < 0)
		return code;
	r = tpm2_rd(&answer);
	return digest_take(&r, c.what, ret, e);
}
