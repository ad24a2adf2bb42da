/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include <time.h>

#include "base/json.h"
#include "image/build.h"

struct build_options {
	struct common_options common;
	bool dry_run, sign_later, update_ids;
};

static const struct option_def options[] = {
	{ "dry-run", 'n', OPTION_FLAG, NULL,
	  "print the partitions that would be written, and write nothing",
	  offsetof(struct build_options, dry_run), false },
	{ "sign-later", 0, OPTION_FLAG, NULL,
	  "leave the image unsigned and write what is to be signed (see ashlar-sign(1))",
	  offsetof(struct build_options, sign_later), false },
	{ "update-ids", 0, OPTION_FLAG, NULL,
	  "keep the ids of the image's users and groups in DISTRO/ids.yaml",
	  offsetof(struct build_options, update_ids), false },
	TIMINGS_OPTIONS,
	{ 0 },
};

static double mb(uint64_t bytes)
{
	return (double)bytes / 1e6;
}

static void summary_text(struct arena *a, const struct build_options *o,
			 const struct image_summary *s, const char *name)
{
	struct progress_stage stages[PROGRESS_STAGES_MAX];
	unsigned n = progress_stages(o->common.progress, stages);

	printf("\n%.*s\n", STR_FMT(s->path));
	printf("  version    %.*s\n", STR_FMT(s->version));
	printf("  packages   %zu\n", s->n_packages);
	printf("  root       %.1f MB of files, %.1f MB as EROFS\n", mb(s->files_bytes),
	       mb(s->root_bytes));
	printf("  image      %.1f MB on disk (%.1f MB with holes)\n", mb(s->stored_bytes),
	       mb(s->image_bytes));
	printf("  root hash  %.*s\n", STR_FMT(hex_encode(a, s->root_hash, SHA256_BYTES)));
	printf("  time      ");
	for (unsigned i = 0; i < n; i++)
		printf(" %s %.2f s%s", stages[i].name, stages[i].own_sec, i + 1 < n ? "," : "\n");
	printf("\nBoot it:\n  %s run %s\n", program_invocation_name, name);
}

static void summary_json(struct arena *a, const struct image_summary *s)
{
	struct json j = { .b = { .a = a } };
	struct str text;

	json_object(&j, NULL);
	json_str(&j, "event", STR("image"));
	json_str(&j, "path", s->path);
	json_str(&j, "version", s->version);
	json_u64(&j, "packages", s->n_packages);
	json_u64(&j, "files-bytes", s->files_bytes);
	json_u64(&j, "root-bytes", s->root_bytes);
	json_u64(&j, "stored-bytes", s->stored_bytes);
	json_u64(&j, "image-bytes", s->image_bytes);
	json_str(&j, "root-hash", hex_encode(a, s->root_hash, SHA256_BYTES));
	json_end_object(&j);
	text = json_text(&j);
	printf("%.*s\n", STR_FMT(text));
}

struct image_options image_options(const struct common_options *c, const char *name)
{
	return (struct image_options){
		.name = name,
		.distro = c->distro,
		.cache = c->cache,
		.keys = c->keys,
		.out = c->out,
		.arch = c->arch,
		.jobs = (unsigned)c->jobs,
		.now_sec = (uint64_t)time(NULL),
		.progress = c->progress,
	};
}

static int run(struct arena *a, void *options_, char **args, struct err *e)
{
	const struct build_options *o = options_;
	struct image_options image = image_options(&o->common, args[0]);
	struct image_summary s;
	int r;

	image.sign_later = o->sign_later;
	image.update_ids = o->update_ids;
	r = image_build(a, &image, o->dry_run, &s, e);

	if (r < 0)
		return r;
	if (o->dry_run)
		printf("%.*s", STR_FMT(s.plan));
	else if (o->common.json)
		summary_json(a, &s);
	else if (!o->common.quiet)
		summary_text(a, o, &s, args[0]);
	return 0;
}

const struct verb verb_build = {
	.name = "build",
	.args = "IMAGE",
	.help = "make a disk image from its definition",
	.description =
		"Reads DISTRO/images/IMAGE.yaml, chooses the exact packages, fetches and converts those that the cache "
		"lacks, and writes OUT/IMAGE-ARCH.raw with its manifest, its lock and a repository of its packages.\n\n"
		"No root, no mounts, no containers; nothing of a package is executed. What stands under OUT is replaced "
		"only when everything succeeded.",
	.example = "ashlar build server",
	.options = options,
	.options_size = sizeof(struct build_options),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
