/* SPDX-License-Identifier: MIT */
#include "artifact/boot.h"
#include "artifact/measure.h"
#include "artifact/verify_checks.h"
#include "base/json_parse.h"
#include "trust/authenticode.h"
#include "trust/certificate.h"
#include "trust/efi_variable.h"

static const struct {
	const char *path, *name;
	enum key_role signer;
	const uint8_t *guid;
} enrolments[] = {
	[ENROL_PK] = { "loader/keys/auto/PK.auth", "PK", KEY_PK, efi_global_guid },
	[ENROL_KEK] = { "loader/keys/auto/KEK.auth", "KEK", KEY_PK, efi_global_guid },
	[ENROL_DB] = { "loader/keys/auto/db.auth", "db", KEY_KEK, efi_security_guid },
	[ENROL_DBX] = { "loader/keys/auto/dbx.auth", "dbx", KEY_KEK, efi_security_guid },
};

/* The whole partition as boot_esp() makes it of the files that it holds. */
static int esp_check(struct verify_work *w, struct err *e)
{
	const struct image_parts *parts = &w->parts;
	struct payload payload = {
		.arch = w->arch,
		.time_sec = parts->esp.time_sec,
		.boot_loader = parts->boot_loader->data,
		.esp_bytes = parts->esp.size_bytes,
	};
	struct segments want;
	int r;

	for (size_t i = 0; i < parts->esp.n_files; i++) {
		const struct fat_file *f = &parts->esp.files[i];
		bool known = f == parts->boot_loader || f == parts->uki ||
			     str_eqz(f->path, "loader/loader.conf");

		for (size_t k = 0; k < ENROL_VARIABLES; k++)
			if (str_eqz(f->path, enrolments[k].path)) {
				payload.enrol[k] = f->data;
				known = true;
			}
		if (!known)
			return err_set(e, -EBADMSG,
				       "EFI system partition: '%.*s' does not belong there",
				       STR_FMT(f->path));
	}
	memcpy(payload.root_hash, parts->root_hash, SHA256_BYTES);
	vec_push(w->a, &payload.kernels) =
		(struct payload_kernel){ .uki_name = parts->uki->path, .uki = parts->uki->data };
	r = boot_esp(w->a, &payload, &want, e);
	if (r < 0)
		return err_wrap(e, r, "EFI system partition");
	return verify_same("EFI system partition", parts->bytes[PARTITION_ESP], &want, e);
}

/* What firmware starts. */
static int program_check(struct verify_work *w, const char *what, const struct fat_file *f,
			 struct err *e)
{
	const vec_str *trusted = &w->in->trusted[KEY_DB];
	size_t by;
	int r = authenticode_verify_exact(w->a, f->data, trusted, &by, e);

	if (r == -ENOKEY && w->in->to_sign) {
		w->missing = true;
		return 0;
	}
	if (r < 0)
		return err_wrap(e, r, "%s '%.*s'", what, STR_FMT(f->path));
	w->signed_by[KEY_DB] = trusted->p[by];
	return 0;
}

/* The certificate whose public key the UKI holds for state to be bound to. */
static int pcr_key_find(struct verify_work *w, struct err *e)
{
	const struct pe_section *section = pe_section(&w->parts.uki_pe, ".pcrpkey");

	vec_each(certificate, &w->in->trusted[KEY_PCR]) {
		struct str public_key;
		int r = certificate_public_key(w->a, *certificate, &public_key, e);

		if (r < 0)
			return r;
		if (section && str_eq(section->data, public_key_pem(w->a, public_key))) {
			w->signed_by[KEY_PCR] = *certificate;
			return 0;
		}
	}
	return err_set(e, -ENOKEY,
		       "section .pcrpkey: not the key of any of the %zu certificates given for %s",
		       w->in->trusted[KEY_PCR].n, key_role_name(KEY_PCR));
}

/* Whose certificate has the public key with this fingerprint; NULL: nobody's. */
static const struct str *pcr_certificate(struct verify_work *w, struct str fingerprint,
					 struct str *ret_key_bits)
{
	struct err ignored;

	vec_each(certificate, &w->in->trusted[KEY_PCR]) {
		uint8_t digest[SHA256_BYTES];

		if (certificate_key_bits(w->a, *certificate, ret_key_bits, &ignored) < 0)
			continue;
		sha256(ret_key_bits->p, ret_key_bits->n, digest);
		if (str_eq(hex_encode(w->a, digest, sizeof(digest)), fingerprint))
			return certificate;
	}
	return NULL;
}

static struct str member(const vec_json_value *values, const char *key)
{
	const struct json_value *v = json_find(values, key);

	return v ? v->text : (struct str){ 0 };
}

static int pcr_entry_read(struct verify_work *w, struct str text, struct pcr_signature *ret,
			  const struct str **ret_certificate, struct err *e)
{
	const struct str *certificate;
	vec_json_value values;
	int r = json_parse(w->a, text, &values, e);

	if (r < 0)
		return r;
	certificate = pcr_certificate(w, member(&values, "pkfp"), &ret->key_bits);
	if (!certificate)
		return err_set(e, -ENOKEY, "no certificate given for %s has the key %.*s",
			       key_role_name(KEY_PCR), STR_FMT(member(&values, "pkfp")));
	if (!base64_decode(w->a, member(&values, "sig"), &ret->signature))
		return err_set(e, -EBADMSG, "its signature is not base64");
	*ret_certificate = certificate;
	return 0;
}

/* Once what it says is known, the section is made again: so no byte of it can be anything else. */
static int pcr_section_check(struct verify_work *w, struct str text, struct err *e)
{
	const struct str **certificates;
	struct pcr_signature *signatures;
	vec_json_value values, entries;
	uint8_t pcr11[SHA256_BYTES], policy[SHA256_BYTES];
	int r = json_parse(w->a, text, &values, e);

	if (r == 0)
		r = json_parse(w->a, member(&values, "sha256"), &entries, e);
	if (r < 0)
		return r;
	if (entries.n == 0)
		return err_set(e, -ENOKEY, "it holds no signature");
	measure_pcr11(&w->parts.uki_pe, pcr11);
	measure_phase(pcr11, measure_phases[0]);
	measure_policy_pcr11(pcr11, policy);
	signatures = arena_array(w->a, entries.n, sizeof(*signatures));
	certificates = arena_array(w->a, entries.n, sizeof(*certificates));
	for (size_t i = 0; r == 0 && i < entries.n; i++)
		r = pcr_entry_read(w, entries.p[i].text, &signatures[i], &certificates[i], e);
	if (r == 0 && !str_eq(text, measure_pcrsig(w->a, policy, signatures, entries.n)))
		r = err_set(e, -EBADMSG, "it is not for the PCR 11 of these sections, %.*s",
			    STR_FMT(hex_encode(w->a, pcr11, sizeof(pcr11))));
	for (size_t i = 0; r == 0 && i < entries.n; i++)
		r = certificate_verify(*certificates[i],
				       (struct str){ (char *)policy, sizeof(policy) },
				       signatures[i].signature, e);
	return r;
}

static int pcr_signature_check(struct verify_work *w, struct err *e)
{
	const struct pe_section *section = pe_section(&w->parts.uki_pe, ".pcrsig");
	int r = pcr_key_find(w, e);

	if (r < 0)
		return r;
	if (w->in->to_sign && section &&
	    str_eq(section->data, measure_pcrsig_blank(w->a, &w->in->trusted[KEY_PCR]))) {
		w->missing = true;
		return 0;
	}
	r = pcr_section_check(w, section ? section->data : (struct str){ 0 }, e);
	return r < 0 ? err_wrap(e, r, "section .pcrsig") : 0;
}

static bool is_trusted(const struct verify_work *w, struct str certificate, size_t i)
{
	for (size_t k = 0; k < KEY_ROLES; k++) {
		vec_each(c, &w->in->trusted[k])
			if (str_eq(*c, certificate) &&
			    (i == ENROL_DB ? key_in_db((enum key_role)k, *c) : k == i))
				return true;
	}
	return false;
}

/* A machine that enrols these lists trusts whom they name: nobody but those given. What dbx names
 * it does not trust. */
static int lists_check(struct verify_work *w, size_t i, struct err *e)
{
	vec_str certificates;
	int r;

	if (i == ENROL_DBX)
		return 0;
	r = efi_signature_lists_parse(w->a, w->enrolled[i], &certificates, e);
	if (r < 0)
		return r;
	vec_each(c, &certificates)
		if (!is_trusted(w, *c, i))
			return err_set(
				e, -EKEYREJECTED,
				"enrols a certificate that is none of those given, SHA-256 %.*s",
				STR_FMT(sha256_hex(w->a, c->p, c->n)));
	return 0;
}

static int enrolment_check(struct verify_work *w, size_t i, struct err *e)
{
	const struct fat_input *esp = &w->parts.esp;

	for (size_t k = 0; k < esp->n_files; k++) {
		const struct fat_file *f = &esp->files[k];
		int r;

		if (!str_eqz(f->path, enrolments[i].path))
			continue;
		r = efi_variable_verify(w->a, enrolments[i].name, enrolments[i].guid, f->data,
					&w->in->trusted[enrolments[i].signer], &w->enrolled[i], e);
		if (r == 0)
			r = lists_check(w, i, e);
		return r < 0 ? err_wrap(e, r, "EFI system partition: '%s'", enrolments[i].path) : 0;
	}
	if (i == ENROL_DBX) /* nothing is revoked yet */
		return 0;
	return err_set(e, -ENOENT, "EFI system partition: no '%s'", enrolments[i].path);
}

/* Neither by the keys' dbx nor by the image's own. */
static int program_not_revoked(struct verify_work *w, const char *what, const struct fat_file *f,
			       struct err *e)
{
	vec_efi_revocation own = { 0 };
	struct efi_revocation one;
	int r = efi_revocation_lists_parse(w->a, w->enrolled[ENROL_DBX], &own, e);

	if (r == 0)
		r = authenticode_digest(f->data, one.sha256, e);
	if (r == 0 && (efi_is_revoked(&own, one) || efi_is_revoked(&w->in->revoked, one)))
		r = err_set(e, -EKEYREVOKED, "is revoked in dbx, by %.*s",
			    STR_FMT(hex_encode(w->a, one.sha256, SHA256_BYTES)));
	return r < 0 ? err_wrap(e, r, "%s '%.*s'", what, STR_FMT(f->path)) : 0;
}

static int command_line_check(struct verify_work *w, struct err *e)
{
	const struct pe_section *section = pe_section(&w->parts.uki_pe, ".cmdline");

	return boot_command_line_check(section ? section->data : (struct str){ 0 }, e);
}

int verify_boot(struct verify_work *w, struct err *e)
{
	int r = program_check(w, "unified kernel image", w->parts.uki, e);

	if (r == 0) {
		r = command_line_check(w, e);
		if (r == 0)
			r = pcr_signature_check(w, e);
		if (r < 0)
			r = err_wrap(e, r, "unified kernel image '%.*s'",
				     STR_FMT(w->parts.uki->path));
	}
	if (r == 0)
		r = program_check(w, "boot loader", w->parts.boot_loader, e);
	for (size_t i = 0; r == 0 && i < ENROL_VARIABLES; i++)
		r = enrolment_check(w, i, e);
	if (r == 0)
		r = program_not_revoked(w, "unified kernel image", w->parts.uki, e);
	if (r == 0)
		r = program_not_revoked(w, "boot loader", w->parts.boot_loader, e);
	return r < 0 ? r : esp_check(w, e);
}
