/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include "agent/common/run.h"
#include "agent/init/state_block.h"
#include "agent/init/state_luks.h"
#include "agent/init/state_plan.h"
#include "agent/init/tpm.h"

#define NO_TPM "the machine has no TPM 2.0"

static void test_kind(void **state)
{
	char head[STATE_HEAD_BYTES] = { 0 };
	struct str text = { head, sizeof(head) };

	(void)state;
	assert_int_equal(state_kind(text), STATE_FOREIGN);
	assert_int_equal(state_kind(str_head(text, 0)), STATE_FOREIGN);
	memcpy(head + 1080, "\x53\xef", 2);
	assert_int_equal(state_kind(text), STATE_PLAIN);
	assert_int_equal(state_kind(str_head(text, 1081)), STATE_FOREIGN);
	memcpy(head, "LUKS\xba\xbe\0\1", 8);
	assert_int_equal(state_kind(str_head(text, 1024)), STATE_FOREIGN);
	head[7] = 2;
	assert_int_equal(state_kind(text), STATE_LUKS);
	assert_int_equal(state_kind(str_head(text, 8)), STATE_LUKS);
	memcpy(head + 5000, "{\"type\":\"systemd-tpm2\",", 22);
	assert_int_equal(state_kind(text), STATE_LUKS_TPM);
	memcpy(head + 5000, "{\"type\":\"systemd-recovery\",", 26);
	assert_int_equal(state_kind(text), STATE_LUKS_TPM);
}

/* Each row: what the definition says, what the machine has, what is on the disk. */
static const struct plan_row {
	unsigned without_tpm;
	const char *no_tpm;
	enum state_kind kind;
	int action; /* or a refusal, which says: */
	const char *text;
} rows[] = {
	{ WITHOUT_TPM_REFUSE, NULL, STATE_ABSENT, STATE_CREATE_TPM, NULL },
	{ WITHOUT_TPM_PLAIN, NULL, STATE_ABSENT, STATE_CREATE_TPM, NULL },
	{ WITHOUT_TPM_REFUSE, NO_TPM, STATE_ABSENT, -1,
	  "encrypts its state to a TPM 2.0, but " NO_TPM "; other ways" },
	{ WITHOUT_TPM_PASSPHRASE, NO_TPM, STATE_ABSENT, STATE_CREATE_PASSPHRASE, NULL },
	{ WITHOUT_TPM_PLAIN, NO_TPM, STATE_ABSENT, STATE_CREATE_PLAIN, NULL },
	{ WITHOUT_TPM_REFUSE, NULL, STATE_LUKS_TPM, STATE_OPEN_TPM, NULL },
	{ WITHOUT_TPM_REFUSE, NO_TPM, STATE_LUKS_TPM, STATE_OPEN_RECOVERY, NULL },
	{ WITHOUT_TPM_PLAIN, NO_TPM, STATE_LUKS_TPM, STATE_OPEN_RECOVERY, NULL },
	{ WITHOUT_TPM_PASSPHRASE, NO_TPM, STATE_LUKS, STATE_OPEN_PASSPHRASE, NULL },
	{ WITHOUT_TPM_PASSPHRASE, NULL, STATE_LUKS, STATE_OPEN_PASSPHRASE, NULL },
	{ WITHOUT_TPM_REFUSE, NULL, STATE_LUKS, -1,
	  "the state on vda5 is encrypted, but to no TPM" },
	{ WITHOUT_TPM_PLAIN, NO_TPM, STATE_LUKS, -1, "encrypted, but to no TPM" },
	{ WITHOUT_TPM_PLAIN, NO_TPM, STATE_PLAIN, STATE_OPEN_PLAIN, NULL },
	{ WITHOUT_TPM_PLAIN, NULL, STATE_PLAIN, -1, "the state on vda5 is not encrypted" },
	{ WITHOUT_TPM_PASSPHRASE, NO_TPM, STATE_PLAIN, -1, "the state on vda5 is not encrypted" },
	{ WITHOUT_TPM_REFUSE, NO_TPM, STATE_PLAIN, -1, NO_TPM },
	{ WITHOUT_TPM_REFUSE, NULL, STATE_FOREIGN, -1, "vda5 is for state, but holds neither" },
	{ WITHOUT_TPM_PLAIN, NO_TPM, STATE_FOREIGN, -1, "holds neither LUKS2 nor ext4" },
};

static void test_plan(void **state)
{
	enum state_action action;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct state_facts f = { STATE_TPM, rows[i].without_tpm, rows[i].no_tpm,
					 rows[i].kind, STR("vda5") };

		if (rows[i].action < 0) {
			assert_err(state_plan(&f, &action, &e), &e, rows[i].text);
		} else {
			assert_ok(state_plan(&f, &action, &e), &e);
			assert_int_equal(action, rows[i].action);
		}
		f.state = STATE_MEMORY;
		assert_ok(state_plan(&f, &action, &e), &e);
		assert_int_equal(action, STATE_USE_MEMORY);
	}
}

/* What the TPM remembers, what opened the volume, what lies in it; the generations are of volume
 * and TPM. */
static const struct found_row {
	enum anchor_policy anchor;
	bool being_made, by_tpm, has_recovery_key, has_block, matches;
	uint64_t block, tpm;
	enum state_verdict want;
	bool rolled_back, writing;
} found[] = {
	/* its own */
	{ ANCHOR_NOW, 0, 1, 1, 1, 1, 5, 5, STATE_OWN, false, false },
	{ ANCHOR_NOW, 0, 1, 0, 1, 1, 0, 0, STATE_OWN, false, false },
	{ ANCHOR_NOW, 0, 0, 1, 1, 1, 5, 5, STATE_OWN_BIND, false, false },
	{ ANCHOR_LATE, 0, 1, 1, 1, 1, 5, 5, STATE_OWN_BIND, false, false },
	{ ANCHOR_LATE, 0, 0, 1, 1, 1, 5, 5, STATE_OWN_BIND, false, false },
	{ ANCHOR_RETIRED, 0, 1, 1, 1, 1, 5, 5, STATE_OWN_BIND, false, false },
	{ ANCHOR_RETIRED, 0, 0, 1, 1, 1, 5, 5, STATE_OWN_BIND, false, false },
	/* a power cut between the two, one that was run ahead, and an old copy */
	{ ANCHOR_NOW, 0, 1, 1, 1, 1, 4, 5, STATE_OWN, false, true },
	{ ANCHOR_NOW, 0, 1, 1, 1, 1, 5, 5, STATE_OWN, false, true },
	{ ANCHOR_NOW, 0, 1, 1, 1, 1, 3, 5, STATE_OWN, true, true },
	{ ANCHOR_NOW, 0, 1, 1, 1, 1, 6, 5, STATE_OWN, true, true },
	{ ANCHOR_NOW, 0, 1, 1, 1, 1, 6, 5, STATE_OWN, true, false },
	{ ANCHOR_NOW, 0, 1, 1, 1, 1, 4, 5, STATE_OWN, true, false },
	{ ANCHOR_LATE, 0, 1, 1, 1, 1, 4, 5, STATE_OWN_BIND, true, false },
	{ ANCHOR_NOW, 0, 0, 1, 1, 1, 4, 5, STATE_OWN_BIND, true, false },
	/* somebody else's: by his own key, or sealed to this TPM */
	{ ANCHOR_NOW, 0, 1, 1, 1, 0, 9, 5, STATE_REFUSE, false, false },
	{ ANCHOR_NOW, 0, 1, 1, 0, 0, 0, 5, STATE_REFUSE, false, false },
	{ ANCHOR_NOW, 0, 1, 0, 0, 0, 0, 5, STATE_REFUSE, false, false },
	{ ANCHOR_NOW, 0, 0, 1, 1, 0, 9, 5, STATE_REFUSE, false, false },
	{ ANCHOR_NOW, 0, 0, 1, 0, 0, 0, 5, STATE_REFUSE, false, false },
	{ ANCHOR_LATE, 0, 1, 1, 1, 0, 9, 5, STATE_REFUSE, false, false },
	{ ANCHOR_LATE, 0, 0, 1, 1, 0, 9, 5, STATE_REFUSE, false, false },
	{ ANCHOR_RETIRED, 0, 1, 1, 1, 0, 9, 5, STATE_REFUSE, false, false },
	{ ANCHOR_RETIRED, 0, 0, 1, 1, 0, 9, 5, STATE_REFUSE, false, false },
	/* an index that somebody else may have written */
	{ ANCHOR_FOREIGN, 0, 1, 1, 1, 1, 5, 5, STATE_ASK, false, false },
	{ ANCHOR_FOREIGN, 0, 0, 1, 1, 1, 5, 5, STATE_ADOPT, false, false },
	{ ANCHOR_FOREIGN, 0, 1, 1, 1, 0, 5, 5, STATE_REFUSE, false, false },
	{ ANCHOR_FOREIGN, 0, 0, 1, 1, 0, 5, 5, STATE_REFUSE, false, false },
	/* a TPM that was cleared, another machine's disk, an earlier image's state */
	{ ANCHOR_ABSENT, 0, 1, 1, 1, 0, 5, 0, STATE_ASK, false, false },
	{ ANCHOR_ABSENT, 0, 1, 1, 0, 0, 0, 0, STATE_ASK, false, false },
	{ ANCHOR_ABSENT, 0, 0, 1, 1, 0, 5, 0, STATE_ADOPT, false, false },
	{ ANCHOR_ABSENT, 0, 0, 1, 0, 0, 0, 0, STATE_ADOPT, false, false },
	/* a first boot that was cut: before the secret, and behind it; also one that replaced a
	 * state that is gone */
	{ ANCHOR_ABSENT, 1, 1, 0, 0, 0, 0, 0, STATE_REMAKE, false, false },
	{ ANCHOR_ABSENT, 1, 1, 0, 1, 0, 0, 0, STATE_REMAKE, false, false },
	{ ANCHOR_NOW, 1, 1, 0, 1, 0, 0, 5, STATE_REMAKE, false, false },
	{ ANCHOR_FOREIGN, 1, 1, 0, 0, 0, 0, 0, STATE_REMAKE, false, false },
	/* nothing that was used is made again: not a moved disk, not an earlier image's state, not
	 * one that was being adopted or bound again when the power was cut */
	{ ANCHOR_ABSENT, 1, 0, 0, 0, 0, 0, 0, STATE_ADOPT, false, false },
	{ ANCHOR_ABSENT, 1, 1, 1, 0, 0, 0, 0, STATE_ASK, false, false },
	{ ANCHOR_ABSENT, 1, 1, 0, 1, 0, 1, 0, STATE_ASK, false, false },
	{ ANCHOR_LATE, 1, 1, 0, 1, 1, 5, 5, STATE_OWN_BIND, false, false },
	{ ANCHOR_NOW, 1, 1, 0, 1, 1, 0, 0, STATE_OWN, false, false },
	{ ANCHOR_NOW, 1, 1, 0, 1, 0, 5, 5, STATE_REFUSE, false, false },
	{ ANCHOR_NOW, 1, 0, 0, 0, 0, 0, 5, STATE_REFUSE, false, false },
};

static void test_recognise(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++) {
		const struct found_row *w = &found[i];
		const struct state_found f = {
			.anchor = w->anchor,
			.being_made = w->being_made,
			.by_tpm = w->by_tpm,
			.has_recovery_key = w->has_recovery_key,
			.has_block = w->has_block,
			.matches = w->matches,
			.block_generation = w->block,
			.anchor_generation = w->tpm,
			.writing = w->writing,
		};

		if (state_recognise(&f) != w->want || state_is_rolled_back(&f) != w->rolled_back)
			fail_msg("row %zu: %d, %d", i, state_recognise(&f),
				 state_is_rolled_back(&f));
	}
}

/* Whatever is not recognised by its secret is taken only for a recovery key, and never where the
 * TPM remembers another one. */
static void test_recognise_all(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5u << 5; i++) {
		const struct state_found f = {
			.anchor = i >> 5,
			.being_made = i & 1,
			.by_tpm = i & 2,
			.has_recovery_key = i & 4,
			.has_block = i & 8 || i & 16,
			.matches = i >> 5 != ANCHOR_ABSENT && i & 16,
			.block_generation = 3,
		};
		enum state_verdict v = state_recognise(&f);
		bool takes = v == STATE_OWN || v == STATE_OWN_BIND || v == STATE_ADOPT;

		if (takes && !f.matches && (f.by_tpm || f.anchor != ANCHOR_ABSENT))
			fail_msg("%u is taken", i);
		if (takes && f.by_tpm && f.anchor == ANCHOR_FOREIGN)
			fail_msg("%u: a foreign index speaks for it", i);
		if (v == STATE_REMAKE && (f.matches || f.has_recovery_key || !f.by_tpm))
			fail_msg("%u is made again", i);
	}
}

static void test_block(void **state)
{
	const struct state_block b = { .generation = 0x0102030405060708, .secret = { 7, 8, 9 } };
	uint8_t bytes[STATE_BLOCK_BYTES];
	struct str text = { (const char *)bytes, sizeof(bytes) };
	_cleanup_arena_ struct arena a = { 0 };
	struct state_block got, other;
	struct err e = { 0 };
	const char *path = path_join(&a, test_dir(&a), "volume");

	(void)state;
	state_block_format(&b, bytes);
	assert_true(state_block_parse(text, &got));
	assert_memory_equal(&got, &b, sizeof(b));
	assert_false(state_block_parse(str_head(text, 63), &got));
	bytes[16] = 2;
	assert_false(state_block_parse(text, &got));
	assert_ok(file_write(path, 0600, bytes, sizeof(bytes), &e), &e);
	assert_int_equal(state_block_read(path, &got, &e), 0);
	assert_ok(state_block_new(&other, &e), &e);
	assert_ok(state_block_write(path, &other, &e), &e);
	assert_int_equal(state_block_read(path, &got, &e), 1);
	assert_memory_equal(&got, &other, sizeof(got));
	assert_ok(state_block_new(&got, &e), &e);
	assert_memory_not_equal(&got, &other, sizeof(got));
}

/* As cryptsetup writes it, and as an attacker changes it. */
#define SLOT(key_size, cipher)                       \
	"{\"type\":\"luks2\",\"key_size\":" key_size \
	",\"area\":{\"type\":\"raw\",\"encryption\":\"" cipher "\",\"key_size\":64}}"
#define SEGMENT(type, cipher, tweak, size)                                \
	"{\"type\":\"" type "\",\"offset\":\"16777216\",\"size\":\"" size \
	"\",\"iv_tweak\":\"" tweak "\",\"encryption\":\"" cipher "\",\"sector_size\":4096}"
#define XTS    "aes-xts-plain64"
#define NORMAL SEGMENT("crypt", XTS, "0", "dynamic")
#define HEADER(slot, segments, config)                                         \
	"{\"keyslots\":{\"0\":" slot "},\"tokens\":{},\"segments\":{" segments \
	"},\"digests\":{},\"config\":{" config "}}"
#define CONFIG "\"json_size\":\"12288\""

static const struct {
	const char *json, *text; /* NULL: it is one of ours */
} headers[] = {
	{ HEADER(SLOT("64", XTS), "\"0\":" NORMAL, CONFIG), NULL },
	{ HEADER(SLOT("64", "cipher_null-ecb"), "\"0\":" NORMAL, CONFIG), "a key slot" },
	{ HEADER(SLOT("32", XTS), "\"0\":" NORMAL, CONFIG), "a key slot" },
	{ HEADER(SLOT("64", XTS), "\"0\":" SEGMENT("crypt", "cipher_null-ecb", "0", "dynamic"),
		 CONFIG),
	  "another cipher" },
	{ HEADER(SLOT("64", XTS), "\"0\":" SEGMENT("linear", XTS, "0", "dynamic"), CONFIG),
	  "another cipher" },
	{ HEADER(SLOT("64", XTS), "\"0\":" SEGMENT("crypt", XTS, "8", "dynamic"), CONFIG),
	  "not for all of it" },
	{ HEADER(SLOT("64", XTS), "\"0\":" SEGMENT("crypt", XTS, "0", "4096"), CONFIG),
	  "not for all of it" },
	{ HEADER(SLOT("64", XTS), "\"0\":" NORMAL ",\"1\":" NORMAL, CONFIG),
	  "more than one segment" },
	{ HEADER(SLOT("64", XTS), "\"0\":" NORMAL,
		 CONFIG ",\"requirements\":{\"mandatory\":[\"online-reencrypt-v2\"]}"),
	  "has requirements" },
	{ HEADER("3", "\"0\":" NORMAL, CONFIG), "LUKS2 header: a key slot is no object" },
	{ "{}", "LUKS2 header: " },
	{ "", "LUKS2 header: " },
};

static void test_luks(void **state)
{
	char head[STATE_HEAD_BYTES] = "LUKS\xba\xbe\0\2\0\0\0\0\0\0\x40";
	struct str text = { head, sizeof(head) };
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		memset(head + 4096, 0, sizeof(head) - 4096);
		memcpy(head + 4096, headers[i].json, strlen(headers[i].json));
		if (headers[i].text)
			assert_err(state_luks_check(&a, text, STATE_INTEGRITY_NONE, &e), &e,
				   headers[i].text);
		else
			assert_ok(state_luks_check(&a, text, STATE_INTEGRITY_NONE, &e), &e);
	}
	assert_err(state_luks_check(&a, str_head(text, 8192), STATE_INTEGRITY_NONE, &e), &e,
		   "another size");
	head[14] = (char)0x80;
	assert_err(state_luks_check(&a, text, STATE_INTEGRITY_NONE, &e), &e,
		   "its header has another size");
}

static void test_pcr7(void **state)
{
#define TOKEN(pcrs) "\"0\":{\"type\":\"systemd-tpm2\",\"tpm2-pcrs\":" pcrs "}"
#define RECOVERY    ",\"1\":{\"type\":\"systemd-recovery\"}"
	static const struct {
		const char *json;
		bool asks;
	} tokens[] = {
		{ TOKEN("[7]"), true },
		{ TOKEN("[ 7 ]") RECOVERY, true },
		{ TOKEN("[]") RECOVERY, false },
		{ TOKEN("[7,11]"), false },
		{ TOKEN("[4]"), false },
		{ TOKEN("7"), false },
		{ TOKEN("[7]") ",\"2\":{\"type\":\"systemd-tpm2\",\"tpm2-pcrs\":[]}", false },
		{ "\"1\":{\"type\":\"systemd-recovery\"}", false },
		{ "\"0\":3", false },
	};
	_cleanup_arena_ struct arena a = { 0 };
	char *head = arena_alloc(&a, STATE_HEAD_BYTES);

	(void)state;
	for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
		memset(head, 0, STATE_HEAD_BYTES);
		snprintf(head + 4096, 8192, "{\"tokens\":{%s}}", tokens[i].json);
		if (state_luks_asks_pcr7(&a, (struct str){ head, STATE_HEAD_BYTES }) !=
		    tokens[i].asks)
			fail_msg("%s", tokens[i].json);
	}
	assert_false(state_luks_asks_pcr7(&a, (struct str){ head, 100 }));
}

#define TABLE XTS " :64:logon:cryptsetup:b0-d0 0 253:5 32768"

static const struct {
	uint32_t targets;
	uint64_t start, sectors;
	const char *type, *params, *text;
} tables[] = {
	{ 1, 0, 967232, "crypt", TABLE, NULL },
	{ 1, 0, 967232, "crypt", TABLE " 1 sector_size:4096", NULL },
	{ 2, 0, 967232, "crypt", TABLE, "something else than one" },
	{ 1, 8, 967232, "crypt", TABLE, "something else than one" },
	{ 1, 0, 967232, "linear", "253:5 32768", "something else than one" },
	{ 1, 0, 967231, "crypt", TABLE, "a part of the partition" },
	{ 1, 0, 967232, "crypt", TABLE " 1 allow_discards", "a part of the partition" },
	{ 1, 0, 967232, "crypt", TABLE " 2 sector_size:4096 allow_discards", "a part" },
	{ 1, 0, 967232, "crypt", TABLE " 1 integrity:32:aead", "a part of the partition" },
	{ 1, 0, 967232, "crypt", XTS " :64:logon:k 0 253:4 32768", "or of another" },
	{ 1, 0, 967232, "crypt", XTS " :64:logon:k 8 253:5 32768", "another cipher" },
	{ 1, 0, 967232, "crypt", XTS " :32:logon:k 0 253:5 32768", "another cipher" },
	{ 1, 0, 967232, "crypt", XTS " - 0 253:5 32768", "another cipher" },
	{ 1, 0, 967232, "crypt", "cipher_null-ecb - 0 253:5 32768", "another cipher" },
	{ 1, 0, 967232, "crypt", XTS " :64:logon:k 0 253:5 99999999", "a part of" },
	{ 1, 0, 967232, "crypt", "", "another cipher" },
};

static void test_table(void **state)
{
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		const struct state_table t = { tables[i].targets,       tables[i].start,
					       tables[i].sectors,       str_c(tables[i].type),
					       str_c(tables[i].params), STR("254:0") };
		int r = state_table_check(&t, STR("253:5"), 512000000, &e);

		if (!tables[i].text != (r == 0) ||
		    (tables[i].text && !strstr(e.msg, tables[i].text)))
			fail_msg("row %zu: %d %s", i, r, e.msg);
	}
}

#define HMAC(type, encryption, mac)                                                            \
	"{\"type\":\"crypt\",\"offset\":\"16777216\",\"size\":\"dynamic\",\"iv_tweak\":\"0\"," \
	"\"encryption\":\"" XTS "\",\"sector_size\":4096,\"integrity\":{\"type\":\"" type      \
	"\",\"journal_encryption\":\"" encryption "\",\"journal_integrity\":\"" mac "\"}}"
#define AUTHENTICATED HMAC("hmac(sha256)", "none", "none")

static const struct {
	enum state_integrity integrity;
	const char *json, *text;
} integrity_headers[] = {
	{ STATE_INTEGRITY_HMAC, HEADER(SLOT("96", XTS), "\"0\":" AUTHENTICATED, CONFIG), NULL },
	{ STATE_INTEGRITY_NONE, HEADER(SLOT("96", XTS), "\"0\":" AUTHENTICATED, CONFIG),
	  "its blocks are authenticated, which this image knows nothing of; want "
	  "'state-integrity: hmac'" },
	{ STATE_INTEGRITY_HMAC, HEADER(SLOT("64", XTS), "\"0\":" NORMAL, CONFIG),
	  "its blocks are not authenticated, as this image wants it" },
	{ STATE_INTEGRITY_HMAC, HEADER(SLOT("64", XTS), "\"0\":" AUTHENTICATED, CONFIG),
	  "a key slot" },
	{ STATE_INTEGRITY_HMAC,
	  HEADER(SLOT("96", XTS), "\"0\":" HMAC("crc32c", "none", "none"), CONFIG),
	  "another integrity than hmac(sha256)" },
	{ STATE_INTEGRITY_HMAC,
	  HEADER(SLOT("96", XTS), "\"0\":" HMAC("hmac(sha256)", "ctr(aes)", "none"), CONFIG),
	  "another integrity" },
	{ STATE_INTEGRITY_HMAC,
	  HEADER(SLOT("96", XTS), "\"0\":" HMAC("hmac(sha256)", "none", "crc32"), CONFIG),
	  "another integrity" },
};

static void test_integrity_luks(void **state)
{
	char head[STATE_HEAD_BYTES] = "LUKS\xba\xbe\0\2\0\0\0\0\0\0\x40";
	struct str text = { head, sizeof(head) };
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(integrity_headers) / sizeof(*integrity_headers); i++) {
		enum state_integrity wanted = integrity_headers[i].integrity;

		memset(head + 4096, 0, sizeof(head) - 4096);
		memcpy(head + 4096, integrity_headers[i].json, strlen(integrity_headers[i].json));
		if (integrity_headers[i].text)
			assert_err(state_luks_check(&a, text, wanted, &e), &e,
				   integrity_headers[i].text);
		else
			assert_ok(state_luks_check(&a, text, wanted, &e), &e);
	}
}

#define AEAD       "capi:authenc(hmac(sha256),xts(aes))-plain64"
#define AEAD_TABLE AEAD " :96:logon:k 0 254:1 0 2 integrity:32:aead sector_size:4096"
#define BELOW                                                                                \
	"253:5 32768 32 J 7 block_size:4096 journal_sectors:20592 interleave_sectors:32768 " \
	"buffer_sectors:128 journal_watermark:50 commit_time:10000 fix_padding"

static const struct {
	const char *params, *below_type, *below, *text;
} pairs[] = {
	{ AEAD_TABLE, "integrity", BELOW, NULL },
	{ TABLE, "integrity", BELOW, "another cipher than AES-XTS with HMAC" },
	{ XTS " :64:logon:k 0 254:1 0 1 sector_size:4096", "integrity", BELOW, "another cipher" },
	{ AEAD " :64:logon:k 0 254:1 0 2 integrity:32:aead sector_size:4096", "integrity", BELOW,
	  "another cipher" },
	{ AEAD " :96:logon:k 0 254:1 0 2 integrity:0:none sector_size:4096", "integrity", BELOW,
	  "another cipher" },
	{ AEAD_TABLE " allow_discards", "integrity", BELOW, "another cipher" },
	{ "capi:authenc(hmac(sha256),ecb(cipher_null))-plain64 :96:logon:k 0 254:1 0 2 "
	  "integrity:32:aead sector_size:4096",
	  "integrity", BELOW, "another cipher" },
	{ AEAD " :96:logon:k 0 254:7 0 2 integrity:32:aead sector_size:4096", "integrity", BELOW,
	  "without dm-integrity over all" },
	{ AEAD " :96:logon:k 0 254:1 8 2 integrity:32:aead sector_size:4096", "integrity", BELOW,
	  "without dm-integrity" },
	{ AEAD_TABLE, "linear", "253:5 32768", "without dm-integrity" },
	{ AEAD_TABLE, "integrity", "253:4 32768 32 J 0", "without dm-integrity" },
	{ AEAD_TABLE, "integrity", "253:5 32768 32 D 1 block_size:4096", "without dm-integrity" },
	{ AEAD_TABLE, "integrity", "253:5 32768 16 J 1 block_size:4096", "without dm-integrity" },
	{ AEAD_TABLE, "integrity", BELOW " internal_hash:crc32c", "without dm-integrity" },
	{ AEAD_TABLE, "integrity", BELOW " meta_device:253:9", "without dm-integrity" },
	{ AEAD_TABLE, "integrity", BELOW " recalculate", "without dm-integrity" },
	{ AEAD_TABLE, "integrity", "", "without dm-integrity" },
	{ "", "integrity", BELOW, "another cipher" },
};

static void test_integrity_tables(void **state)
{
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		const struct state_table t = { .targets = 1,
					       .sectors = 2588672,
					       .type = STR("crypt"),
					       .params = str_c(pairs[i].params) };
		struct state_table below = { .targets = 1,
					     .sectors = 2588672,
					     .type = str_c(pairs[i].below_type),
					     .params = str_c(pairs[i].below),
					     .devno = STR("254:1") };
		int r = state_tables_check(&t, &below, STR("253:5"), &e);

		if (!pairs[i].text != (r == 0) || (pairs[i].text && !strstr(e.msg, pairs[i].text)))
			fail_msg("row %zu: %d %s", i, r, e.msg);
		below.sectors--;
		assert_true(state_tables_check(&t, &below, STR("253:5"), &e) < 0);
	}
}

/* Only what was cut before the TPM could open it, and only of a machine whose TPM says so. */
static void test_unfinished(void **state)
{
	(void)state;
	for (int kind = STATE_ABSENT; kind <= STATE_FOREIGN; kind++) {
		assert_int_equal(state_is_unfinished(kind, STATE_INTEGRITY_HMAC, true),
				 kind == STATE_LUKS || kind == STATE_FOREIGN);
		assert_false(state_is_unfinished(kind, STATE_INTEGRITY_HMAC, false));
		assert_false(state_is_unfinished(kind, STATE_INTEGRITY_NONE, true));
	}
}

static void test_recovery_key(void **state)
{
#define GROUPS "cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv"
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	assert_str(state_recovery_key(&a, STR(GROUPS)), GROUPS);
	assert_str(state_recovery_key(&a, STR("CBDEFGHIJKLNRTUVcbdefghijklnrtuv cbde fghi jklnrtuv-"
					      "cbdefghi-jklnrtuv")),
		   GROUPS);
	assert_str(state_recovery_key(&a, STR("a passphrase")), "a passphrase");
	assert_str(state_recovery_key(&a, STR("Cbdefghi-")), "Cbdefghi-");
	assert_str(state_recovery_key(&a, STR("")), "");
}

static void test_tpm(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *root = test_dir(&a);
	struct err e = { 0 };
	struct tpm tpm = { 0 };
	static const struct {
		const char *dir, *file, *text, *why;
	} steps[] = {
		{ "/sys/class/tpm/tpm0", "tpm_version_major", "1\n", "has no TPM 2.0" },
		{ "/sys/class/tpm/tpm0", "tpm_version_major", "2\n", "was not told" },
		{ "/run/systemd", "tpm2-pcr-signature.json", "{}", "no signed PCR values" },
		{ "/run/systemd", "tpm2-pcr-public-key.pem", "x", NULL },
	};

	(void)state;
	tpm_look(&a, root, &tpm);
	assert_non_null(strstr(tpm_why_not(&tpm), "has no TPM 2.0"));
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const char *dir = str_z(&a, str_printf(&a, "%s%s", root, steps[i].dir));

		assert_ok(dir_make(dir, &e), &e);
		assert_ok(file_write(path_join(&a, dir, steps[i].file), 0644, steps[i].text,
				     strlen(steps[i].text), &e),
			  &e);
		tpm_look(&a, root, &tpm);
		if (steps[i].why)
			assert_non_null(strstr(tpm_why_not(&tpm), steps[i].why));
		else
			assert_null(tpm_why_not(&tpm));
		tpm.measured = i > 0;
	}
}

static void test_run(void **state)
{
	static const char *const good[] = { "cat", RUN_INPUT, NULL };
	static const char *const bad[] = {
		"sh", "-c", "echo nothing; echo one >&2; echo; echo ' two ' >&2; exit 3", NULL
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	struct str out;

	(void)state;
	assert_ok(run(&a, good, STR("secret"), 0, &out, &e), &e);
	assert_str(out, "secret");
	assert_ok(run(&a, bad, STR(""), 3, NULL, &e), &e);
	assert_err(run(&a, bad, STR(""), 2, NULL, &e), &e, "sh failed with status 3: one; two");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_recovery_key),
		cmocka_unit_test(test_tpm),
		cmocka_unit_test(test_recognise),
		cmocka_unit_test(test_recognise_all),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_luks),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_integrity_luks),
		cmocka_unit_test(test_integrity_tables),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_pcr7),
		cmocka_unit_test(test_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
