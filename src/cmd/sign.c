/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "artifact/sign.h"
#include "base/json.h"
#include "cmd/cmd.h"

struct sign_options {
	struct common_options common;
	const char *signatures;
};

static const struct option_def options[] = {
	{ "signatures", 0, OPTION_TEXT, "DIR",
	  "take signatures made elsewhere from DIR (default: IMAGE-FILE's name with .to-sign)",
	  offsetof(struct sign_options, signatures), false },
	{ 0 },
};

static void report_json(struct arena *a, const char *path, const struct sign_report *report)
{
	struct json j = { .b = { .a = a } };
	struct str text;

	json_object(&j, NULL);
	json_str(&j, "event", STR("signed"));
	json_str(&j, "path", str_c(path));
	json_array(&j, "pending");
	vec_each(t, &report->pending)
		json_str(&j, NULL, str_c(t->name));
	json_end_array(&j);
	json_end_object(&j);
	text = json_text(&j);
	printf("%.*s\n", STR_FMT(text));
}

static void report_text(const char *path, const struct sign_report *report)
{
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
	const struct sign_options *o = options_;
	struct sign_report report;
	struct keys keys;
	int r = keys_read(a, o->common.keys, (uint64_t)time(NULL), false, &keys, e);

	if (r < 0)
		return r;
	r = image_sign(a, args[0], &keys, o->signatures, &report, e);
	if (r == 0 && o->common.json)
		report_json(a, args[0], &report);
	else if (r == 0 && !o->common.quiet)
		report_text(args[0], &report);
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
		"stay as they were.",
	.example = "ashlar sign out/server-x86_64.raw",
	.options = options,
	.options_size = sizeof(struct sign_options),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
