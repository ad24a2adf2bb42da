/* SPDX-License-Identifier: MIT */
#include "rpm/rpmfile.h"

#include "base/trace.h"
#include "disk/codec.h"
#include "rpm/claims.h"
#include "rpm/parts.h"
#include "rpm/rpmfile_format.h"
#include "rpm/sections.h"

static int digest_check(struct str bytes, struct str want_hex, const char *what, struct err *e)
{
	uint8_t digest[SHA256_BYTES], want[SHA256_BYTES];

	if (!hex_decode(want_hex, want, sizeof(want)))
		return err_set(e, -EBADMSG, "no SHA-256 digest of the %s", what);
	sha256(bytes.p, bytes.n, digest);
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	return 0; /* no fuzzer guesses a digest: let it see what is behind */
#endif
	if (memcmp(digest, want, sizeof(want)) != 0)
		return err_set(e, -EBADMSG, "the %s does not match its SHA-256 digest", what);
	return 0;
}

static int signature_check(struct sections *s, const struct openpgp_key *key, struct err *e)
{
	struct str packet = header_get_bin(&s->signature, RPMTAG_RSAHEADER);
	int r;

	if (packet.n == 0)
		return err_set(e, -EBADMSG, "no RSA signature of the header");
	r = openpgp_verify(key, s->header_bytes, packet, e);
	return r < 0 ? err_wrap(e, r, "header") : 0;
}

/* The digest vouches for the header, and for the payload through the header. Weaker digests are not
 * looked at. */
static int sections_check(struct sections *s, const struct openpgp_key *key, struct err *e)
{
	int r = digest_check(s->header_bytes, header_get_str(&s->signature, RPMTAG_SHA256HEADER),
			     "header", e);

	if (r == 0 && key)
		r = signature_check(s, key, e);
	if (r == 0 && header_get_u64(&s->header, RPMTAG_PAYLOADDIGESTALGO, 0) != RPM_HASH_SHA256)
		r = err_set(e, -EBADMSG, "the payload's digest is not SHA-256");
	if (r == 0)
		r = digest_check(s->payload, header_get_str(&s->header, RPMTAG_PAYLOADDIGEST),
				 "payload", e);
	return r;
}

static int package_read(struct arena *a, struct sections *s, size_t max_payload_bytes,
			struct rpm_package *ret, struct err *e)
{
	struct str archive;
	int r = files_get(&s->header, &ret->files, e);

	if (r == 0)
		r = decompress(a, s->payload, max_payload_bytes, &archive, e);
	if (r < 0)
		return r;
	sha256(s->header_bytes.p, s->header_bytes.n, ret->header_sha256);
	return payload_read(a, archive, &ret->files, e);
}

static void claims_get(struct arena *a, struct rpm_package *ret)
{
	vec_dep *provides = &ret->meta.provides;
	size_t n = 0;

	vec_each(d, provides)
		if (!claim_take(a, d, ret))
			provides->p[n++] = *d;
	provides->n = n;
}

/* Until its header can be trusted to name it, a package has no name. */
static int named_read(struct arena *a, struct sections *s, const struct openpgp_key *key,
		      size_t max_payload_bytes, struct rpm_package *ret, struct err *e)
{
	int r = meta_get(&s->header, ret, e);

	if (r < 0)
		return r;
	deps_get(&s->header, &ret->meta);
	claims_get(a, ret);
	r = header_check(&s->header, e);
	if (r == 0)
		r = sections_check(s, key, e);
	if (r == 0)
		r = package_read(a, s, max_payload_bytes, ret, e);
	return r < 0 ? err_wrap(e, r, "package '%.*s'", STR_FMT(rpm_nevra(a, &ret->meta))) : 0;
}

int rpm_read(struct arena *a, struct str bytes, const struct openpgp_key *key,
	     size_t max_payload_bytes, struct rpm_package *ret, struct err *e)
{
	TRACE("read RPM");

	__attribute__((cleanup(sections_done))) struct sections s;
	struct rpm_package p = { 0 };
	int r;

	sections_init(&s, a);
	r = sections_read(&s, bytes, e);
	if (r == 0)
		r = named_read(a, &s, key, max_payload_bytes, &p, e);
	p.front_bytes = bytes.n - s.payload.n;
	if (r < 0)
		return r;
	*ret = p;
	return 0;
}
