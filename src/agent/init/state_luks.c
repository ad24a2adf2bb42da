/* SPDX-License-Identifier: MIT */
#include "agent/init/state_luks.h"

#include "base/json_parse.h"
#include "base/rd.h"

enum {
	SECTOR_BYTES = 512,
	HEADER_SIZE_AT = 8,
	HEADER_BYTES = 16 << 10, /* of both parts of a copy, as systemd-repart makes it */
	JSON_AT = 4096,
	KEY_BYTES = 64,
	KEY_HEX = 2 * KEY_BYTES,
	OFFSET_SECTORS_MAX = 64 << 10, /* of the data: 16 MiB, as systemd-repart makes it, or 32 */
};

#define CIPHER  "aes-xts-plain64"
#define KEYRING ":64:logon:"

static int refuse(struct err *e, const char *what)
{
	return err_set(e, -EPERM,
		       "%s, which this image never makes: somebody may have changed it; remove the "
		       "partition to begin with empty state",
		       what);
}

static bool member_is(const vec_json_value *members, const char *key, const char *want)
{
	const struct json_value *v = json_find(members, key);

	return v && (v->type == JSON_STRING || v->type == JSON_NUMBER) && str_eqz(v->text, want);
}

/* The object that the member @key is. */
static int object_open(struct arena *a, const vec_json_value *members, const char *key,
		       vec_json_value *ret, struct err *e)
{
	struct str text;
	int r = json_member(members, key, JSON_OBJECT, &text, e);

	return r < 0 ? r : json_parse(a, text, ret, e);
}

static int segments_check(struct arena *a, const vec_json_value *header, struct err *e)
{
	vec_json_value segments, segment;
	int r = object_open(a, header, "segments", &segments, e);

	if (r == 0 && segments.n != 1)
		return refuse(e, "its header has more than one segment");
	if (r == 0)
		r = object_open(a, &segments, "0", &segment, e);
	if (r < 0)
		return r;
	if (!member_is(&segment, "type", "crypt") || !member_is(&segment, "encryption", CIPHER) ||
	    !member_is(&segment, "iv_tweak", "0") || !member_is(&segment, "size", "dynamic"))
		return refuse(e, "its header asks for another cipher than " CIPHER
				 ", or not for all of it");
	return 0;
}

static int keyslot_check(struct arena *a, struct str text, struct err *e)
{
	vec_json_value slot, area;
	int r = json_parse(a, text, &slot, e);

	if (r == 0)
		r = object_open(a, &slot, "area", &area, e);
	if (r < 0)
		return r;
	if (!member_is(&slot, "type", "luks2") || !member_is(&slot, "key_size", "64") ||
	    !member_is(&area, "encryption", CIPHER))
		return refuse(e, "a key slot of its header is no AES-XTS one of 512 bits");
	return 0;
}

static int keyslots_check(struct arena *a, const vec_json_value *header, struct err *e)
{
	vec_json_value slots;
	int r = object_open(a, header, "keyslots", &slots, e);

	for (size_t i = 0; r == 0 && i < slots.n; i++)
		r = slots.p[i].type == JSON_OBJECT
			    ? keyslot_check(a, slots.p[i].text, e)
			    : err_set(e, -EBADMSG, "a key slot is no object");
	return r;
}

/* What is to go on, above all a conversion. */
static int requirements_check(struct arena *a, const vec_json_value *header, struct err *e)
{
	vec_json_value config;
	int r = object_open(a, header, "config", &config, e);

	if (r == 0 && json_find(&config, "requirements"))
		r = refuse(e, "its header has requirements, as of a conversion that is to go on");
	return r;
}

int state_luks_check(struct arena *a, struct str head, struct err *e)
{
	struct rd r = { (const uint8_t *)head.p, head.n, HEADER_SIZE_AT, head.n < JSON_AT };
	uint64_t size = rd_be64(&r);
	struct str json = str_from(str_head(head, HEADER_BYTES), JSON_AT);
	vec_json_value header;
	int code;

	if (r.bad || size != HEADER_BYTES || head.n < HEADER_BYTES)
		return refuse(e, "its header has another size");
	json = str_cut(&json, '\0');
	code = json_parse(a, json, &header, e);
	if (code == 0)
		code = requirements_check(a, &header, e);
	if (code == 0)
		code = segments_check(a, &header, e);
	if (code == 0)
		code = keyslots_check(a, &header, e);
	return code == -EBADMSG ? err_wrap(e, code, "LUKS2 header") : code;
}

static bool token_asks_pcr7(struct arena *a, const vec_json_value *token)
{
	const struct json_value *pcrs = json_find(token, "tpm2-pcrs");
	vec_json_value list;
	struct err ignored;

	return pcrs && pcrs->type == JSON_ARRAY &&
	       json_parse(a, pcrs->text, &list, &ignored) == 0 && list.n == 1 &&
	       str_eqz(list.p[0].text, "7");
}

bool state_luks_asks_pcr7(struct arena *a, struct str head)
{
	struct str json = str_from(str_head(head, HEADER_BYTES), JSON_AT);
	vec_json_value header, tokens, token;
	struct err ignored;
	bool any = false;

	if (json_parse(a, str_cut(&json, '\0'), &header, &ignored) < 0 ||
	    object_open(a, &header, "tokens", &tokens, &ignored) < 0)
		return false;
	vec_each(t, &tokens) {
		if (t->type != JSON_OBJECT || json_parse(a, t->text, &token, &ignored) < 0)
			return false;
		if (!member_is(&token, "type", "systemd-tpm2"))
			continue;
		if (!token_asks_pcr7(a, &token))
			return false;
		any = true;
	}
	return any;
}

/* In a keyring, as libcryptsetup gives it, or in the table itself. */
static bool is_key(struct str key)
{
	uint8_t ignored[KEY_BYTES];
	bool is = str_starts(key, KEYRING) ||
		  (key.n == KEY_HEX && hex_decode(key, ignored, sizeof(ignored)));

	explicit_bzero(ignored, sizeof(ignored));
	return is;
}

static bool options_are_harmless(struct str params)
{
	struct str number = str_word(&params), option = str_word(&params);

	if (number.n == 0 || str_eqz(number, "0"))
		return option.n == 0;
	return str_eqz(number, "1") &&
	       (str_eqz(option, "sector_size:4096") || str_eqz(option, "sector_size:512")) &&
	       str_trim(params).n == 0;
}

int state_table_check(const struct state_table *t, struct str devno, uint64_t size_bytes,
		      struct err *e)
{
	struct str params = t->params, cipher = str_word(&params), key = str_word(&params),
		   tweak = str_word(&params), device = str_word(&params);
	uint64_t offset;

	if (t->targets != 1 || t->start_sector != 0 || !str_eqz(t->type, "crypt"))
		return refuse(e, "it opens as something else than one encrypted volume");
	if (!str_eqz(cipher, CIPHER) || !is_key(key) || !str_eqz(tweak, "0"))
		return refuse(e, "it opens with another cipher than " CIPHER " with 512 bits");
	if (!str_u64(str_word(&params), OFFSET_SECTORS_MAX, &offset) || !str_eq(device, devno) ||
	    offset * SECTOR_BYTES >= size_bytes ||
	    t->sectors != size_bytes / SECTOR_BYTES - offset || !options_are_harmless(params))
		return refuse(e, "it opens as a part of the partition, or of another");
	return 0;
}
