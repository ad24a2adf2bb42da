/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <time.h>

#include "artifact/revoke.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "keys/keys.h"

struct key_options {
	struct common_options common;
	const char *organisation, *token;
};

enum { DIGITS_SHOWN = 8, DATE_CHARACTERS = 10 /* "2026-01-31" */ };

#define O(member) offsetof(struct key_options, member)
static const struct option_def key_option_defs[] = {
	{ "name", 0, OPTION_TEXT, "ORGANISATION",
	  "make keys of ORGANISATION (default: development keys, or as the keys that are there)",
	  O(organisation), false },
	{ "pkcs11", 0, OPTION_TEXT, "URI", "make the private keys inside this token (RFC 7512)",
	  O(token), false },
	{ 0 },
};

static struct key_generate how(const struct key_options *o)
{
	return (struct key_generate){ .dir = o->common.keys,
				      .organisation = o->organisation,
				      .token = o->token,
				      .time_sec = (uint64_t)time(NULL) };
}

static int generate(struct arena *a, const void *options_, char **args, struct err *e)
{
	const struct key_options *o = options_;
	struct key_generate g = how(o);
	bool development = false;
	vec_key_info list;
	int r = keys_generate(&g, e);

	(void)args;
	if (r == 0)
		r = keys_list(a, o->common.keys, &list, e);
	if (r < 0 || o->common.quiet)
		return r;
	vec_each(k, &list)
		development |= k->development && !k->retired;
	printf("%s: %s\n", o->common.keys,
	       development ? "development keys; never for production" : "every key is there");
	return 0;
}

static struct str date(struct arena *a, uint64_t sec)
{
	time_t t = (time_t)sec;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return str_dup(a, str_c(text));
}

static void show_json(struct arena *a, const struct key_info *k)
{
	struct json j = { .b = { .a = a } };
	struct str text;

	json_object(&j, NULL);
	json_str(&j, "event", STR("key"));
	json_str(&j, "role", str_c(key_role_name(k->role)));
	json_bool(&j, "retired", k->retired);
	json_bool(&j, "development", k->development);
	json_str(&j, "subject", k->subject);
	json_str(&j, "algorithm", k->algorithm);
	json_str(&j, "not-before", date(a, k->not_before_sec));
	json_str(&j, "not-after", date(a, k->not_after_sec));
	json_str(&j, "private-key", k->where);
	json_str(&j, "sha256", hex_encode(a, k->sha256, sizeof(k->sha256)));
	json_bool(&j, "in-db", k->in_db);
	json_str(&j, "stolen-may", str_c(key_role_may(k->role)));
	json_str(&j, "stopped-by", str_c(key_role_unless(k->role)));
	json_end_object(&j);
	text = json_text(&j);
	printf("%.*s\n", STR_FMT(text));
}

static void show_text(struct arena *a, const struct key_info *k, uint64_t now_sec)
{
	const char *until = now_sec > k->not_after_sec ? "EXPIRED" : "until";

	printf("%-16s %-8s %s, %s %.*s, private key: %.*s\n", key_role_name(k->role),
	       k->retired ? "retired" : "present", str_z(a, k->algorithm), until,
	       STR_FMT(str_head(date(a, k->not_after_sec), DATE_CHARACTERS)), STR_FMT(k->where));
	printf("    %.*s\n    SHA-256 %.*s\n", STR_FMT(k->subject),
	       STR_FMT(hex_encode(a, k->sha256, sizeof(k->sha256))));
	printf("    stolen, it lets one: %s\n    what stops that: %s\n", key_role_may(k->role),
	       key_role_unless(k->role));
	if (k->in_db && k->role != KEY_DB)
		printf("    and, as it stands in db itself (made by an earlier version), may sign a boot loader: "
		       "%s ends that\n",
		       k->retired ? "retiring it"
				  : "'ashlar key rotate db', and then retiring it,");
}

static void show_revoked(struct arena *a, const struct efi_revocation *r, bool as_json)
{
	struct str digest = hex_encode(a, r->sha256, sizeof(r->sha256)), text;
	struct json j = { .b = { .a = a } };

	if (!as_json) {
		printf("%-16s revoked  executable %.*s\n", "dbx", STR_FMT(digest));
		return;
	}
	json_object(&j, NULL);
	json_str(&j, "event", STR("revoked"));
	json_str(&j, "sha256", digest);
	json_end_object(&j);
	text = json_text(&j);
	printf("%.*s\n", STR_FMT(text));
}

static int show(struct arena *a, const void *options_, char **args, struct err *e)
{
	const struct key_options *o = options_;
	uint64_t now_sec = (uint64_t)time(NULL);
	vec_efi_revocation revoked;
	vec_key_info list;
	int r = keys_list(a, o->common.keys, &list, e);

	(void)args;
	if (r == 0)
		r = keys_revoked(a, o->common.keys, &revoked, e);
	if (r < 0)
		return r;
	vec_each(k, &list) {
		if (o->common.json)
			show_json(a, k);
		else
			show_text(a, k, now_sec);
	}
	vec_each(one, &revoked)
		show_revoked(a, one, o->common.json);
	return 0;
}

static int revoke(struct arena *a, const void *options_, char **args, struct err *e)
{
	const struct key_options *o = options_;
	vec_efi_revocation revocations = { 0 };
	_cleanup_map_ struct str bytes = { 0 };
	vec_revocable found;
	size_t n = 0;
	int r = file_map(args[0], &bytes, e);

	if (r == 0)
		r = image_revocables(a, args[0], bytes, &found, e);
	if (r < 0)
		return err_wrap(e, r, "revoke '%s'", args[0]);
	vec_each(one, &found)
		vec_push(a, &revocations) = one->revocation;
	r = keys_revoke(o->common.keys, &revocations, (uint64_t)time(NULL), &n, e);
	for (size_t i = 0; r == 0 && !o->common.quiet && i < found.n; i++)
		printf("%.*s: revoked, SHA-256 %.*s\n", STR_FMT(found.p[i].name),
		       STR_FMT(hex_encode(a, found.p[i].revocation.sha256, SHA256_BYTES)));
	if (r == 0 && !o->common.quiet)
		printf("%s/enrol/dbx.auth: %s\n", o->common.keys,
		       n > 0 ? "bring it to the machines, which then do not start this any more"
			     : "has held that already");
	return r;
}

static int rotate(struct arena *a, const void *options_, char **args, struct err *e)
{
	const struct key_options *o = options_;
	struct key_generate g = how(o);
	enum key_role role;
	int r = key_role_parse(str_c(args[0]), &role, e);

	(void)a;
	if (r == 0)
		r = keys_rotate(&g, role, e);
	if (r == 0 && !o->common.quiet)
		printf("%s: '%s' has a successor; the former key stays trusted until "
		       "'ashlar key retire %s' ends that\n",
		       o->common.keys, args[0], args[0]);
	return r;
}

static int retire(struct arena *a, const void *options_, char **args, struct err *e)
{
	const struct key_options *o = options_;
	enum key_role role;
	int r = key_role_parse(str_c(args[0]), &role, e);

	(void)a;
	if (r == 0)
		r = keys_retire(o->common.keys, role, str_c(args[1]), (uint64_t)time(NULL), e);
	if (r == 0 && !o->common.quiet)
		printf("%s: '%s' %.*s is no longer trusted\n", o->common.keys, args[0],
		       STR_FMT(str_head(str_c(args[1]), DIGITS_SHOWN)));
	return r;
}

static const struct action actions[] = {
	{ "generate", "", 0, true, generate },   { "show", "", 0, false, show },
	{ "rotate", " KEY", 1, true, rotate },   { "retire", " KEY FINGERPRINT", 2, false, retire },
	{ "revoke", " FILE", 1, false, revoke }, { 0 },
};

static int run(struct arena *a, void *options_, char **args, struct err *e)
{
	const struct key_options *o = options_;

	return action_run(a, "key", actions, o,
			  o->organisation || o->token ? "--name or --pkcs11" : NULL, args, e);
}

const struct verb verb_key = {
	.name = "key",
	.args = "generate|show|rotate KEY|retire KEY ...|revoke FILE",
	.help = "make and manage the keys that a build signs with",
	.description =
		"generate makes what the folder that --keys names lacks: a key for each purpose, from Secure Boot to "
		"packages. Without --name they are development keys, marked so in every manifest that used them. Keys "
		"that are there already are never replaced.\n\n"
		"show lists the keys with their fingerprints, when they expire, and what whoever steals one can do with it; "
		"then what is revoked.\n\n"
		"rotate makes a successor for KEY; the former key stays trusted until retire ends that. FINGERPRINT: at "
		"least the first 8 digits of the retired one's.\n\n"
		"revoke puts the unified kernel images of a disk image, or one executable for EFI such as a boot loader, on "
		"dbx: firmware that takes enrol/dbx.auth does not start them any more, whoever signed them. New images "
		"bring that file.\n\n"
		"With --pkcs11 private keys are made inside a token and never leave it. Its PIN is read from the file "
		"that the URI's pin-source names, or from the variable ASHLAR_PIN.",
	.example = "ashlar key generate",
	.options = key_option_defs,
	.options_size = sizeof(struct key_options),
	.min_args = 1,
	.max_args = 3,
	.run = run,
};
