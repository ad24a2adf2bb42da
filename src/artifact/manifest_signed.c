/* SPDX-License-Identifier: MIT */
#include "artifact/manifest.h"
#include "base/json_parse.h"
#include "keys/secure_boot.h"

int manifest_measurements(struct arena *a, struct json *j, const struct boot_signed *boot,
			  const struct keys *keys, struct err *e)
{
	struct str pk = secure_boot_list(a, keys->trusted, KEY_PK),
		   kek = secure_boot_list(a, keys->trusted, KEY_KEK),
		   db = secure_boot_list(a, keys->trusted, KEY_DB);
	uint8_t pcr[SHA256_BYTES];
	int r = 0;

	if (boot->pending.n == 0)
		r = measure_pcr4(boot->boot_loader, boot->uki, pcr, e);
	if (r < 0)
		return r;
	json_object(j, "measurements");
	if (boot->pending.n == 0)
		json_str(j, "pcr-4", hex_encode(a, pcr, sizeof(pcr)));
	r = measure_pcr7(pk, kek, db, secure_boot_owner, keys->k[KEY_DB].certificate, pcr, e);
	if (r < 0)
		return r;
	json_str(j, "pcr-7", hex_encode(a, pcr, sizeof(pcr)));
	json_object(j, "pcr-11");
	memcpy(pcr, boot->pcr11, sizeof(pcr));
	for (size_t i = 0; i < MEASURE_PHASES; i++) {
		measure_phase(pcr, measure_phases[i]);
		json_str(j, measure_phases[i], hex_encode(a, pcr, sizeof(pcr)));
	}
	json_end_object(j);
	json_end_object(j);
	return 0;
}

/* @text with @by in the place of @part, which lies in it. */
static struct str splice(struct arena *a, struct str text, struct str part, struct str by)
{
	size_t start = (size_t)(part.p - text.p);

	return str_printf(a, "%.*s%.*s%.*s", STR_FMT(str_head(text, start)), STR_FMT(by),
			  STR_FMT(str_from(text, start + part.n)));
}

static int object_find(struct arena *a, struct str text, const char *key, struct str *ret,
		       struct err *e)
{
	const struct json_value *found;
	vec_json_value members;
	int r = json_parse(a, text, &members, e);

	if (r < 0)
		return r;
	found = json_find(&members, key);
	if (!found)
		return err_set(e, -EBADMSG, "it says nothing of '%s'", key);
	*ret = found->text;
	return 0;
}

/* The value of "measurements", at the depth at which it stands. */
static int measurements(struct arena *a, const struct boot_signed *boot, const struct keys *keys,
			struct str *ret, struct err *e)
{
	struct json j = { .b = { .a = a }, .indent = 1, .depth = 1 };
	int r = manifest_measurements(a, &j, boot, keys, e);
	struct str member;

	if (r < 0)
		return r;
	member = json_text(&j);
	*ret = str_from(member, (size_t)str_find(member, '{'));
	return 0;
}

int manifest_signed(struct arena *a, struct str text, const struct boot_signed *boot,
		    const struct keys *keys, int64_t grown_bytes, struct str *ret, struct err *e)
{
	struct str old, new, signing, complete, stored;
	uint64_t stored_bytes;
	int r = object_find(a, text, "signing", &signing, e);

	if (r == 0)
		r = object_find(a, signing, "complete", &complete, e);
	if (r < 0)
		return r;
	text = splice(a, text, complete, boot->pending.n == 0 ? STR("true") : STR("false"));
	r = object_find(a, text, "stored-bytes", &stored, e);
	if (r < 0)
		return r;
	if (!str_u64(stored, INT64_MAX / 2, &stored_bytes))
		return err_set(e, -EBADMSG, "stored-bytes is %.*s", STR_FMT(stored));
	stored_bytes += (uint64_t)grown_bytes;
	text = splice(a, text, stored, str_printf(a, "%llu", (unsigned long long)stored_bytes));
	r = object_find(a, text, "measurements", &old, e);
	if (r == 0)
		r = measurements(a, boot, keys, &new, e);
	if (r < 0)
		return r;
	*ret = splice(a, text, old, new);
	return 0;
}
