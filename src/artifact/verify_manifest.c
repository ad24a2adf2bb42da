/* SPDX-License-Identifier: MIT */
#include "artifact/measure.h"
#include "artifact/verify_checks.h"
#include "base/json_parse.h"
#include "base/uuid.h"
#include "keys/secure_boot.h"

/* Opens the member, an object or an array. */
static int member_open(struct verify_work *w, const vec_json_value *object, const char *key,
		       enum json_type type, vec_json_value *ret, struct err *e)
{
	struct str text = { 0 };
	int r = json_member(object, key, type, &text, e);

	return r < 0 ? r : json_parse(w->a, text, ret, e);
}

static int is(const vec_json_value *object, const char *key, enum json_type type, struct str want,
	      struct err *e)
{
	struct str text = { 0 };
	int r = json_member(object, key, type, &text, e);

	if (r < 0 || str_eq(text, want))
		return r;
	return err_set(e, -EBADMSG, "'%s' is '%.*s'; the image has '%.*s'", key, STR_FMT(text),
		       STR_FMT(want));
}

static int is_text(const vec_json_value *object, const char *key, struct str want, struct err *e)
{
	return is(object, key, JSON_STRING, want, e);
}

static int is_hex(struct verify_work *w, const vec_json_value *object, const char *key,
		  const uint8_t digest[SHA256_BYTES], struct err *e)
{
	return is_text(object, key, hex_encode(w->a, digest, SHA256_BYTES), e);
}

static int is_number(struct verify_work *w, const vec_json_value *object, const char *key,
		     uint64_t want, struct err *e)
{
	return is(object, key, JSON_NUMBER, str_printf(w->a, "%llu", (unsigned long long)want), e);
}

static struct str section(const struct verify_work *w, const char *name)
{
	const struct pe_section *s = pe_section(&w->parts.uki_pe, name);

	return s ? s->data : (struct str){ 0 };
}

static int identity_check(struct verify_work *w, const vec_json_value *m, struct err *e)
{
	const struct json_value *development = json_find(m, "development-keys");
	int r = is_text(m, "version", w->version, e);

	if (r == 0)
		r = is_text(m, "arch", str_c(w->arch), e);
	if (r == 0)
		r = is_text(m, "kernel", section(w, ".uname"), e);
	if (r == 0)
		r = is_hex(w, m, "root-hash", w->parts.root_hash, e);
	if (r == 0)
		r = is_text(m, "command-line", section(w, ".cmdline"), e);
	if (r == 0)
		r = is_text(m, "uki", w->parts.uki->path, e);
	if (r == 0)
		r = is_number(w, m, "root-bytes", w->parts.bytes[PARTITION_ROOT].n, e);
	if (r == 0)
		r = is_number(w, m, "image-bytes", w->in->image.n, e);
	w->report.development = development && development->type == JSON_TRUE;
	return r;
}

static int partition_check(struct verify_work *w, const struct json_value *v,
			   const struct gpt_partition *p, struct err *e)
{
	vec_json_value members;
	int r = json_parse(w->a, v->text, &members, e);

	if (r == 0)
		r = is_text(&members, "label", p->label, e);
	if (r == 0)
		r = is_text(&members, "type", gpt_type_name(w->a, p->type), e);
	if (r == 0)
		r = is_text(&members, "uuid", uuid_text(w->a, p->uuid), e);
	if (r == 0)
		r = is_number(w, &members, "start-bytes", p->start_lba * GPT_SECTOR_BYTES, e);
	if (r == 0)
		r = is_number(w, &members, "size-bytes", p->size_lba * GPT_SECTOR_BYTES, e);
	return r < 0 ? err_wrap(e, r, "partition '%.*s'", STR_FMT(p->label)) : 0;
}

static int partitions_check(struct verify_work *w, const vec_json_value *m, struct err *e)
{
	vec_json_value partitions;
	int r = member_open(w, m, "partitions", JSON_ARRAY, &partitions, e);

	if (r == 0 && partitions.n != w->parts.gpt.n_partitions)
		r = err_set(e, -EBADMSG, "%zu partitions; the image has %zu", partitions.n,
			    w->parts.gpt.n_partitions);
	for (size_t i = 0; r == 0 && i < partitions.n; i++)
		r = partition_check(w, &partitions.p[i], &w->parts.gpt.partitions[i], e);
	return r;
}

static int signing_check(struct verify_work *w, const vec_json_value *m, struct err *e)
{
	static const enum key_role roles[] = { KEY_DB, KEY_VERITY, KEY_IPE, KEY_PCR };
	uint8_t fingerprint[SHA256_BYTES];
	vec_json_value signing;
	int r = member_open(w, m, "signing", JSON_OBJECT, &signing, e);

	if (r == 0)
		r = is(&signing, "complete", JSON_TRUE, STR("true"), e);
	for (size_t i = 0; r == 0 && i < sizeof(roles) / sizeof(*roles); i++) {
		struct str by = w->signed_by[roles[i]];

		sha256(by.p, by.n, fingerprint);
		r = is_hex(w, &signing, key_role_name(roles[i]), fingerprint, e);
	}
	return r < 0 ? err_wrap(e, r, "signing") : 0;
}

static int pcr11_check(struct verify_work *w, const vec_json_value *measurements, struct err *e)
{
	uint8_t pcr[SHA256_BYTES];
	vec_json_value pcr11;
	int r = member_open(w, measurements, "pcr-11", JSON_OBJECT, &pcr11, e);

	measure_pcr11(&w->parts.uki_pe, pcr);
	for (size_t i = 0; r == 0 && i < MEASURE_PHASES; i++) {
		measure_phase(pcr, measure_phases[i]);
		r = is_hex(w, &pcr11, measure_phases[i], pcr, e);
	}
	return r;
}

/* PCR 7 by what the image itself enrols: the keys may have been rotated since. */
static int measurements_check(struct verify_work *w, const vec_json_value *m, struct err *e)
{
	uint8_t pcr4[SHA256_BYTES], pcr7[SHA256_BYTES];
	vec_json_value measurements;
	int r = member_open(w, m, "measurements", JSON_OBJECT, &measurements, e);

	if (r == 0)
		r = measure_pcr4(w->parts.boot_loader->data, w->parts.uki->data, pcr4, e);
	if (r == 0)
		r = is_hex(w, &measurements, "pcr-4", pcr4, e);
	if (r == 0)
		r = measure_pcr7(w->enrolled[KEY_PK], w->enrolled[KEY_KEK], w->enrolled[KEY_DB],
				 secure_boot_owner, w->signed_by[KEY_DB], pcr7, e);
	if (r == 0)
		r = is_hex(w, &measurements, "pcr-7", pcr7, e);
	if (r == 0)
		r = pcr11_check(w, &measurements, e);
	return r < 0 ? err_wrap(e, r, "measurements") : 0;
}

static int number(const vec_json_value *object, const char *key, uint64_t *ret, struct err *e)
{
	struct str text = { 0 };
	int r = json_member(object, key, JSON_NUMBER, &text, e);

	if (r == 0 && !str_u64(text, UINT64_MAX, ret))
		r = err_set(e, -EBADMSG, "'%s' is %.*s", key, STR_FMT(text));
	return r;
}

static int budget_check(const vec_json_value *budgets, const char *key, uint64_t used,
			struct err *e)
{
	uint64_t max;
	int r = number(budgets, key, &max, e);

	if (r < 0 || max == 0 || used <= max)
		return r;
	return err_set(e, -EDQUOT, "'%s' is %llu, but it takes %llu", key, (unsigned long long)max,
		       (unsigned long long)used);
}

static int budgets_check(struct verify_work *w, const vec_json_value *m, struct err *e)
{
	uint64_t files_bytes = 0, stored_bytes = 0;
	vec_json_value budgets, packages;
	int r = member_open(w, m, "budgets", JSON_OBJECT, &budgets, e);

	if (r == 0)
		r = member_open(w, m, "packages", JSON_ARRAY, &packages, e);
	if (r == 0)
		r = number(m, "files-bytes", &files_bytes, e);
	if (r == 0)
		r = number(m, "stored-bytes", &stored_bytes, e);
	if (r == 0)
		r = budget_check(&budgets, "max-packages", packages.n, e);
	if (r == 0)
		r = budget_check(&budgets, "max-files-bytes", files_bytes, e);
	if (r == 0)
		r = budget_check(&budgets, "max-image-bytes", stored_bytes, e);
	return r < 0 ? err_wrap(e, r, "budgets") : 0;
}

int verify_manifest(struct verify_work *w, struct err *e)
{
	vec_json_value m;
	int r = json_parse(w->a, w->in->manifest, &m, e);

	if (r == 0)
		r = identity_check(w, &m, e);
	if (r == 0)
		r = partitions_check(w, &m, e);
	if (r == 0)
		r = signing_check(w, &m, e);
	if (r == 0)
		r = measurements_check(w, &m, e);
	if (r == 0)
		r = budgets_check(w, &m, e);
	return r < 0 ? err_wrap(e, r, "manifest") : 0;
}
