/* SPDX-License-Identifier: MIT */
/* Against swtpm, a TPM without a machine: what its policies allow and refuse. */
#include "base/test.h"

#include "agent/init/anchor.h"
#include "agent/init/swtpm_test.h"
#include "trust/certificate.h"

static const struct anchor_content content = { .flags = ANCHOR_ADOPTED,
					       .image_generation = 3,
					       .generation = 7,
					       .id = { 1, 2 },
					       .nonce = { 9 } };

static void anchor_make(struct machine *m, struct anchor *an)
{
	struct err e = { 0 };

	*an = (struct anchor){ .tpm = &m->tpm, .policy = &m->policy };
	assert_ok(anchor_read(an, &e), &e);
	assert_int_equal(an->found, ANCHOR_ABSENT);
	assert_int_equal(an->being_made, 0);
	assert_ok(anchor_begin(an, &e), &e);
	assert_ok(anchor_read(an, &e), &e);
	assert_int_equal(an->found, ANCHOR_ABSENT);
	assert_int_equal(an->being_made, ANCHOR_INDEX);
	assert_ok(anchor_write(an, &content, &e), &e);
}

static void assert_found(struct anchor *an, enum anchor_policy want, uint64_t generation)
{
	struct err e = { 0 };

	assert_ok(anchor_read(an, &e), &e);
	assert_int_equal(an->found, want);
	assert_true(an->is_known);
	assert_int_equal(an->content.generation, generation);
}

static void test_remembers(void **state)
{
	struct anchor_content next = content;
	struct err e = { 0 };
	struct machine m;
	struct anchor an;

	(void)state;
	if (!machine_start(&m))
		skip();
	anchor_make(&m, &an);
	assert_found(&an, ANCHOR_NOW, 7);
	assert_int_equal(an.index, ANCHOR_INDEX);
	assert_memory_equal(an.content.id, content.id, sizeof(content.id));
	next.generation = 8;
	assert_ok(anchor_write(&an, &next, &e), &e);
	assert_found(&an, ANCHOR_NOW, 8);
	/* the same state is made known to the other place when something was left there */
	assert_ok(anchor_begin(&an, &e), &e);
	assert_int_equal(an.being_made, ANCHOR_INDEX_OTHER);
	next.generation = 9;
	assert_ok(anchor_write(&an, &next, &e), &e);
	assert_found(&an, ANCHOR_NOW, 9);
	assert_int_equal(an.index, ANCHOR_INDEX_OTHER);
	machine_stop(&m);
}

/* After leave-initrd: root on the running machine. */
static void test_closed_later(void **state)
{
	struct err e = { 0 };
	struct signer *own;
	struct machine m;
	struct anchor an;

	(void)state;
	if (!machine_start(&m))
		skip();
	own = m.signer;
	anchor_make(&m, &an);
	assert_ok(tpm2_pcr_event(&m.tpm, 11, STR("leave-initrd"), &e), &e);
	assert_err(anchor_write(&an, &content, &e), &e, "nobody signed the value of PCR 11");
	/* with signatures of a key of his own */
	m.policy.keys.p[0].modulus = m.policy.keys.p[1].modulus;
	m.signer = m.retired;
	sign(&m);
	assert_err(anchor_write(&an, &content, &e), &e, "TPM2_NV_Write: the TPM refuses");
	m.signer = own;
	machine_stop(&m);
}

/* Whoever may use the TPM, as its owner has no password, removes the index and makes one like it.
 */
static void defined_anew(struct machine *m, struct tpm2_nv *nv)
{
	struct err e = { 0 };

	assert_ok(tpm2_nv_undefine(&m->tpm, ANCHOR_INDEX, &e), &e);
	assert_ok(tpm2_nv_define(&m->tpm, nv, &e), &e);
}

static struct tpm2_nv nv_like_ours(uint8_t policy[TPM2_DIGEST_BYTES])
{
	return (struct tpm2_nv){ .index = ANCHOR_INDEX,
				 .attributes = TPM2_NV_POLICYWRITE | TPM2_NV_WRITEALL |
					       TPM2_NV_OWNERREAD | TPM2_NV_AUTHREAD | TPM2_NV_NO_DA,
				 .policy = { (const char *)policy, TPM2_DIGEST_BYTES },
				 .size_bytes = ANCHOR_BYTES };
}

/* With a policy that he can meet, so that he can write. */
static void test_policy_of_his_own(void **state)
{
	uint8_t policy[TPM2_DIGEST_BYTES];
	struct tpm2_nv nv = nv_like_ours(policy);
	struct err e = { 0 };
	struct machine m;
	struct anchor an;
	uint32_t session;
	struct buf b;

	(void)state;
	if (!machine_start(&m))
		skip();
	anchor_make(&m, &an);
	b = (struct buf){ .a = &m.a };
	anchor_content_format(&content, &b);
	assert_ok(tpm2_session(&m.tpm, false, &session, &e), &e);
	assert_ok(tpm2_policy_pcr(&m.tpm, session, 16, &e), &e);
	assert_ok(tpm2_policy_digest(&m.tpm, session, policy, &e), &e);
	defined_anew(&m, &nv);
	assert_ok(tpm2_nv_write(&m.tpm, nv.index, session, (struct str){ (char *)b.v.p, b.v.n },
				&e),
		  &e);
	assert_found(&an, ANCHOR_FOREIGN, 7);
	machine_stop(&m);
}

static void test_policy_of_ours(void **state)
{
	uint8_t policy[TPM2_DIGEST_BYTES];
	struct tpm2_nv nv = nv_like_ours(policy);
	struct err e = { 0 };
	struct machine m;
	struct anchor an;

	(void)state;
	if (!machine_start(&m))
		skip();
	anchor_make(&m, &an);
	assert_ok(pcr_policy_digest(&m.tpm, &m.policy, 0, false, policy, &e), &e);
	/* and a right of his own to write besides it */
	nv.attributes |= 1 << 1; /* TPMA_NV_OWNERWRITE */
	defined_anew(&m, &nv);
	assert_ok(anchor_read(&an, &e), &e);
	assert_int_equal(an.found, ANCHOR_ABSENT);
	assert_int_equal(an.being_made, 0);
	/* without: he cannot write it */
	nv.attributes &= ~(1u << 1);
	assert_ok(tpm2_pcr_event(&m.tpm, 11, STR("leave-initrd"), &e), &e);
	defined_anew(&m, &nv);
	assert_ok(anchor_read(&an, &e), &e);
	assert_int_equal(an.found, ANCHOR_ABSENT);
	assert_int_equal(an.being_made, ANCHOR_INDEX);
	assert_err(anchor_write(&an, &content, &e), &e, "nobody signed the value of PCR 11");
	machine_stop(&m);
}

static void test_bound_again(void **state)
{
	struct err e = { 0 };
	struct machine m;
	struct anchor an;
	struct pcr_key first, second;

	(void)state;
	if (!machine_start(&m))
		skip();
	first = m.policy.keys.p[0];
	second = m.policy.keys.p[1];
	anchor_make(&m, &an);
	/* Secure Boot was switched on */
	m.policy.secure_boot = true;
	assert_found(&an, ANCHOR_LATE, 7);
	assert_ok(anchor_write(&an, &an.content, &e), &e);
	assert_found(&an, ANCHOR_NOW, 7);
	assert_int_equal(an.index, ANCHOR_INDEX_OTHER);
	assert_int_equal(an.content.sequence, 2);
	/* the key is retired by an image with another one */
	m.policy.keys.p[0] = second;
	m.policy.keys.p[1] = first;
	assert_found(&an, ANCHOR_RETIRED, 7);
	assert_ok(anchor_write(&an, &an.content, &e), &e);
	assert_found(&an, ANCHOR_NOW, 7);
	assert_int_equal(an.index, ANCHOR_INDEX);
	/* then by one that no longer trusts it */
	m.policy.keys.p[0] = first;
	m.policy.keys.n = 1;
	assert_found(&an, ANCHOR_FOREIGN, 7);
	/* and PCR 7 changes: switched off, or other keys */
	m.policy.keys.p[0] = second;
	assert_found(&an, ANCHOR_NOW, 7);
	assert_ok(tpm2_pcr_event(&m.tpm, 7, STR("another"), &e), &e);
	assert_found(&an, ANCHOR_FOREIGN, 7);
	m.policy.secure_boot = false;
	assert_found(&an, ANCHOR_FOREIGN, 7);
	machine_stop(&m);
}

static void test_cancel(void **state)
{
	struct err e = { 0 };
	struct machine m;
	struct anchor an;

	(void)state;
	if (!machine_start(&m))
		skip();
	an = (struct anchor){ .tpm = &m.tpm, .policy = &m.policy };
	assert_ok(anchor_begin(&an, &e), &e);
	anchor_cancel(&an);
	assert_ok(anchor_read(&an, &e), &e);
	assert_int_equal(an.being_made, 0);
	machine_stop(&m);
}

static void test_content(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct buf b = { .a = &a };
	struct anchor_content got;
	struct err e = { 0 };
	struct str bytes;

	(void)state;
	anchor_content_format(&content, &b);
	bytes = (struct str){ (char *)b.v.p, b.v.n };
	assert_int_equal(bytes.n, ANCHOR_BYTES);
	assert_ok(anchor_content_parse(bytes, &got, &e), &e);
	assert_memory_equal(&got, &content, sizeof(got));
	assert_err(anchor_content_parse(str_head(bytes, bytes.n - 1), &got, &e), &e,
		   "was not written by this image");
	b.v.p[16] = 0xff; /* flags of later images */
	assert_err(anchor_content_parse(bytes, &got, &e), &e, "was not written by this image");
}

static void test_response(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int code;
	} rows[] = {
		{ "\x80\x01\0\0\0\x0a\0\0\0\0", 10, 0 },
		{ "\x80\x01\0\0\0\x0b\0\0\0\0", 10, -EBADMSG },
		{ "\x80\x01\0\0\0\x0a\0\0\x01\x8b", 10, -ENOENT },
		{ "\x80\x01\0\0\0\x0a\0\0\x01\x4a", 10, -ENODATA },
		{ "\x80\x01\0\0\0\x0a\0\0\x09\x9d", 10, -EACCES },
		{ "\x80\x01\0\0\0\x0a\0\0\x01\x01", 10, -EIO },
		{ "\x80\x02\0\0\0\x0a\0\0\0\0", 10, -EBADMSG },
		{ "\x80\x03\0\0\0\x0a\0\0\0\0", 10, -EBADMSG },
		{ "\x80\x01\0\0", 4, -EBADMSG },
	};
	struct tpm2_response got;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(tpm2_response_parse((struct str){ rows[i].bytes, rows[i].n },
						     "TPM2_X", false, false, &got, &e),
				 rows[i].code);
	assert_int_equal(tpm2_response_parse((struct str){ "\x80\x02\0\0\0\x0f\0\0\0\0"
							   "\0\0\0\2!",
							   15 },
					     "TPM2_X", false, true, &got, &e),
			 -EBADMSG);
	assert_int_equal(tpm2_response_parse((struct str){ "\x80\x02\0\0\0\x10\0\0\0\0"
							   "\0\0\0\2!!",
							   16 },
					     "TPM2_X", false, true, &got, &e),
			 0);
	assert_str(got.params, "!!");
}

static void test_keys(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct buf b = { .a = &a };
	vec_pcr_key keys;
	struct err e = { 0 };

	(void)state;
	assert_err(pcr_keys_parse(&a, STR(""), &keys, &e), &e, "no pcr-signing key");
	assert_err(pcr_keys_parse(&a, STR(FINGERPRINT " 00\n"), &keys, &e), &e,
		   "pcr-signing keys, line 1: want a fingerprint and an RSA modulus");
	buf_printf(&b, FINGERPRINT " %0512d\n", 0);
	assert_ok(pcr_keys_parse(&a, (struct str){ (char *)b.v.p, b.v.n }, &keys, &e), &e);
	assert_int_equal(keys.n, 1);
	assert_int_equal(keys.p[0].modulus.n, 256);
	for (int i = 0; i < PCR_KEYS_MAX; i++)
		buf_printf(&b, FINGERPRINT " %0512d\n", 0);
	assert_err(pcr_keys_parse(&a, (struct str){ (char *)b.v.p, b.v.n }, &keys, &e), &e,
		   "more than 8");
}

static void test_signature(void **state)
{
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
	static const struct pcr_key key = { { FINGERPRINT, 64 }, { 0 } };
	static const uint8_t policy[TPM2_DIGEST_BYTES];
	static const struct {
		const char *json;
		int found;
	} rows[] = {
		{ "{}", 0 },
		{ "{\"sha256\":3}", 0 },
		{ "{\"sha256\":[3]}", -EBADMSG },
		{ "{\"sha256\":[{\"pkfp\":\"" FINGERPRINT "\",\"pol\":\"" ZERO "\"}]}", -EBADMSG },
		{ "{\"sha256\":[{\"pkfp\":\"" FINGERPRINT "\",\"pol\":\"" ZERO
		  "\",\"sig\":\"aGk=\"}]}",
		  1 },
		{ "{\"sha256\":[{\"pkfp\":\"" RETIRED "\",\"pol\":\"" ZERO "\",\"sig\":\"aGk=\"}]}",
		  0 },
		{ "{", -EBADMSG },
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	struct str got;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(pcr_signature_find(&a, str_c(rows[i].json), &key, policy, &got,
						    &e),
				 rows[i].found);
	assert_str(got, "hi");
}

/* What the image builder takes out of a certificate is what the TPM takes. */
static void test_modulus(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_signer_ struct signer *signer = NULL;
	struct err e = { 0 };
	struct str der, pem, modulus;

	(void)state;
	assert_ok(file_read(&a, "test/data/signer.der", 1 << 16, &der, &e), &e);
	assert_ok(file_read(&a, "test/data/signer.pem", 1 << 16, &pem, &e), &e);
	assert_ok(signer_pem_parse(pem, &signer, &e), &e);
	assert_ok(certificate_modulus(&a, der, &modulus, &e), &e);
	assert_true(str_eq(modulus, str_head(str_from(signer_public_key(signer), SPKI_MODULUS_AT),
					     MODULUS_BYTES)));
	assert_err(certificate_modulus(&a, str_head(der, 100), &modulus, &e), &e, "certificate");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modulus),        cmocka_unit_test(test_content),
		cmocka_unit_test(test_response),       cmocka_unit_test(test_keys),
		cmocka_unit_test(test_signature),      cmocka_unit_test(test_remembers),
		cmocka_unit_test(test_closed_later),   cmocka_unit_test(test_policy_of_his_own),
		cmocka_unit_test(test_policy_of_ours), cmocka_unit_test(test_bound_again),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
