/* SPDX-License-Identifier: MIT */
#include "trust/openpgp.h"

#include <inttypes.h>
#include <openssl/err.h>

#include "base/hash.h"
#include "trust/openpgp_key.h"
#include "trust/openpgp_packet.h"

/* RFC 9580 5.2.1, 5.2.3.7, 9.1, 9.5 */
enum signature_type { SIGNATURE_BINARY = 0x00, SIGNATURE_CERTIFICATION = 0x13 };
enum { SIGNATURE_VERSION = 4, ALGORITHM_RSA = 1, HASH_SHA256 = 8, HASH_SHA512 = 10 };
enum {
	SUB_TIME = 2,
	SUB_EXPIRES = 3,
	SUB_ISSUER = 16,
	SUB_FLAGS = 27,
	SUB_FINGERPRINT = 33,
	SUB_CRITICAL = 0x80
};
enum { FLAG_CERTIFY = 1, FLAG_SIGN = 2, FINGERPRINT_BYTES = 20, ISSUER_BYTES = 8 };

struct signature {
	uint8_t type, hash;
	struct str hashed; /* the fields under the signature, from the version on */
	struct str issuer; /* last 8 bytes of the signer's fingerprint, or empty */
	uint16_t left;     /* first 16 bits of the digest */
	struct str number;
};

/* What the digest runs over (5.2.4): the data, the hashed fields, and a trailer with their length.
 */
static struct str signed_bytes(struct arena *a, struct str data, struct str hashed)
{
	struct buf b = { .a = a };

	vec_reserve(a, &b.v, data.n + hashed.n + 6);
	buf_put(&b, data.p, data.n);
	buf_put(&b, hashed.p, hashed.n);
	buf_u8(&b, SIGNATURE_VERSION);
	buf_u8(&b, 0xff);
	buf_be32(&b, (uint32_t)hashed.n);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static struct str hashed_make(struct arena *a, const struct openpgp_key *key,
			      enum signature_type type, uint32_t time_sec)
{
	struct buf fields = { .a = a }, subs = { .a = a };
	uint8_t fingerprint[1 + FINGERPRINT_BYTES] = { 4 }; /* of a version 4 key */
	uint8_t flags = FLAG_CERTIFY | FLAG_SIGN;
	uint32_t time = htobe32(time_sec);

	openpgp_fingerprint(key, fingerprint + 1);
	subpacket_put(&subs, SUB_TIME, &time, sizeof(time));
	if (type == SIGNATURE_CERTIFICATION)
		subpacket_put(&subs, SUB_FLAGS, &flags, sizeof(flags));
	subpacket_put(&subs, SUB_FINGERPRINT, fingerprint, sizeof(fingerprint));
	buf_u8(&fields, SIGNATURE_VERSION);
	buf_u8(&fields, (uint8_t)type);
	buf_u8(&fields, ALGORITHM_RSA);
	buf_u8(&fields, HASH_SHA256);
	buf_be16(&fields, (uint16_t)subs.v.n);
	buf_put(&fields, subs.v.p, subs.v.n);
	return (struct str){ (const char *)fields.v.p, fields.v.n };
}

/* Appends a signature packet over @data. */
static int signature_put(struct buf *b, const struct openpgp_key *key, enum signature_type type,
			 struct str data, uint32_t time_sec, struct err *e)
{
	struct arena *a = b->a;
	struct str hashed = hashed_make(a, key, type, time_sec), in = signed_bytes(a, data, hashed);
	struct buf body = { .a = a }, subs = { .a = a };
	uint8_t fingerprint[FINGERPRINT_BYTES], digest[SHA256_BYTES];
	struct str number;
	int r;

	if (!key->signer)
		return err_set(e, -ENOKEY, "the private key of '%.*s' is not here",
			       STR_FMT(key->user_id));
	r = signer_sign(a, key->signer, in, &number, e);
	if (r < 0)
		return r;
	openpgp_fingerprint(key, fingerprint);
	subpacket_put(&subs, SUB_ISSUER, fingerprint + FINGERPRINT_BYTES - ISSUER_BYTES,
		      ISSUER_BYTES);
	sha256(in.p, in.n, digest);
	buf_put(&body, hashed.p, hashed.n);
	buf_be16(&body, (uint16_t)subs.v.n);
	buf_put(&body, subs.v.p, subs.v.n);
	buf_put(&body, digest, 2);
	mpi_put(&body, (const uint8_t *)number.p, number.n);
	packet_put(b, TAG_SIGNATURE, (struct str){ (const char *)body.v.p, body.v.n });
	return 0;
}

int openpgp_sign(struct arena *a, const struct openpgp_key *key, struct str data, uint64_t time_sec,
		 struct str *ret, struct err *e)
{
	struct buf b = { .a = a };
	int r;

	if (time_sec > UINT32_MAX)
		return err_set(e, -EINVAL, "signature at %" PRIu64 ": OpenPGP's seconds end at %u",
			       time_sec, UINT32_MAX);
	if (time_sec < key->time_sec)
		time_sec = key->time_sec;
	r = signature_put(&b, key, SIGNATURE_BINARY, data, (uint32_t)time_sec, e);
	if (r < 0)
		return r;
	*ret = (struct str){ (const char *)b.v.p, b.v.n };
	return 0;
}

/* Key and user id as a certification covers them (5.2.4). */
static struct str certified_bytes(struct arena *a, const struct openpgp_key *key)
{
	struct buf b = { .a = a };

	buf_u8(&b, 0x99);
	buf_be16(&b, (uint16_t)key->body.n);
	buf_put(&b, key->body.p, key->body.n);
	buf_u8(&b, 0xb4);
	buf_be32(&b, (uint32_t)key->user_id.n);
	buf_put(&b, key->user_id.p, key->user_id.n);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static int block_make(struct openpgp_key *key, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct buf b = { .a = &a };
	int r;

	packet_put(&b, TAG_PUBLIC_KEY, key->body);
	packet_put(&b, TAG_USER_ID, key->user_id);
	r = signature_put(&b, key, SIGNATURE_CERTIFICATION, certified_bytes(&a, key), key->time_sec,
			  e);
	if (r == 0)
		key->block = str_dup(&key->a, (struct str){ (const char *)b.v.p, b.v.n });
	return r;
}

int openpgp_new(const struct signer *signer, struct str user_id, uint64_t time_sec,
		struct openpgp_key **ret, struct err *e)
{
	_cleanup_openpgp_ struct openpgp_key *key = NULL;
	EVP_PKEY *pkey = public_key_parse(signer_public_key(signer));
	int r;

	if (!pkey)
		return openssl_err(e, "public key is damaged");
	r = openpgp_key_new(pkey, time_sec, user_id, &key, e);
	if (r < 0)
		return r;
	key->signer = signer;
	r = block_make(key, e);
	if (r < 0)
		return r;
	*ret = key;
	key = NULL;
	return 0;
}

struct str openpgp_public_armor(struct arena *a, const struct openpgp_key *key)
{
	return armor_encode(a, ARMOR_PUBLIC_KEY, key->block);
}

/* Notes the issuer; refuses what a signer marks as critical and nothing here honours (5.2.3.7), and
 * expiry. */
static int subpackets_read(struct str subs, struct str *issuer, struct err *e)
{
	struct rd r = { (const uint8_t *)subs.p, subs.n, 0, false };

	while (!r.bad && r.pos < r.n) {
		uint8_t type;
		struct str body = subpacket_read(&r, &type);
		uint8_t plain = type & (uint8_t)~SUB_CRITICAL;

		if (plain == SUB_ISSUER && body.n == ISSUER_BYTES)
			*issuer = body;
		else if (plain == SUB_FINGERPRINT && body.n == 1 + FINGERPRINT_BYTES)
			*issuer = str_from(body, 1 + FINGERPRINT_BYTES - ISSUER_BYTES);
		else if (plain == SUB_EXPIRES ||
			 ((type & SUB_CRITICAL) && plain != SUB_TIME && plain != SUB_FLAGS))
			return err_set(e, -EBADMSG,
				       "signature has subpacket %u, which is not supported", plain);
	}
	return r.bad ? err_set(e, -EBADMSG, "signature's subpackets are damaged") : 0;
}

/* RFC 9580 5.2.3 */
static int signature_parse(struct str body, struct signature *ret, struct err *e)
{
	struct rd r = { (const uint8_t *)body.p, body.n, 0, false };
	struct signature s = { 0 };
	uint8_t version = rd_u8(&r), algorithm;
	struct str hashed, unhashed;
	int result;

	s.type = rd_u8(&r);
	algorithm = rd_u8(&r);
	s.hash = rd_u8(&r);
	if (version != SIGNATURE_VERSION || algorithm != ALGORITHM_RSA ||
	    (s.hash != HASH_SHA256 && s.hash != HASH_SHA512))
		return err_set(
			e, -EBADMSG,
			"signature of version %u, algorithm %u, hash %u; want version 4, RSA (1), "
			"SHA-256 (8) or SHA-512 (10)",
			version, algorithm, s.hash);
	hashed = rd_str(&r, rd_be16(&r));
	s.hashed = (struct str){ body.p, r.pos };
	unhashed = rd_str(&r, rd_be16(&r));
	s.left = rd_be16(&r);
	s.number = mpi_read(&r);
	if (r.bad || r.pos != r.n)
		return err_set(e, -EBADMSG, "signature is cut short");
	/* Hashed last: what the signer vouches for wins. */
	result = subpackets_read(unhashed, &s.issuer, e);
	if (result == 0)
		result = subpackets_read(hashed, &s.issuer, e);
	if (result == 0)
		*ret = s;
	return result;
}

static int issuer_check(const struct openpgp_key *key, struct str issuer, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t fingerprint[FINGERPRINT_BYTES],
		*id = fingerprint + FINGERPRINT_BYTES - ISSUER_BYTES;

	openpgp_fingerprint(key, fingerprint);
	if (issuer.n == 0 || memcmp(issuer.p, id, ISSUER_BYTES) == 0)
		return 0;
	return err_set(e, -EBADMSG, "signature was made by key %.*s, not by %.*s (%.*s)",
		       STR_FMT(hex_encode(&a, issuer.p, issuer.n)),
		       STR_FMT(hex_encode(&a, id, ISSUER_BYTES)), STR_FMT(key->user_id));
}

static int signature_check(const struct openpgp_key *key, const struct signature *s,
			   struct str data, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_digest_ EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct str in = signed_bytes(&a, data, s->hashed);
	size_t n = (size_t)EVP_PKEY_get_size(key->pkey);
	uint8_t *number = arena_alloc(&a, n);
	int r = issuer_check(key, s->issuer, e);

	if (r < 0)
		return r;
	if (s->number.n > n)
		return err_set(e, -EBADMSG, "signature of %zu bytes, the key has %zu", s->number.n,
			       n);
	memcpy(number + n - s->number.n, s->number.p, s->number.n);
	if (!ctx ||
	    EVP_DigestVerifyInit(ctx, NULL, s->hash == HASH_SHA256 ? EVP_sha256() : EVP_sha512(),
				 NULL, key->pkey) != 1)
		return openssl_err(e, "cannot verify");
	if (EVP_DigestVerify(ctx, number, n, (const uint8_t *)in.p, in.n) != 1) {
		ERR_clear_error();
		return err_set(e, -EBADMSG, "signature does not match the data");
	}
	return 0;
}

int openpgp_verify(const struct openpgp_key *key, struct str data, struct str signature,
		   struct err *e)
{
	struct openpgp_packet packet;
	struct signature s;
	int r = packet_next(&signature, &packet, e);

	if (r < 0)
		return r;
	if (r == 0 || packet.tag != TAG_SIGNATURE || signature.n > 0)
		return err_set(e, -EBADMSG, "want exactly one signature packet");
	r = signature_parse(packet.body, &s, e);
	if (r < 0)
		return r;
	if (s.type != SIGNATURE_BINARY)
		return err_set(e, -EBADMSG, "signature of type 0x%02x, want 0x00 (binary document)",
			       s.type);
	return signature_check(key, &s, data, e);
}

int openpgp_sign_armor(struct arena *a, const struct openpgp_key *key, struct str data,
		       uint64_t time_sec, struct str *ret, struct err *e)
{
	struct str packet;
	int r = openpgp_sign(a, key, data, time_sec, &packet, e);

	if (r == 0)
		*ret = armor_encode(a, ARMOR_SIGNATURE, packet);
	return r;
}

int openpgp_verify_armor(const struct openpgp_key *key, struct str data, struct str armor,
			 struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str packet;
	int r = armor_decode(&a, ARMOR_SIGNATURE, armor, &packet, e);

	if (r == 0 && !str_eq(armor_encode(&a, ARMOR_SIGNATURE, packet), armor))
		r = err_set(e, -EBADMSG, "signature's armour holds more than the signature");
	return r < 0 ? r : openpgp_verify(key, data, packet, e);
}

/* The first three packets: key, user id, and the certification that binds them. What follows
 * (further ids, subkeys) is not used. */
static int public_parse(struct arena *a, struct str armor, struct openpgp_key **ret, struct err *e)
{
	static const unsigned want[] = { TAG_PUBLIC_KEY, TAG_USER_ID, TAG_SIGNATURE };
	struct openpgp_packet packets[3];
	struct signature s;
	struct str bytes, block;
	int r = armor_decode(a, ARMOR_PUBLIC_KEY, armor, &bytes, e);

	block = r < 0 ? (struct str){ 0 } : bytes;
	for (size_t i = 0; r >= 0 && i < 3; i++) {
		r = packet_next(&bytes, &packets[i], e);
		if (r == 0 || (r > 0 && packets[i].tag != want[i]))
			return err_set(e, -EBADMSG,
				       "want public key, user id and signature, in this order");
	}
	if (r >= 0)
		r = openpgp_key_parse(packets[0].body, packets[1].body, ret, e);
	if (r >= 0)
		r = signature_parse(packets[2].body, &s, e);
	if (r >= 0 && s.type != SIGNATURE_CERTIFICATION)
		r = err_set(e, -EBADMSG, "signature of type 0x%02x, want 0x13 (certification)",
			    s.type);
	if (r >= 0)
		r = signature_check(*ret, &s, certified_bytes(a, *ret), e);
	if (r >= 0)
		(*ret)->block = str_dup(&(*ret)->a, str_head(block, block.n - bytes.n));
	return r < 0 ? r : 0;
}

int openpgp_public_parse(struct str armor, struct openpgp_key **ret, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *key = NULL;
	int r = public_parse(&a, armor, &key, e);

	if (r < 0)
		return err_wrap(e, r, "OpenPGP public key");
	*ret = key;
	key = NULL;
	return 0;
}
