/* SPDX-License-Identifier: MIT */
#include "artifact/manifest_members.h"
#include "base/json_parse.h"

static int number(struct str text, const char *key, uint64_t *ret, struct err *e)
{
	return str_u64(text, UINT64_MAX, ret)
		       ? 0
		       : err_set(e, -EBADMSG, "'%s' is %.*s; want a whole number", key,
				 STR_FMT(text));
}

static int digest(const vec_json_value *object, const char *key, uint8_t ret[SHA256_BYTES],
		  struct err *e)
{
	struct str text = { 0 };
	int r = json_member(object, key, JSON_STRING, &text, e);

	if (r == 0 && !hex_decode(text, ret, SHA256_BYTES))
		r = err_set(e, -EBADMSG, "'%s' is '%.*s'; want a SHA-256 digest", key,
			    STR_FMT(text));
	return r;
}

static int boolean(const vec_json_value *object, const char *key, bool *ret, struct err *e)
{
	const struct json_value *v = json_find(object, key);

	if (!v || (v->type != JSON_TRUE && v->type != JSON_FALSE))
		return err_set(e, -EBADMSG, "no '%s' of its type", key);
	*ret = v->type == JSON_TRUE;
	return 0;
}

static int member_take(const vec_json_value *object, const struct member *m, char *at,
		       struct err *e)
{
	struct str text = { 0 };
	int r;

	if (m->kind == MEMBER_TEXT)
		return json_member(object, m->key, JSON_STRING, (struct str *)at, e);
	if (m->kind == MEMBER_BOOL)
		return boolean(object, m->key, (bool *)at, e);
	if (m->kind == MEMBER_DIGEST)
		return digest(object, m->key, (uint8_t *)at, e);
	r = json_member(object, m->key, JSON_NUMBER, &text, e);
	return r < 0 ? r : number(text, m->key, (uint64_t *)at, e);
}

static int members_take(const vec_json_value *object, const struct member *table, void *base,
			struct err *e)
{
	int r = 0;

	for (const struct member *m = table; r == 0 && m->key; m++)
		r = member_take(object, m, (char *)base + m->at, e);
	return r;
}

static size_t count(const struct member *table)
{
	size_t n = 0;

	while (table[n].key)
		n++;
	return n;
}

/* All that is known has been found, and no two members have one name: more of them are strangers.
 * They are refused, because who changes a manifest would lose them. */
static int no_others(const vec_json_value *object, size_t known, struct err *e)
{
	return object->n == known
		       ? 0
		       : err_set(e, -EBADMSG,
				 "%zu members, want %zu: it is made by another version of ashlar",
				 object->n, known);
}

static int object_open(struct arena *a, const vec_json_value *object, const char *key,
		       enum json_type type, vec_json_value *ret, struct err *e)
{
	struct str text = { 0 };
	int r = json_member(object, key, type, &text, e);

	return r < 0 ? r : json_parse(a, text, ret, e);
}

static int signing_take(struct arena *a, const vec_json_value *m, struct manifest_signing *ret,
			struct err *e)
{
	vec_json_value object;
	int r = object_open(a, m, "signing", JSON_OBJECT, &object, e);

	if (r == 0)
		r = boolean(&object, "complete", &ret->complete, e);
	for (size_t i = 0; r == 0 && i < MANIFEST_SIGNERS; i++)
		r = digest(&object, key_role_name(manifest_signers[i]), ret->certificates[i], e);
	if (r == 0)
		r = no_others(&object, 1 + MANIFEST_SIGNERS, e);
	return r < 0 ? err_wrap(e, r, "signing") : 0;
}

static int measurements_take(struct arena *a, const vec_json_value *m,
			     struct manifest_measurements *ret, struct err *e)
{
	vec_json_value object, pcr11;
	int r = object_open(a, m, "measurements", JSON_OBJECT, &object, e);

	if (r == 0)
		ret->pcr4_known = json_find(&object, "pcr-4") != NULL;
	if (r == 0 && ret->pcr4_known)
		r = digest(&object, "pcr-4", ret->pcr4, e);
	if (r == 0)
		r = digest(&object, "pcr-7", ret->pcr7, e);
	if (r == 0)
		r = object_open(a, &object, "pcr-11", JSON_OBJECT, &pcr11, e);
	for (size_t i = 0; r == 0 && i < MEASURE_PHASES; i++)
		r = digest(&pcr11, measure_phases[i], ret->pcr11[i], e);
	if (r == 0)
		r = no_others(&pcr11, MEASURE_PHASES, e);
	if (r == 0)
		r = no_others(&object, ret->pcr4_known ? 3 : 2, e);
	return r < 0 ? err_wrap(e, r, "measurements") : 0;
}

static int budgets_take(struct arena *a, const vec_json_value *m, struct manifest_budgets *ret,
			struct err *e)
{
	vec_json_value object;
	int r = object_open(a, m, "budgets", JSON_OBJECT, &object, e);

	if (r == 0)
		r = members_take(&object, manifest_budget_members, ret, e);
	if (r == 0)
		r = no_others(&object, count(manifest_budget_members), e);
	return r < 0 ? err_wrap(e, r, "budgets") : 0;
}

static int partitions_take(struct arena *a, const vec_json_value *m, struct manifest *ret,
			   struct err *e)
{
	vec_json_value list, object;
	int r = object_open(a, m, "partitions", JSON_ARRAY, &list, e);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct manifest_partition p = { 0 };

		r = json_parse(a, list.p[i].text, &object, e);
		if (r == 0)
			r = members_take(&object, manifest_partition_members, &p, e);
		if (r == 0)
			r = no_others(&object, count(manifest_partition_members), e);
		if (r == 0)
			vec_push(a, &ret->partitions) = p;
	}
	return r < 0 ? err_wrap(e, r, "partitions") : 0;
}

static int package_take(struct arena *a, struct str text, struct manifest_package *ret,
			struct err *e)
{
	vec_json_value object, origin;
	int r = json_parse(a, text, &object, e);

	if (r == 0)
		r = members_take(&object, manifest_package_members, ret, e);
	if (r == 0)
		r = object_open(a, &object, "origin", JSON_OBJECT, &origin, e);
	if (r == 0)
		r = members_take(&origin, manifest_origin_members, &ret->origin, e);
	if (r == 0)
		r = no_others(&origin, count(manifest_origin_members), e);
	return r < 0 ? r : no_others(&object, count(manifest_package_members) + 1, e);
}

static int packages_take(struct arena *a, const vec_json_value *m, struct manifest *ret,
			 struct err *e)
{
	vec_json_value list;
	int r = object_open(a, m, "packages", JSON_ARRAY, &list, e);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct manifest_package p = { 0 };

		r = package_take(a, list.p[i].text, &p, e);
		if (r == 0)
			vec_push(a, &ret->packages) = p;
	}
	return r < 0 ? err_wrap(e, r, "packages") : 0;
}

/* Said first: by another version, other members are no damage. */
static int version_take(const vec_json_value *object, struct err *e)
{
	struct str text = { 0 };
	int r = json_member(object, "manifest-version", JSON_NUMBER, &text, e);

	if (r == 0 && !str_eq(text, STR("1")))
		r = err_set(e, -ENOTSUP, "manifest-version is %.*s; this ashlar reads %d",
			    STR_FMT(text), MANIFEST_VERSION);
	return r;
}

int manifest_parse(struct arena *a, struct str text, struct manifest *ret, struct err *e)
{
	enum { OBJECTS = 5 /* signing, measurements, budgets, partitions, packages */ };
	struct manifest m = { 0 };
	vec_json_value object;
	int r = json_parse(a, text, &object, e);

	if (r == 0)
		r = version_take(&object, e);
	if (r == 0)
		r = members_take(&object, manifest_members, &m, e);
	if (r == 0)
		r = signing_take(a, &object, &m.signing, e);
	if (r == 0)
		r = measurements_take(a, &object, &m.measurements, e);
	if (r == 0)
		r = budgets_take(a, &object, &m.budgets, e);
	if (r == 0)
		r = partitions_take(a, &object, &m, e);
	if (r == 0)
		r = packages_take(a, &object, &m, e);
	if (r == 0)
		r = no_others(&object, count(manifest_members) + OBJECTS, e);
	if (r == 0)
		*ret = m;
	return r;
}
