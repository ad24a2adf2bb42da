/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "artifact/manifest.h"
#include "artifact/verify.h"
#include "base/io.h"
#include "base/json.h"

struct verify_options {
	struct common_options common;
	const char *certificates;
};

static const struct option_def option_defs[] = {
	{ "certificates", 0, OPTION_TEXT, "DIR",
	  "trust the certificates in DIR (default: those among the keys)",
	  offsetof(struct verify_options, certificates), false },
	{ 0 },
};

/* Of all roles that sign something in an image. */
static int certificates_read(struct arena *a, const struct verify_options *o,
			     vec_str ret[KEY_ROLES], struct err *e)
{
	static const enum key_role roles[] = {
		KEY_PK, KEY_KEK, KEY_DB, KEY_VERITY, KEY_IPE, KEY_PCR
	};
	const char *dir = o->certificates ? o->certificates : o->common.keys;
	int r = keys_trusted(a, dir, ret, e);

	for (size_t i = 0; r == 0 && i < sizeof(roles) / sizeof(*roles); i++)
		if (ret[roles[i]].n == 0)
			return err_set(e, -ENOENT,
				       "no certificate '%s.crt' in '%s'; say with --certificates "
				       "where the certificates lie that the image is signed by",
				       key_role_name(roles[i]), dir);
	return r;
}

/* Beside the image, when it is there. */
static int manifest_read(struct arena *a, const char *image, struct str *ret, struct err *e)
{
	int r = file_read(a, manifest_path(a, image), MANIFEST_BYTES_MAX, ret, e);

	return r == -ENOENT ? 0 : r;
}

static void print_json(struct arena *a, const char *path, const struct verify_report *report)
{
	struct json j = { .b = { .a = a } };
	struct str text;

	json_object(&j, NULL);
	json_str(&j, "event", STR("verified"));
	json_str(&j, "path", str_c(path));
	json_str(&j, "root-hash", hex_encode(a, report->root_hash, sizeof(report->root_hash)));
	json_u64(&j, "inodes", report->n_inodes);
	json_bool(&j, "manifest", report->manifest);
	json_bool(&j, "development-keys", report->development);
	json_end_object(&j);
	text = json_text(&j);
	printf("%.*s\n", STR_FMT(text));
}

static void print_text(struct arena *a, const char *path, const struct verify_report *report)
{
	printf("%s: %zu partitions, %.*s, root hash %.*s, %zu inodes%s: all as they should be\n",
	       path, report->n_partitions, STR_FMT(report->uki),
	       STR_FMT(hex_encode(a, report->root_hash, sizeof(report->root_hash))),
	       report->n_inodes, report->manifest ? ", manifest" : "");
	if (!report->manifest)
		printf("%s: no manifest beside it\n", path);
	if (report->development)
		printf("%s: signed with development keys; never for production\n", path);
}

static int run(struct arena *a, void *options, char **args, struct err *e)
{
	const struct verify_options *o = options;
	vec_str trusted[KEY_ROLES] = { 0 };
	_cleanup_map_ struct str image = { 0 };
	struct verify_input in = { .trusted = trusted, .jobs = (unsigned)o->common.jobs };
	struct verify_report report;
	int r = file_map(args[0], &image, e);

	in.image = image;
	if (r == 0)
		r = manifest_read(a, args[0], &in.manifest, e);
	if (r == 0)
		r = certificates_read(a, o, trusted, e);
	if (r == 0)
		r = keys_revoked(a, o->certificates ? o->certificates : o->common.keys, &in.revoked,
				 e);
	if (r < 0)
		return r;
	r = image_verify(a, &in, &report, e);
	if (r < 0)
		return err_wrap(e, r, "%s", args[0]);
	if (o->common.json)
		print_json(a, args[0], &report);
	else if (!o->common.quiet)
		print_text(a, args[0], &report);
	return 0;
}

const struct verb verb_verify = {
	.name = "verify",
	.args = "IMAGE-FILE",
	.help = "check a finished image without booting it",
	.description =
		"Checks every byte: the signatures of boot loader, unified kernel image, expected "
		"measurement, root hash, execution policy and of the variables to enrol, against the given "
		"certificates, current and retired; every block of the root against its hash tree and that "
		"against the root hash; and that all else, from the partition tables to the padding of a "
		"file, is exactly as ashlar writes it. Then the manifest, when it lies beside the image. "
		"Names the first thing that is wrong.\n\n"
		"Needs no private keys: of the folder with the certificates, only the *.crt files, "
		"retired/*.crt and, for what was revoked, enrol/dbx.esl are read.",
	.example = "ashlar verify out/server-x86_64.raw",
	.options = option_defs,
	.options_size = sizeof(struct verify_options),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
