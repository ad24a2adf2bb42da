/* SPDX-License-Identifier: MIT */
#include "disk/verity_sig.h"

#include "base/json.h"
#include "base/json_parse.h"

int verity_sig_write(struct arena *a, const struct verity_sig *v, struct str *ret, struct err *e)
{
	struct json j = { .b = { .a = a } };

	json_object(&j, NULL);
	json_str(&j, "rootHash", hex_encode(a, v->root_hash, SHA256_BYTES));
	json_str(&j, "certificateFingerprint", hex_encode(a, v->fingerprint, SHA256_BYTES));
	json_str(&j, "signature", base64_encode(a, v->signature.p, v->signature.n));
	if (v->ipe_policy.n > 0)
		json_str(&j, "ashlar.ipePolicy",
			 base64_encode(a, v->ipe_policy.p, v->ipe_policy.n));
	json_end_object(&j);
	if (j.b.v.n > VERITY_SIG_BYTES)
		return err_set(
			e, -E2BIG,
			"signatures of %zu and %zu bytes do not fit the signature partition's %d",
			v->signature.n, v->ipe_policy.n, VERITY_SIG_BYTES);
	buf_align(&j.b, VERITY_SIG_BYTES);
	*ret = json_text(&j);
	return 0;
}

/* The object alone: zeroes follow it, and nothing else. */
static int object(struct str partition, struct str *ret, struct err *e)
{
	struct str text = partition;

	if (partition.n < VERITY_SIG_BYTES)
		return err_set(e, -EBADMSG, "%zu bytes, want at least %d", partition.n,
			       VERITY_SIG_BYTES);
	*ret = str_cut(&text, '\0');
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\0')
			return err_set(e, -EBADMSG, "byte %zu: want zeroes behind the JSON object",
				       ret->n + 1 + i);
	return 0;
}

static int text_member(const vec_json_value *members, const char *key, struct str *ret,
		       struct err *e)
{
	const struct json_value *v = json_find(members, key);

	if (!v || v->type != JSON_STRING)
		return err_set(e, -EBADMSG, "no member \"%s\" that is a string", key);
	*ret = v->text;
	return 0;
}

static int hash_member(const vec_json_value *members, const char *key, uint8_t ret[SHA256_BYTES],
		       struct err *e)
{
	struct str text;
	int r = text_member(members, key, &text, e);

	if (r < 0)
		return r;
	if (!hex_decode(text, ret, SHA256_BYTES))
		return err_set(e, -EBADMSG, "\"%s\": want 64 hexadecimal digits", key);
	return 0;
}

static int bytes_member(struct arena *a, const vec_json_value *members, const char *key,
			struct str *ret, struct err *e)
{
	struct str text;
	int r = text_member(members, key, &text, e);

	if (r < 0)
		return r;
	if (!base64_decode(a, text, ret) || ret->n == 0)
		return err_set(e, -EBADMSG, "\"%s\": want base64", key);
	return 0;
}

int verity_sig_parse(struct arena *a, struct str partition, struct verity_sig *ret, struct err *e)
{
	struct verity_sig v = { 0 };
	vec_json_value members;
	struct str text;
	int r;

	r = object(partition, &text, e);
	if (r == 0)
		r = json_parse(a, text, &members, e);
	if (r == 0)
		r = hash_member(&members, "rootHash", v.root_hash, e);
	if (r == 0)
		r = hash_member(&members, "certificateFingerprint", v.fingerprint, e);
	if (r == 0)
		r = bytes_member(a, &members, "signature", &v.signature, e);
	if (r == 0 && json_find(&members, "ashlar.ipePolicy"))
		r = bytes_member(a, &members, "ashlar.ipePolicy", &v.ipe_policy, e);
	if (r < 0)
		return err_wrap(e, r, "verity signature partition");
	*ret = v;
	return 0;
}
