/* SPDX-License-Identifier: MIT */
#include "artifact/signatures.h"

#include "base/io.h"
#include "base/json.h"
#include "base/trace.h"
#include "disk/verity_sig.h"
#include "trust/authenticode.h"
#include "trust/certificate.h"
#include "trust/pkcs7.h"

enum { SIGNATURE_BYTES_MAX = 8192 / 8 };

struct work {
	struct arena *a;
	const struct signing *s;
	vec_to_sign *pending;
	size_t uki; /* which of them */
};

/* The second UKI's names have "-2" behind them, and so on. */
static const char *numbered(struct work *w, const char *name)
{
	return w->uki == 0 ? name : str_z(w->a, str_printf(w->a, "%s-%zu", name, w->uki + 1));
}

/* One made elsewhere: 1, or 0 when there is none yet. */
static int signature_read(struct work *w, const char *name, struct str certificate, struct str data,
			  struct str *ret, struct err *e)
{
	const char *path = str_z(w->a, str_printf(w->a, "%s/%s.sig", w->s->signatures, name));
	struct str signature;
	int r = file_read(w->a, path, SIGNATURE_BYTES_MAX, &signature, e);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = certificate_verify(certificate, data, signature, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	*ret = signature;
	return 1;
}

/* 1 and *ret, or 0 when somebody else has still to sign. */
static int sign(struct work *w, const char *name, const struct key *key, struct str data,
		struct str *ret, struct err *e)
{
	int r = 0;

	if (key->certificate.n == 0)
		return err_set(
			e, -ENOENT,
			"no certificate %s.crt among the keys, which is needed to sign the %s",
			key_role_name(key->role), name);
	if (key->signer && !w->s->later) {
		r = signer_sign(w->a, key->signer, data, ret, e);
		return r < 0 ? err_wrap(e, r, "sign the %s", name) : 1;
	}
	if (w->s->signatures)
		r = signature_read(w, name, key->certificate, data, ret, e);
	if (r == 0)
		vec_push(w->a, w->pending) = (struct to_sign){ name, key, data };
	return r;
}

static int pkcs7(struct work *w, const char *name, enum key_role role, struct str content,
		 bool attached, struct str *ret, struct err *e)
{
	const struct pkcs7 p = { .certificate = w->s->keys->k[role].certificate,
				 .content = content,
				 .attached = attached,
				 /* by which the kernel finds its way to db's, which issued it */
				 .certificates = true };
	struct str signature;
	int r = sign(w, name, &w->s->keys->k[role], pkcs7_to_sign(&p), &signature, e);

	if (r <= 0)
		return r;
	r = pkcs7_build(w->a, &p, signature, ret, e);
	return r < 0 ? err_wrap(e, r, "%s", name) : 1;
}

static int verity_sig(struct work *w, const struct boot_parts *parts, struct str *ret,
		      struct err *e)
{
	struct str hex = hex_encode(w->a, parts->root_hash, SHA256_BYTES),
		   certificate = w->s->keys->k[KEY_VERITY].certificate;
	struct verity_sig v;
	int root = pkcs7(w, "root-hash", KEY_VERITY, hex, false, &v.signature, e), policy;

	if (root < 0)
		return root;
	policy = pkcs7(w, "ipe-policy", KEY_IPE, parts->ipe_policy, true, &v.ipe_policy, e);
	if (policy < 0)
		return policy;
	if (!root || !policy) {
		*ret = (struct str){ arena_alloc(w->a, VERITY_SIG_BYTES), VERITY_SIG_BYTES };
		memset((char *)ret->p, 0, ret->n);
		return 0;
	}
	memcpy(v.root_hash, parts->root_hash, SHA256_BYTES);
	sha256(certificate.p, certificate.n, v.fingerprint);
	return verity_sig_write(w->a, &v, ret, e);
}

/* "pcr-policy", and "pcr-policy-" with the first digits of the certificate's fingerprint for those
 * that are retired. */
static const char *pcr_name(struct work *w, const struct key *key)
{
	uint8_t digest[SHA256_BYTES];

	if (key == w->s->keys->pcr.p)
		return "pcr-policy";
	sha256(key->certificate.p, key->certificate.n, digest);
	return str_z(w->a,
		     str_printf(w->a, "pcr-policy-%.*s", STR_FMT(hex_encode(w->a, digest, 4))));
}

/* By every key: 1, or 0 when one is not there yet. */
static int pcr_sign(struct work *w, const uint8_t sections[SHA256_BYTES], struct str *ret,
		    struct err *e)
{
	size_t n = w->s->keys->pcr.n;
	struct pcr_signature *signatures = arena_array(w->a, n, sizeof(*signatures));
	uint8_t pcr11[SHA256_BYTES], policy[SHA256_BYTES];
	bool complete = true;
	struct str data;

	memcpy(pcr11, sections, sizeof(pcr11));
	measure_phase(pcr11, measure_phases[0]);
	measure_policy_pcr11(pcr11, policy);
	data = str_dup(w->a, (struct str){ (char *)policy, sizeof(policy) });
	for (size_t i = 0; i < n; i++) {
		const struct key *key = &w->s->keys->pcr.p[i];
		int r = sign(w, numbered(w, pcr_name(w, key)), key, data, &signatures[i].signature,
			     e);

		if (r < 0)
			return r;
		complete &= r > 0;
		r = certificate_key_bits(w->a, key->certificate, &signatures[i].key_bits, e);
		if (r < 0)
			return r;
	}
	*ret = measure_pcrsig(w->a, policy, signatures, n);
	return complete;
}

/* Puts the signatures for PCR 11 into their blank section: 1, or 0 when one is not there yet. */
static int pcr_signature(struct work *w, struct str uki, uint8_t ret_pcr11[SHA256_BYTES],
			 struct err *e)
{
	const struct pe_section *section;
	struct str text;
	struct pe pe;
	int r = pe_read(w->a, uki, &pe, e);

	if (r < 0)
		return r;
	section = pe_section(&pe, ".pcrsig");
	if (!section)
		return err_set(e, -EBADMSG, "it has no section .pcrsig");
	measure_pcr11(&pe, ret_pcr11);
	r = pcr_sign(w, ret_pcr11, &text, e);
	if (r <= 0)
		return r;
	if (text.n != section->data.n)
		return err_set(e, -EBADMSG, "its section .pcrsig has %zu bytes; %zu are needed",
			       section->data.n, text.n);
	memcpy((char *)section->data.p, text.p, text.n);
	return 1;
}

/* The same definitions make the same image, also after it was revoked. */
static int not_revoked(struct work *w, struct str image, struct err *e)
{
	vec_efi_revocation all = { 0 };
	struct efi_revocation own = { 0 };
	int r = efi_revocation_lists_parse(w->a, w->s->keys->dbx, &all, e);

	if (r == 0)
		r = authenticode_digest(image, own.sha256, e);
	if (r < 0 || !efi_is_revoked(&all, own))
		return r;
	return err_set(e, -EKEYREVOKED,
		       "its digest %.*s is revoked in enrol/dbx.esl among the keys: firmware would "
		       "not start it; build one with another 'version'",
		       STR_FMT(hex_encode(w->a, own.sha256, SHA256_BYTES)));
}

static int authenticode(struct work *w, const char *name, struct str *image, struct err *e)
{
	struct str data, signature;
	int r = not_revoked(w, *image, e);

	if (r == 0)
		r = authenticode_to_sign(w->a, *image, &data, e);
	if (r == 0)
		r = sign(w, name, &w->s->keys->k[KEY_DB], data, &signature, e);
	if (r > 0)
		r = authenticode_attach(w->a, *image, w->s->keys->k[KEY_DB].certificate, signature,
					image, e);
	return r < 0 ? err_wrap(e, r, "%s", name) : r;
}

static int uki_sign(struct work *w, struct str unsigned_, struct signed_uki *ret, struct err *e)
{
	struct signed_uki uki = { .bytes = str_dup(w->a, unsigned_) };
	int r = pcr_signature(w, uki.bytes, uki.pcr11, e);

	if (r < 0)
		return err_wrap(e, r, "unified kernel image");
	if (r > 0)
		r = authenticode(w, numbered(w, "uki"), &uki.bytes, e);
	if (r >= 0)
		*ret = uki;
	return r;
}

int signatures_make(struct arena *a, const struct signing *s, const struct boot_parts *parts,
		    struct boot_signed *ret, struct err *e)
{
	TRACE("sign");
	struct boot_signed out = { .boot_loader = parts->boot_loader };
	struct work w = { a, s, &out.pending, 0 };
	int r = verity_sig(&w, parts, &out.verity_sig, e);

	if (r >= 0)
		r = authenticode(&w, "boot-loader", &out.boot_loader, e);
	for (w.uki = 0; r >= 0 && w.uki < parts->ukis.n; w.uki++) {
		struct signed_uki uki;

		r = uki_sign(&w, parts->ukis.p[w.uki], &uki, e);
		if (r >= 0)
			vec_push(a, &out.ukis) = uki;
	}
	if (r < 0)
		return r;
	*ret = out;
	return 0;
}

static int ask_one(struct arena *a, const char *dir, const struct to_sign *t, struct json *j,
		   struct err *e)
{
	struct str certificate = t->key->certificate;
	uint8_t digest[SHA256_BYTES];

	json_object(j, NULL);
	json_str(j, "name", str_c(t->name));
	json_str(j, "key", str_c(key_role_name(t->key->role)));
	sha256(certificate.p, certificate.n, digest);
	json_str(j, "certificate-sha256", hex_encode(a, digest, sizeof(digest)));
	json_str(j, "algorithm", STR("RSASSA-PKCS1-v1_5 SHA-256"));
	sha256(t->bytes.p, t->bytes.n, digest);
	json_str(j, "sha256", hex_encode(a, digest, sizeof(digest)));
	json_end_object(j);
	return file_write(path_join(a, dir, t->name), 0644, t->bytes.p, t->bytes.n, e);
}

int signatures_ask(struct arena *a, const char *dir, const vec_to_sign *pending, struct err *e)
{
	struct json j = { .b = { .a = a }, .indent = 1 };
	struct str text;
	int r = 0;

	json_array(&j, NULL);
	for (size_t i = 0; r == 0 && i < pending->n; i++)
		r = ask_one(a, dir, &pending->p[i], &j, e);
	json_end_array(&j);
	buf_u8(&j.b, '\n');
	text = json_text(&j);
	return r < 0 ? r : file_write(path_join(a, dir, "to-sign.json"), 0644, text.p, text.n, e);
}
