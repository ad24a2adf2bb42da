/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "base/json.h"
#include "image/verify.h"

enum { IMAGE_BYTES_MAX = 2047u << 20 };

struct verify_options {
	struct common_options common;
};

static int run(struct arena *a, void *options, char **args, struct err *e)
{
	const struct verify_options *o = options;
	struct json j = { .b = { .a = a } };
	struct verify_report report;
	struct str image, text;
	int r = file_read(a, args[0], IMAGE_BYTES_MAX, &image, e);

	if (r < 0)
		return r;
	r = image_verify(a, image, (unsigned)o->common.jobs, &report, e);
	if (r < 0)
		return err_wrap(e, r, "%s", args[0]);
	if (o->common.json) {
		json_object(&j, NULL);
		json_str(&j, "event", STR("verified"));
		json_str(&j, "path", str_c(args[0]));
		json_str(&j, "root-hash",
			 hex_encode(a, report.root_hash, sizeof(report.root_hash)));
		json_u64(&j, "inodes", report.n_inodes);
		json_end_object(&j);
		text = json_text(&j);
		printf("%.*s\n", STR_FMT(text));
	} else if (!o->common.quiet) {
		printf("%s: %zu partitions, %.*s, root hash %.*s, %zu inodes: all as they should be\n",
		       args[0], report.n_partitions, STR_FMT(report.uki),
		       STR_FMT(hex_encode(a, report.root_hash, sizeof(report.root_hash))),
		       report.n_inodes);
	}
	return 0;
}

const struct verb verb_verify = {
	.name = "verify",
	.args = "IMAGE-FILE",
	.help = "check a finished image without booting it",
	.description =
		"Checks both partition tables, the EFI system partition and each file on it, the root hash in the "
		"unified kernel image, the partition UUIDs that follow from it, every block of the root against "
		"its hash tree, and the structure of the file system. Names the first thing that is wrong.",
	.example = "ashlar verify out/server-x86_64.raw",
	.options_size = sizeof(struct verify_options),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
