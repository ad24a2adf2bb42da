/* SPDX-License-Identifier: MIT */
#include "artifact/manifest.h"

#include "artifact/manifest_members.h"
#include "keys/secure_boot.h"

const enum key_role manifest_signers[MANIFEST_SIGNERS] = { KEY_DB, KEY_VERITY, KEY_IPE, KEY_PCR,
							   KEY_PACKAGE };

const char *manifest_path(struct arena *a, const char *image)
{
	struct str base = str_c(image);

	if (str_ends(base, ".raw"))
		base = str_head(base, base.n - strlen(".raw"));
	return str_z(a, str_printf(a, "%.*s.manifest.json", STR_FMT(base)));
}

void manifest_signing(const struct boot_signed *boot, const struct keys *keys,
		      struct manifest_signing *ret)
{
	ret->complete = boot->pending.n == 0;
	for (size_t i = 0; i < MANIFEST_SIGNERS; i++) {
		struct str certificate = keys->k[manifest_signers[i]].certificate;

		sha256(certificate.p, certificate.n, ret->certificates[i]);
	}
}

int manifest_measure(struct arena *a, const struct boot_signed *boot, const struct keys *keys,
		     struct manifest_measurements *ret, struct err *e)
{
	struct str lists[ENROL_VARIABLES] = { [ENROL_DBX] = keys->dbx };
	struct manifest_measurements m = { .pcr4_known = boot->pending.n == 0 };
	uint8_t pcr[SHA256_BYTES];
	int r = 0;

	for (enum enrol_variable v = 0; v < ENROL_DBX; v++)
		lists[v] = secure_boot_list(a, keys->trusted, (enum key_role)v);
	if (m.pcr4_known)
		r = measure_pcr4(boot->boot_loader, boot->ukis.p[0].bytes, m.pcr4, e);
	if (r == 0)
		r = measure_pcr7(lists, secure_boot_owner, keys->k[KEY_DB].certificate, m.pcr7, e);
	if (r < 0)
		return r;
	memcpy(pcr, boot->ukis.p[0].pcr11, sizeof(pcr));
	for (size_t i = 0; i < MEASURE_PHASES; i++) {
		measure_phase(pcr, measure_phases[i]);
		memcpy(m.pcr11[i], pcr, sizeof(pcr));
	}
	*ret = m;
	return 0;
}

int manifest_programs(struct manifest *m, struct str boot_loader, struct str uki, struct err *e)
{
	int r = program_digest(boot_loader, m->boot_loader_sha256, e);

	if (r < 0)
		return err_wrap(e, r, "boot loader");
	r = program_digest(uki, m->uki_sha256, e);
	return r < 0 ? err_wrap(e, r, "unified kernel image") : 0;
}

/* Dump: the tables, in their order. */

static void members_put(struct arena *a, struct json *j, const struct member *table,
			const void *base)
{
	for (const struct member *m = table; m->key; m++) {
		const char *at = (const char *)base + m->at;

		if (m->kind == MEMBER_TEXT)
			json_str(j, m->key, *(const struct str *)at);
		else if (m->kind == MEMBER_NUMBER)
			json_u64(j, m->key, *(const uint64_t *)at);
		else if (m->kind == MEMBER_BOOL)
			json_bool(j, m->key, *(const bool *)at);
		else
			json_str(j, m->key, hex_encode(a, at, SHA256_BYTES));
	}
}

static void signing_put(struct arena *a, struct json *j, const struct manifest_signing *s)
{
	json_object(j, "signing");
	json_bool(j, "complete", s->complete);
	for (size_t i = 0; i < MANIFEST_SIGNERS; i++)
		json_str(j, key_role_name(manifest_signers[i]),
			 hex_encode(a, s->certificates[i], SHA256_BYTES));
	json_end_object(j);
}

static void measurements_put(struct arena *a, struct json *j, const struct manifest_measurements *m)
{
	json_object(j, "measurements");
	if (m->pcr4_known)
		json_str(j, "pcr-4", hex_encode(a, m->pcr4, SHA256_BYTES));
	json_str(j, "pcr-7", hex_encode(a, m->pcr7, SHA256_BYTES));
	json_object(j, "pcr-11");
	for (size_t i = 0; i < MEASURE_PHASES; i++)
		json_str(j, measure_phases[i], hex_encode(a, m->pcr11[i], SHA256_BYTES));
	json_end_object(j);
	json_end_object(j);
}

static void lists_put(struct arena *a, struct json *j, const struct manifest *m)
{
	json_array(j, "partitions");
	vec_each(p, &m->partitions) {
		json_object(j, NULL);
		members_put(a, j, manifest_partition_members, p);
		json_end_object(j);
	}
	json_end_array(j);
	json_array(j, "packages");
	vec_each(p, &m->packages) {
		json_object(j, NULL);
		members_put(a, j, manifest_package_members, p);
		json_object(j, "origin");
		members_put(a, j, manifest_origin_members, &p->origin);
		json_end_object(j);
		json_end_object(j);
	}
	json_end_array(j);
}

struct str manifest_dump(struct arena *a, const struct manifest *m)
{
	struct json j = { .b = { .a = a }, .indent = 1 };

	json_object(&j, NULL);
	members_put(a, &j, manifest_members, m);
	signing_put(a, &j, &m->signing);
	measurements_put(a, &j, &m->measurements);
	json_object(&j, "budgets");
	members_put(a, &j, manifest_budget_members, &m->budgets);
	json_end_object(&j);
	lists_put(a, &j, m);
	json_end_object(&j);
	buf_u8(&j.b, '\n');
	return json_text(&j);
}
