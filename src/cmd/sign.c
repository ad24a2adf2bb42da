/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "artifact/sign.h"
#include "base/boot_words.h"
#include "base/json.h"
#include "cmd/cmd.h"

struct sign_command {
	struct common_options common;
	const char *signatures;
	bool dry_run;
};

static const struct option_def options[] = {
	{ "signatures", 0, OPTION_TEXT, "DIR",
	  "take signatures made elsewhere from DIR (default: IMAGE-FILE's name with .to-sign)",
	  offsetof(struct sign_command, signatures), false },
	{ "dry-run", 0, OPTION_FLAG, NULL, "say what would be signed, and sign nothing",
	  offsetof(struct sign_command, dry_run), false },
	{ 0 },
};

static void report_json(struct arena *a, const char *path, const struct sign_report *report,
			bool dry_run)
{
	const struct sign_subject *s = &report->subject;
	struct json j = { .b = { .a = a } };
	struct str text;

	json_object(&j, NULL);
	json_str(&j, "event", dry_run ? STR("to-sign") : STR("signed"));
	json_str(&j, "path", str_c(path));
	json_str(&j, "root-hash", hex_encode(a, s->root_hash, SHA256_BYTES));
	json_str(&j, "command-line", s->command_line);
	json_str(&j, "pcr-11", hex_encode(a, s->pcr11, SHA256_BYTES));
	json_str(&j, "policy-sha256", hex_encode(a, s->policy, SHA256_BYTES));
	json_array(&j, "pending");
	vec_each(t, &report->pending)
		json_str(&j, NULL, str_c(t->name));
	json_end_array(&j);
	json_end_object(&j);
	text = json_text(&j);
	printf("%.*s\n", STR_FMT(text));
}

static void subject_text(struct arena *a, const struct sign_subject *s)
{
	printf("  root hash     %.*s\n  command line  %.*s\n  PCR 11        %.*s\n"
	       "  policy        %.*s\n",
	       STR_FMT(hex_encode(a, s->root_hash, SHA256_BYTES)),
	       STR_FMT(boot_line_shown(a, s->command_line)),
	       STR_FMT(hex_encode(a, s->pcr11, SHA256_BYTES)),
	       STR_FMT(hex_encode(a, s->policy, SHA256_BYTES)));
}

static void report_text(struct arena *a, const char *path, const struct sign_report *report,
			bool dry_run)
{
	printf("%s: %s\n", path, dry_run ? "nothing is signed; it would be" : "what is signed:");
	subject_text(a, &report->subject);
	if (dry_run)
		return;
	if (report->pending.n == 0) {
		printf("%s: every signature is in place\n", path);
		return;
	}
	printf("%s: still to be signed, in %s:\n", path, report->asked);
	vec_each(t, &report->pending)
		printf("  %-12s by the key %s, into %s.sig\n", t->name, key_role_name(t->key->role),
		       t->name);
}

static int run(struct arena *a, void *options_, char **args, struct err *e)
{
	const struct sign_command *o = options_;
	const struct sign_options how = { .signatures = o->signatures,
					  .jobs = (unsigned)o->common.jobs,
					  .look = o->dry_run };
	struct sign_report report;
	struct keys keys;
	int r = keys_read(a, o->common.keys, (uint64_t)time(NULL), false, &keys, e);

	if (r < 0)
		return r;
	r = image_sign(a, args[0], &keys, &how, &report, e);
	if (r == 0 && o->common.json)
		report_json(a, args[0], &report, o->dry_run);
	else if (r == 0 && !o->common.quiet)
		report_text(a, args[0], &report, o->dry_run);
	keys_done(&keys);
	return r;
}

const struct verb verb_sign = {
	.name = "sign",
	.args = "IMAGE-FILE",
	.help = "put the signatures into an image that was built with --sign-later",
	.description =
		"Signs with the private keys in the folder that --keys names, files or PKCS#11 tokens. For a key that is "
		"not there, takes the signature from a file: 'ashlar build --sign-later' leaves beside the image a folder "
		"NAME.to-sign, in which each file is to be signed (RSASSA-PKCS1-v1_5 with SHA-256 over the whole file; "
		"to-sign.json says by which key) into a file of the same name with .sig behind it:\n\n"
		"openssl dgst -sha256 -sign KEY -out uki.sig uki\n\n"
		"The UKI holds the signature for PCR 11, so it can be signed only when that is in place: run this command "
		"once more then. A signature that is not by the key of its certificate is refused, and image and manifest "
		"stay as they were.\n\n"
		"Before anything is signed the image is verified, as 'ashlar verify' does it, with the manifest beside it: what "
		"was changed after the build is refused by name. What the signatures vouch for is printed, with --dry-run without "
		"making them; compare it with another build of the same definitions, as whoever could change the image could "
		"change the manifest, too: 'ashlar diff' says in what two images differ.",
	.example = "ashlar sign out/server-x86_64.raw",
	.options = options,
	.options_size = sizeof(struct sign_command),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
