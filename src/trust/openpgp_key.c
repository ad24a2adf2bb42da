/* SPDX-License-Identifier: MIT */
#include "trust/openpgp_key.h"

#include <inttypes.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "trust/openpgp_packet.h"

enum { KEY_BITS = 4096, KEY_BITS_MIN = 2048, KEY_BITS_MAX = 8192, EXPONENT_BYTES_MAX = 8 };
enum { KEY_VERSION = 4, ALGORITHM_RSA = 1, USER_ID_BYTES_MAX = 1024, PEM_BYTES_MAX = 1 << 20 };

static const char created_line[] = "# created: ", user_id_line[] = "# user-id: ";

static void bio_freep(BIO **bio)
{
	BIO_free_all(*bio);
}

int openssl_err(struct err *e, const char *text)
{
	const char *reason = ERR_reason_error_string(ERR_get_error());

	ERR_clear_error();
	return err_set(e, -EBADMSG, "%s: %s", text, reason ? reason : "OpenSSL gives no reason");
}

static bool number_put(struct buf *b, const EVP_PKEY *pkey, const char *name)
{
	uint8_t bytes[KEY_BITS_MAX / 8];
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

	if (!EVP_PKEY_is_a(key->pkey, "RSA"))
		return err_set(e, -EBADMSG, "key is not RSA");
	if (EVP_PKEY_get_bits(key->pkey) < KEY_BITS_MIN ||
	    EVP_PKEY_get_bits(key->pkey) > KEY_BITS_MAX)
		return err_set(e, -EBADMSG, "RSA key of %d bits, want %d to %d",
			       EVP_PKEY_get_bits(key->pkey), KEY_BITS_MIN, KEY_BITS_MAX);
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

int openpgp_generate(struct str user_id, uint64_t time_sec, struct openpgp_key **ret, struct err *e)
{
	EVP_PKEY *pkey = EVP_RSA_gen(KEY_BITS);

	if (!pkey)
		return openssl_err(e, "cannot make an RSA key");
	return openpgp_key_new(pkey, time_sec, user_id, ret, e);
}

static EVP_PKEY *public_from_numbers(struct str n, struct str exponent)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *bn_n = BN_bin2bn((const uint8_t *)n.p, (int)n.n, NULL);
	BIGNUM *bn_e = BN_bin2bn((const uint8_t *)exponent.p, (int)exponent.n, NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (ctx && build && bn_n && bn_e &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn_n) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, bn_e))
		params = OSSL_PARAM_BLD_to_param(build);
	if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(bn_n);
	BN_free(bn_e);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
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
	if (r.bad || r.pos != r.n || n.n > KEY_BITS_MAX / 8 || exponent.n > EXPONENT_BYTES_MAX)
		return err_set(e, -EBADMSG, "public key's numbers are damaged or above %d bits",
			       KEY_BITS_MAX);
	pkey = public_from_numbers(n, exponent);
	if (!pkey)
		return openssl_err(e, "public key's numbers are no RSA key");
	return openpgp_key_new(pkey, time_sec, user_id, ret, e);
}

int openpgp_private_pem(struct arena *a, const struct openpgp_key *key, struct str *ret,
			struct err *e)
{
	__attribute__((cleanup(bio_freep))) BIO *bio = BIO_new(BIO_s_secmem());
	struct buf b = { .a = a };
	char *text;
	long n;

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1)
		return openssl_err(e, "cannot write the private key");
	n = BIO_get_mem_data(bio, &text);
	buf_printf(&b, "%s%u\n%s%.*s\n", created_line, key->time_sec, user_id_line,
		   STR_FMT(key->user_id));
	buf_put(&b, text, (size_t)n);
	*ret = (struct str){ (const char *)b.v.p, b.v.n };
	return 0;
}

/* Without it, OpenSSL would ask on the terminal for the password of an encrypted key. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

int openpgp_private_parse(struct str pem, struct openpgp_key **ret, struct err *e)
{
	__attribute__((cleanup(bio_freep))) BIO *bio = NULL;
	struct str rest = pem, created = str_cut(&rest, '\n'), user_id = str_cut(&rest, '\n');
	uint64_t time_sec;
	EVP_PKEY *pkey;

	if (pem.n > PEM_BYTES_MAX)
		return err_set(e, -EFBIG, "private key of %zu bytes, want at most %d", pem.n,
			       PEM_BYTES_MAX);
	if (!str_starts(created, created_line) ||
	    !str_u64(str_from(created, strlen(created_line)), UINT32_MAX, &time_sec))
		return err_set(e, -EBADMSG, "private key does not begin with a line '%sSECONDS'",
			       created_line);
	if (!str_starts(user_id, user_id_line))
		return err_set(e, -EBADMSG, "private key's second line is not '%sNAME <MAIL>'",
			       user_id_line);
	bio = BIO_new_mem_buf(rest.p, (int)rest.n);
	pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	if (!pkey)
		return openssl_err(e, "private key is no unencrypted PEM");
	return openpgp_key_new(pkey, time_sec, str_from(user_id, strlen(user_id_line)), ret, e);
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
