/* SPDX-License-Identifier: MIT */
#include "agent/init/pcr_policy.h"

#include "base/json_parse.h"

enum {
	PCR_KERNEL = 11,
	PCR_SECURE_BOOT = 7,
	MODULUS_BYTES_MIN = 256, /* 2048 bits */
	MODULUS_BYTES_MAX = 512,
};

static bool is_digest(struct str hex)
{
	uint8_t digest[TPM2_DIGEST_BYTES];

	return hex_decode(hex, digest, sizeof(digest));
}

static int key_parse(struct arena *a, struct str line, struct pcr_key *ret, struct err *e)
{
	struct str fingerprint = str_cut(&line, ' ');
	size_t n = line.n / 2;
	char *modulus = arena_alloc(a, n + 1);

	if (!is_digest(fingerprint) || n < MODULUS_BYTES_MIN || n > MODULUS_BYTES_MAX ||
	    !hex_decode(line, modulus, n))
		return err_set(e, -EBADMSG, "want a fingerprint and an RSA modulus, hexadecimal");
	*ret = (struct pcr_key){ fingerprint, { modulus, n } };
	return 0;
}

int pcr_keys_parse(struct arena *a, struct str text, vec_pcr_key *ret, struct err *e)
{
	vec_pcr_key keys = { 0 };

	for (unsigned line = 1; text.n > 0; line++) {
		struct pcr_key key;
		int r;

		if (keys.n == PCR_KEYS_MAX)
			return err_set(e, -E2BIG, "more than %d pcr-signing keys", PCR_KEYS_MAX);
		r = key_parse(a, str_cut(&text, '\n'), &key, e);
		if (r < 0)
			return err_wrap(e, r, "pcr-signing keys, line %u", line);
		vec_push(a, &keys) = key;
	}
	if (keys.n == 0)
		return err_set(e, -EBADMSG, "no pcr-signing key");
	*ret = keys;
	return 0;
}

static bool is_text(const vec_json_value *members, const char *key, struct str want)
{
	const struct json_value *v = json_find(members, key);

	return v && v->type == JSON_STRING && str_eq(v->text, want);
}

/* One of the list's elements, an object: 1 when it is the one. */
static int element_look(struct arena *a, struct str text, const struct pcr_key *key,
			struct str policy, struct str *ret, struct err *e)
{
	const struct json_value *signature;
	vec_json_value members;
	int r = json_parse(a, text, &members, e);

	if (r < 0)
		return r;
	if (!is_text(&members, "pkfp", key->fingerprint) || !is_text(&members, "pol", policy))
		return 0;
	signature = json_find(&members, "sig");
	if (!signature || signature->type != JSON_STRING || !base64_decode(a, signature->text, ret))
		return err_set(e, -EBADMSG, "signed PCR values: 'sig' is no base64");
	return 1;
}

int pcr_signature_find(struct arena *a, struct str json, const struct pcr_key *key,
		       const uint8_t policy[TPM2_DIGEST_BYTES], struct str *ret, struct err *e)
{
	struct str hex = hex_encode(a, policy, TPM2_DIGEST_BYTES);
	vec_json_value members, list;
	const struct json_value *bank;
	int r = json_parse(a, json, &members, e);

	if (r < 0)
		return err_wrap(e, r, "signed PCR values");
	bank = json_find(&members, "sha256");
	if (!bank || bank->type != JSON_ARRAY)
		return 0;
	r = json_parse(a, bank->text, &list, e);
	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = list.p[i].type == JSON_OBJECT
			    ? element_look(a, list.p[i].text, key, hex, ret, e)
			    : err_set(e, -EBADMSG, "no object");
	return r < 0 ? err_wrap(e, r, "signed PCR values") : r;
}

static int trial_steps(struct tpm2 *t, uint32_t session, const struct tpm2_key *key, bool pcr7,
		       uint8_t ret[TPM2_DIGEST_BYTES], struct err *e)
{
	static const uint8_t any[TPM2_DIGEST_BYTES];
	int r = tpm2_policy_authorize(t, session, any, key, (struct str){ 0 }, e);

	if (r == 0 && pcr7)
		r = tpm2_policy_pcr(t, session, PCR_SECURE_BOOT, e);
	return r < 0 ? r : tpm2_policy_digest(t, session, ret, e);
}

int pcr_policy_digest(struct tpm2 *t, const struct pcr_policy *p, size_t key, bool pcr7,
		      uint8_t ret[TPM2_DIGEST_BYTES], struct err *e)
{
	struct tpm2_key loaded;
	uint32_t session;
	int r = tpm2_key_load(t, p->keys.p[key].modulus, &loaded, e);

	if (r < 0)
		return r;
	tpm2_flush(t, loaded.handle);
	r = tpm2_session(t, true, &session, e);
	if (r < 0)
		return r;
	r = trial_steps(t, session, &loaded, pcr7, ret, e);
	tpm2_flush(t, session);
	return r;
}

/* The TPM's word that the key signed @policy. */
static int ticket_get(struct tpm2 *t, const struct pcr_policy *p,
		      const uint8_t policy[TPM2_DIGEST_BYTES], struct tpm2_key *key,
		      struct str *ret, struct err *e)
{
	struct str signature;
	int r = pcr_signature_find(t->a, p->signatures, &p->keys.p[0], policy, &signature, e);

	if (r == 0)
		return err_set(e, -EACCES, "nobody signed the value of PCR 11");
	if (r > 0)
		r = tpm2_key_load(t, p->keys.p[0].modulus, key, e);
	if (r < 0)
		return r;
	r = tpm2_verify(t, key, policy, signature, ret, e);
	tpm2_flush(t, key->handle);
	return r;
}

static int meet_steps(struct tpm2 *t, const struct pcr_policy *p, uint32_t session, struct err *e)
{
	uint8_t approved[TPM2_DIGEST_BYTES];
	struct tpm2_key key;
	struct str ticket;
	int r = tpm2_policy_pcr(t, session, PCR_KERNEL, e);

	if (r == 0)
		r = tpm2_policy_digest(t, session, approved, e);
	if (r == 0)
		r = ticket_get(t, p, approved, &key, &ticket, e);
	if (r == 0)
		r = tpm2_policy_authorize(t, session, approved, &key, ticket, e);
	if (r == 0 && p->secure_boot)
		r = tpm2_policy_pcr(t, session, PCR_SECURE_BOOT, e);
	return r;
}

int pcr_policy_meet(struct tpm2 *t, const struct pcr_policy *p, uint32_t *ret_session,
		    struct err *e)
{
	uint32_t session;
	int r = tpm2_session(t, false, &session, e);

	if (r < 0)
		return r;
	r = meet_steps(t, p, session, e);
	if (r < 0)
		tpm2_flush(t, session);
	else
		*ret_session = session;
	return r;
}
