/* SPDX-License-Identifier: MIT */
#include "trust/openpgp_key.h"

#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "trust/openpgp_packet.h"

enum { KEY_VERSION = 4, ALGORITHM_RSA = 1, USER_ID_BYTES_MAX = 1024 };

static bool number_put(struct buf *b, const EVP_PKEY *pkey, const char *name)
{
	uint8_t bytes[RSA_BITS_MAX / 8];
	BIGNUM *bn = NULL;
	bool ok = EVP_PKEY_get_bn_param(pkey, name, &bn) && BN_num_bytes(bn) <= (int)sizeof(bytes);

	if (ok)
		mpi_put(b, bytes, (size_t)BN_bn2bin(bn, bytes));
	BN_free(bn);
	return ok;
}

/* RFC 9580 5.5.2.2 */
static int body_make(struct openpgp_key *key, struct err *e)
{
	struct buf b = { .a = &key->a };
	int r = rsa_check(key->pkey, e);

	if (r < 0)
		return r;
	buf_u8(&b, KEY_VERSION);
	buf_be32(&b, key->time_sec);
	buf_u8(&b, ALGORITHM_RSA);
	if (!number_put(&b, key->pkey, OSSL_PKEY_PARAM_RSA_N) ||
	    !number_put(&b, key->pkey, OSSL_PKEY_PARAM_RSA_E))
		return openssl_err(e, "RSA key without modulus or exponent");
	key->body = (struct str){ (const char *)b.v.p, b.v.n };
	return 0;
}

int openpgp_key_new(EVP_PKEY *pkey, uint64_t time_sec, struct str user_id, struct openpgp_key **ret,
		    struct err *e)
{
	_cleanup_openpgp_ struct openpgp_key *key = calloc(1, sizeof(*key));
	int r;

	if (!key) {
		EVP_PKEY_free(pkey);
		return err_set(e, -ENOMEM, "key: out of memory");
	}
	key->pkey = pkey;
	if (time_sec > UINT32_MAX)
		return err_set(e, -EINVAL, "key made at %" PRIu64 ": OpenPGP's seconds end at %u",
			       time_sec, UINT32_MAX);
	if (user_id.n == 0 || user_id.n > USER_ID_BYTES_MAX || str_find(user_id, '\n') >= 0 ||
	    str_find(user_id, '\0') >= 0)
		return err_set(e, -EINVAL,
			       "user id is empty, has several lines or more than %d bytes",
			       USER_ID_BYTES_MAX);
	key->time_sec = (uint32_t)time_sec;
	key->user_id = str_dup(&key->a, user_id);
	r = body_make(key, e);
	if (r < 0)
		return r;
	*ret = key;
	key = NULL;
	return 0;
}

int openpgp_key_parse(struct str body, struct str user_id, struct openpgp_key **ret, struct err *e)
{
	struct rd r = { (const uint8_t *)body.p, body.n, 0, false };
	uint8_t version = rd_u8(&r);
	uint32_t time_sec = rd_be32(&r);
	uint8_t algorithm = rd_u8(&r);
	struct str n, exponent;
	EVP_PKEY *pkey;

	if (version != KEY_VERSION || algorithm != ALGORITHM_RSA)
		return err_set(
			e, -EBADMSG,
			"public key of version %u, algorithm %u; want version %d, algorithm %d (RSA)",
			version, algorithm, KEY_VERSION, ALGORITHM_RSA);
	n = mpi_read(&r);
	exponent = mpi_read(&r);
	if (r.bad || r.pos != r.n || n.n > RSA_BITS_MAX / 8 || exponent.n > RSA_EXPONENT_BYTES_MAX)
		return err_set(e, -EBADMSG, "public key's numbers are damaged or above %d bits",
			       RSA_BITS_MAX);
	pkey = rsa_public(n, exponent);
	if (!pkey)
		return openssl_err(e, "public key's numbers are no RSA key");
	return openpgp_key_new(pkey, time_sec, user_id, ret, e);
}

int openpgp_signer_set(struct openpgp_key *key, const struct signer *signer, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };

	if (!str_eq(public_key_der(&a, key->pkey), signer_public_key(signer)))
		return err_set(e, -EKEYREJECTED, "OpenPGP key '%.*s' is not the private key's",
			       STR_FMT(key->user_id));
	key->signer = signer;
	return 0;
}

void openpgp_free(struct openpgp_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	arena_done(&key->a);
	free(key);
}

struct str openpgp_user_id(const struct openpgp_key *key)
{
	return key->user_id;
}

/* RFC 9580 5.5.4.2 */
void openpgp_fingerprint(const struct openpgp_key *key, uint8_t ret[20])
{
	_cleanup_arena_ struct arena a = { 0 };
	struct buf b = { .a = &a };

	buf_u8(&b, 0x99);
	buf_be16(&b, (uint16_t)key->body.n);
	buf_put(&b, key->body.p, key->body.n);
	SHA1(b.v.p, b.v.n, ret);
}
