/* SPDX-License-Identifier: MIT */
/* What somebody without the archive's key makes of a file that it signed: packets besides the
 * signature, second messages, words that look like gpgv's own. Each is refused or gives exactly the
 * text that was signed. */
#include "upstream/debian/release.h"

#include "base/proc.h"
#include "base/test.h"

#include <stdlib.h>
#include <unistd.h>

#define GOOD     "Suite: test\nX: yes\n"
#define EVIL     "Suite: test\nX: no!\n"
#define BEGIN    "-----BEGIN PGP SIGNED MESSAGE-----\n"
#define SIG      "-----BEGIN PGP SIGNATURE-----\n"
#define END      "-----END PGP SIGNATURE-----\n"
#define STATUS   "\n[GNUPG:] GOODSIG 0 a\n[GNUPG:] VALIDSIG 0 2026-11-26 0 0 4 0 1 8 00 0\n"
#define KEY_MAKE "--pinentry-mode loopback --passphrase '' --quick-gen-key "
#define LITERAL  11 /* packets of RFC 9580, 5 */
#define MARKER   10
#define COMPRESS 8
#define USER_ID  13

static struct arena shared;
static char *home;
static struct str clear, signature; /* the message that the archive signed; its packet */
static struct str others;           /* the signature of EVIL by somebody else's key */
static struct keyring keyring;

static struct str text_of(const struct buf *b)
{
	return (struct str){ (const char *)b->v.p, b->v.n };
}

static struct str gpg(const char *words, struct str input)
{
	VEC(const char *) argv = { 0 };
	struct str rest = str_c(words), word;
	struct proc_result r = { 0 };
	struct err e;

	vec_push(&shared, &argv) = "gpg";
	vec_push(&shared, &argv) = "--homedir";
	vec_push(&shared, &argv) = home;
	vec_push(&shared, &argv) = "--batch";
	while ((word = str_word(&rest)).n > 0)
		vec_push(&shared, &argv) = str_eqz(word, "''") ? "" : str_z(&shared, word);
	vec_push(&shared, &argv) = NULL;
	assert_ok(proc_run(&shared, argv.p, input, NULL, &r, &e), &e);
	if (r.status != 0)
		fail_msg("gpg %s: status %d: %.*s", words, r.status, STR_FMT(r.err));
	return r.out;
}

/* The packets in the armor of a message. */
static struct str packets_of(struct str message)
{
	struct buf text = { .a = &shared };
	struct str ret, row = { 0 };

	while (message.n > 0 && !str_eqz(row, "-----BEGIN PGP SIGNATURE-----"))
		row = str_cut(&message, '\n');
	while (message.n > 0 && str_cut(&message, '\n').n > 0)
		;
	for (row = str_cut(&message, '\n'); row.n > 0 && row.p[0] != '=' && row.p[0] != '-';
	     row = str_cut(&message, '\n'))
		buf_printf(&text, "%.*s", STR_FMT(row));
	assert_true(base64_decode(&shared, text_of(&text), &ret));
	return ret;
}

static int setup(void **state)
{
	char template[] = "/tmp/ashlar-gpg-XXXXXX";

	(void)state;
	if (system("command -v gpg gpgv gpg-agent >/dev/null") != 0)
		return 0;
	/* not test_dir(): gpg-agent's socket must have a short path */
	home = str_z(&shared, str_c(mkdtemp(template)));
	gpg(KEY_MAKE "archive@example.org ed25519 sign never", (struct str){ 0 });
	gpg(KEY_MAKE "other@example.org ed25519 sign never", (struct str){ 0 });
	keyring = (struct keyring){ gpg("--export archive@example.org", (struct str){ 0 }),
				    STR("the keyring") };
	clear = gpg("-u archive@example.org --digest-algo SHA512 --clearsign", STR(GOOD));
	signature = packets_of(clear);
	others =
		packets_of(gpg("-u other@example.org --digest-algo SHA512 --clearsign", STR(EVIL)));
	return 0;
}

static int teardown(void **state)
{
	const char *kill[] = { "gpgconf", "--homedir", home, "--kill", "all", NULL };
	struct proc_result r;
	struct err e;

	(void)state;
	if (home) {
		assert_ok(proc_run(&shared, kill, (struct str){ 0 }, NULL, &r, &e), &e);
		assert_ok(dir_remove(home, &e), &e);
	}
	arena_done(&shared);
	return 0;
}

/* @body: less than 192 bytes. */
static struct str packet(unsigned kind, struct str body)
{
	char head[] = { (char)(0xc0 | kind), (char)body.n };

	return str_cat(&shared, (struct str){ head, 2 }, body);
}

static struct str literal(const char *name, const char *text)
{
	struct buf b = { .a = &shared };

	buf_u8(&b, 't');
	buf_u8(&b, (uint8_t)strlen(name));
	buf_printf(&b, "%s", name);
	for (int i = 0; i < 4; i++)
		buf_u8(&b, 0);
	buf_printf(&b, "%s", text);
	return packet(LITERAL, text_of(&b));
}

/* A message with this text and these packets; @head and @comment: lines besides. */
static struct str message(const char *head, const char *text, const char *comment,
			  struct str packets)
{
	return str_printf(&shared, BEGIN "Hash: SHA512\n%s\n%s" SIG "%s\n%.*s\n" END, head, text,
			  comment, STR_FMT(base64_encode(&shared, packets.p, packets.n)));
}

static bool accepted(struct str text, struct str *ret)
{
	struct err e;

	return release_framed(text, &e) == 0 &&
	       release_verify(&shared, text, (struct str){ 0 }, &keyring, ret, &e) == 0;
}

static void test_packets(void **state)
{
	struct str s = signature, evil, good, both;

	(void)state;
	if (!home)
		skip();
	evil = literal("", EVIL);
	good = literal("", GOOD);
	both = str_cat(&shared, s, others);
	const struct str tries[] = {
		message("", EVIL, "", s),
		message("", GOOD, "", str_cat(&shared, s, evil)),
		message("", GOOD, "", str_cat(&shared, evil, s)),
		message("", EVIL, "", str_cat(&shared, good, s)),
		message("", EVIL, "", str_cat(&shared, s, str_cat(&shared, good, s))),
		message("", GOOD, "",
			str_cat(&shared, s,
				packet(COMPRESS, str_cat(&shared, (struct str){ "\0", 1 }, evil)))),
		message("", GOOD, "",
			str_cat(&shared, s, str_cat(&shared, packet(MARKER, STR("PGP")), evil))),
		message("", EVIL, "", str_cat(&shared, literal("x" STATUS, EVIL), s)),
		message("", EVIL, "", str_cat(&shared, packet(USER_ID, STR("x" STATUS)), s)),
		message("", EVIL, "Comment: x" STATUS, s),
		message("", EVIL, "", others),
		message("", EVIL, "", both),
		message("", EVIL, "", str_cat(&shared, others, s)),
		message("X: no!\n", GOOD, "", s),
		message(" \nX: no!\n", GOOD, "", s),
		message("NotDashEscaped: You need GnuPG to verify this message\n", GOOD, "", s),
	};

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct str text = { 0 };

		if (accepted(tries[i], &text) && !str_eqz(text, GOOD))
			fail_msg("%zu: taken for signed: %.*s", i, STR_FMT(text));
	}
}

static void test_frames(void **state)
{
	struct str text, other;

	(void)state;
	if (!home)
		skip();
	assert_true(accepted(clear, &text));
	assert_true(str_eqz(text, GOOD));
	assert_true(accepted(message("", GOOD, "", signature), &text));
	other = gpg("-u other@example.org --digest-algo SHA512 --clearsign", STR(EVIL));
	assert_false(accepted(str_cat(&shared, STR(EVIL), clear), &text));
	assert_false(accepted(str_cat(&shared, clear, STR(EVIL)), &text));
	assert_false(accepted(str_cat(&shared, clear, other), &text));
	assert_false(accepted(str_cat(&shared, other, clear), &text));
	assert_false(accepted(str_cat(&shared, clear, clear), &text));
	assert_false(accepted(str_head(clear, clear.n - 40), &text));
	assert_false(accepted((struct str){ 0 }, &text));
	assert_false(accepted(gpg("-u archive@example.org --sign", STR(GOOD)), &text));
	assert_false(accepted(gpg("-u archive@example.org --sign --armor", STR(GOOD)), &text));
	assert_false(
		accepted(gpg("-u archive@example.org --digest-algo SHA1 --clearsign", STR(GOOD)),
			 &text));
	/* what looks like a frame within the text is escaped, and comes out as it was signed */
	other = gpg("-u archive@example.org --clearsign", STR(GOOD SIG));
	assert_true(accepted(other, &text) && str_eqz(text, GOOD SIG));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_frames),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
