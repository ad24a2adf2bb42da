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
	AUTHENTICATED_KEY_BYTES = 96,  /* with 32 of the HMAC */
	OFFSET_SECTORS_MAX = 64 << 10, /* of the data: 16 MiB, as systemd-repart makes it, or 32 */
};

#define CIPHER               "aes-xts-plain64"
#define AUTHENTICATED_CIPHER "capi:authenc(hmac(sha256),xts(aes))-plain64"

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

/* An image that wants none of it would still open it, but for the rest of it: what is expected is
 * one form. */
static int integrity_check(struct arena *a, const vec_json_value *segment,
			   enum state_integrity wanted, struct err *e)
{
	vec_json_value how;
	int r;

	if (!json_find(segment, "integrity"))
		return wanted == STATE_INTEGRITY_NONE
			       ? 0
			       : err_set(e, -EPERM,
					 "its blocks are not authenticated, as this image wants it "
					 "('state-integrity: hmac'): an image without that made "
					 "it, or somebody put it there; save what it holds with "
					 "such an image, then remove the partition");
	if (wanted == STATE_INTEGRITY_NONE)
		return err_set(e, -EPERM,
			       "its blocks are authenticated, which this image knows nothing of; "
			       "want 'state-integrity: hmac' in its definition");
	r = object_open(a, segment, "integrity", &how, e);
	if (r < 0)
		return r;
	if (!member_is(&how, "type", "hmac(sha256)") ||
	    !member_is(&how, "journal_encryption", "none") ||
	    !member_is(&how, "journal_integrity", "none"))
		return refuse(e, "its header asks for another integrity than hmac(sha256)");
	return 0;
}

static int segments_check(struct arena *a, const vec_json_value *header,
			  enum state_integrity integrity, struct err *e)
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
	return integrity_check(a, &segment, integrity, e);
}

static int keyslot_check(struct arena *a, struct str text, enum state_integrity integrity,
			 struct err *e)
{
	const char *bytes = integrity == STATE_INTEGRITY_NONE ? "64" : "96";
	vec_json_value slot, area;
	int r = json_parse(a, text, &slot, e);

	if (r == 0)
		r = object_open(a, &slot, "area", &area, e);
	if (r < 0)
		return r;
	if (!member_is(&slot, "type", "luks2") || !member_is(&slot, "key_size", bytes) ||
	    !member_is(&area, "encryption", CIPHER))
		return refuse(e, "a key slot of its header is no AES-XTS one of 512 bits");
	return 0;
}

static int keyslots_check(struct arena *a, const vec_json_value *header,
			  enum state_integrity integrity, struct err *e)
{
	vec_json_value slots;
	int r = object_open(a, header, "keyslots", &slots, e);

	for (size_t i = 0; r == 0 && i < slots.n; i++)
		r = slots.p[i].type == JSON_OBJECT
			    ? keyslot_check(a, slots.p[i].text, integrity, e)
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

int state_luks_check(struct arena *a, struct str head, enum state_integrity integrity,
		     struct err *e)
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
		code = segments_check(a, &header, integrity, e);
	if (code == 0)
		code = keyslots_check(a, &header, integrity, e);
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
static bool is_key(struct str key, size_t bytes)
{
	const char *keyring = bytes == KEY_BYTES ? ":64:logon:" : ":96:logon:";
	uint8_t ignored[AUTHENTICATED_KEY_BYTES];
	bool is =
		str_starts(key, keyring) || (key.n == 2 * bytes && hex_decode(key, ignored, bytes));

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
	if (!str_eqz(cipher, CIPHER) || !is_key(key, KEY_BYTES) || !str_eqz(tweak, "0"))
		return refuse(e, "it opens with another cipher than " CIPHER " with 512 bits");
	if (!str_u64(str_word(&params), OFFSET_SECTORS_MAX, &offset) || !str_eq(device, devno) ||
	    offset * SECTOR_BYTES >= size_bytes ||
	    t->sectors != size_bytes / SECTOR_BYTES - offset || !options_are_harmless(params))
		return refuse(e, "it opens as a part of the partition, or of another");
	return 0;
}

/* dm-integrity keeps the journal's form in its superblock, where whoever has the disk may change
 * it; none of that decides about what is believed. */
static bool option_is_harmless(struct str option)
{
	static const char *const harmless[] = {
		"block_size:4096",    "journal_sectors:", "interleave_sectors:", "buffer_sectors:",
		"journal_watermark:", "commit_time:",     "fix_padding"
	};

	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (str_starts(option, harmless[i]))
			return true;
	return false;
}

/* J: with its journal, or a power cut would look like an attack. */
static bool is_integrity_below(const struct state_table *below, struct str devno)
{
	struct str params = below->params, device = str_word(&params), offset = str_word(&params),
		   tag = str_word(&params), mode = str_word(&params), number = str_word(&params);
	uint64_t sectors;

	if (below->targets != 1 || below->start_sector != 0 || !str_eqz(below->type, "integrity") ||
	    !str_eq(device, devno) || !str_u64(offset, OFFSET_SECTORS_MAX, &sectors) ||
	    !str_eqz(tag, "32") || !str_eqz(mode, "J") || number.n == 0)
		return false;
	for (struct str option = str_word(&params); option.n > 0; option = str_word(&params))
		if (!option_is_harmless(option))
			return false;
	return true;
}

int state_tables_check(const struct state_table *t, const struct state_table *below,
		       struct str devno, struct err *e)
{
	struct str params = t->params, cipher = str_word(&params), key = str_word(&params),
		   tweak = str_word(&params), device = str_word(&params),
		   offset = str_word(&params);

	if (t->targets != 1 || t->start_sector != 0 || !str_eqz(t->type, "crypt"))
		return refuse(e, "it opens as something else than one encrypted volume");
	if (!str_eqz(cipher, AUTHENTICATED_CIPHER) || !is_key(key, AUTHENTICATED_KEY_BYTES) ||
	    !str_eqz(tweak, "0") ||
	    !str_eqz(str_trim(params), "2 integrity:32:aead sector_size:4096"))
		return refuse(e, "it opens with another cipher than AES-XTS with HMAC-SHA-256");
	if (!str_eq(device, below->devno) || !str_eqz(offset, "0") ||
	    t->sectors != below->sectors || !is_integrity_below(below, devno))
		return refuse(e, "it opens without dm-integrity over all of the partition");
	return 0;
}
