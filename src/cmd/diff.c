/* SPDX-License-Identifier: MIT */
#include "artifact/diff.h"

#include "base/json.h"
#include "cmd/cmd.h"
#include "image/build.h"

enum { DIFFERENT = 1, TROUBLE = 2, DIGEST_SHOWN = 12 };

struct diff_options {
	struct common_options common;
};

/* Names come from files that may be hostile; what is printed is plain ASCII. */
static struct str shown(struct arena *a, struct str s)
{
	return tree_escaped(a, s);
}

static void print_package(struct arena *a, char sign, const struct diff_package *p)
{
	printf("  %c %.*s %.*s %.*s\n", sign, STR_FMT(shown(a, p->name)), STR_FMT(shown(a, p->evr)),
	       STR_FMT(shown(a, p->arch)));
}

static void print_package_change(struct arena *a, const struct diff_package *before,
				 const struct diff_package *after)
{
	printf("  ~ %.*s", STR_FMT(shown(a, before->name)));
	if (!str_eq(before->evr, after->evr))
		printf(" %.*s -> %.*s", STR_FMT(shown(a, before->evr)),
		       STR_FMT(shown(a, after->evr)));
	else if (!str_eq(before->arch, after->arch))
		printf(" %.*s -> %.*s", STR_FMT(shown(a, before->arch)),
		       STR_FMT(shown(a, after->arch)));
	else
		printf(" %.*s: another file, %.*s -> %.*s", STR_FMT(shown(a, before->evr)),
		       STR_FMT(shown(a, str_head(before->rpm_sha256, DIGEST_SHOWN))),
		       STR_FMT(shown(a, str_head(after->rpm_sha256, DIGEST_SHOWN))));
	printf("\n");
}

/* Added, removed, changed. */
static void print_packages(struct arena *a, const struct image_diff *d)
{
	if (d->packages.n > 0)
		printf("packages\n");
	vec_each(p, &d->packages)
		if (!p->before)
			print_package(a, '+', p->after);
	vec_each(p, &d->packages)
		if (!p->after)
			print_package(a, '-', p->before);
	vec_each(p, &d->packages)
		if (p->before && p->after)
			print_package_change(a, p->before, p->after);
}

static void print_attributes(const struct tree_difference *f)
{
	printf("  ~ %.*s", STR_FMT(f->path));
	vec_each(t, &f->attributes) {
		bool digest = strcmp(t->name, "content") == 0;

		printf("%c %s %.*s -> %.*s", t == f->attributes.p ? ':' : ',', t->name,
		       STR_FMT(digest ? str_head(t->before, DIGEST_SHOWN) : t->before),
		       STR_FMT(digest ? str_head(t->after, DIGEST_SHOWN) : t->after));
	}
	printf("\n");
}

static void print_files(const struct image_diff *d)
{
	if (d->files.n > 0)
		printf("files\n");
	vec_each(f, &d->files)
		if (f->before == TREE_NONE)
			printf("  + %.*s\n", STR_FMT(f->path));
	vec_each(f, &d->files)
		if (f->after == TREE_NONE)
			printf("  - %.*s\n", STR_FMT(f->path));
	vec_each(f, &d->files)
		if (f->before != TREE_NONE && f->after != TREE_NONE)
			print_attributes(f);
}

static void print_sizes(const char *title, const vec_diff_size_change *sizes)
{
	if (sizes->n > 0)
		printf("%s\n", title);
	vec_each(s, sizes)
		printf("  %-24.*s %12llu -> %12llu  %+lld\n", STR_FMT(s->name),
		       (unsigned long long)s->before, (unsigned long long)s->after,
		       (long long)(s->after - s->before));
}

static void print_bytes(struct arena *a, const struct diff_side *sides, const struct image_diff *d)
{
	if (d->bytes.n > 0 || d->root_hash)
		printf("bytes\n");
	vec_each(b, &d->bytes)
		printf("  %-24.*s %llu of %llu blocks, the first byte is %llu\n", STR_FMT(b->name),
		       (unsigned long long)b->differing, (unsigned long long)b->blocks,
		       (unsigned long long)b->first);
	if (d->root_hash)
		printf("  %-24s %.*s -> %.*s\n", "root hash",
		       STR_FMT(shown(a, str_head(sides[0].root_hash, DIGEST_SHOWN))),
		       STR_FMT(shown(a, str_head(sides[1].root_hash, DIGEST_SHOWN))));
}

static void print_text(struct arena *a, const struct diff_side *sides, const struct image_diff *d)
{
	print_packages(a, d);
	print_files(d);
	print_sizes("sizes of packages", &d->package_sizes);
	print_sizes("sizes", &d->sizes);
	print_bytes(a, sides, d);
	vec_each(s, &d->uncompared)
		printf("not compared: %.*s\n", STR_FMT(*s));
}

static void json_package(struct json *j, const char *key, const struct diff_package *p)
{
	if (!p) {
		json_null(j, key);
		return;
	}
	json_object(j, key);
	json_str(j, "evr", p->evr);
	json_str(j, "arch", p->arch);
	json_str(j, "rpm-sha256", p->rpm_sha256);
	json_end_object(j);
}

static void json_packages(struct json *j, const struct image_diff *d)
{
	json_array(j, "packages");
	vec_each(p, &d->packages) {
		json_object(j, NULL);
		json_str(j, "name", p->before ? p->before->name : p->after->name);
		json_package(j, "before", p->before);
		json_package(j, "after", p->after);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_files(struct json *j, const struct image_diff *d)
{
	json_array(j, "files");
	vec_each(f, &d->files) {
		json_object(j, NULL);
		json_str(j, "path", f->path);
		json_str(j, "change",
			 f->before == TREE_NONE  ? STR("added")
			 : f->after == TREE_NONE ? STR("removed")
						 : STR("changed"));
		json_array(j, "attributes");
		vec_each(t, &f->attributes) {
			json_object(j, NULL);
			json_str(j, "attribute", str_c(t->name));
			json_str(j, "before", t->before);
			json_str(j, "after", t->after);
			json_end_object(j);
		}
		json_end_array(j);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_sizes(struct json *j, const char *key, const vec_diff_size_change *sizes)
{
	json_array(j, key);
	vec_each(s, sizes) {
		json_object(j, NULL);
		json_str(j, "name", s->name);
		json_u64(j, "before", s->before);
		json_u64(j, "after", s->after);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_bytes(struct json *j, const struct diff_side *sides, const struct image_diff *d)
{
	json_array(j, "bytes");
	vec_each(b, &d->bytes) {
		json_object(j, NULL);
		json_str(j, "name", b->name);
		json_u64(j, "first-byte", b->first);
		json_u64(j, "blocks-differing", b->differing);
		json_u64(j, "blocks", b->blocks);
		json_end_object(j);
	}
	json_end_array(j);
	json_object(j, "root-hash");
	json_str(j, "before", sides[0].root_hash);
	json_str(j, "after", sides[1].root_hash);
	json_end_object(j);
}

static void print_json(struct arena *a, const struct diff_side *sides, const struct image_diff *d)
{
	struct json j = { .b = { .a = a } };
	struct str text;

	json_object(&j, NULL);
	json_str(&j, "event", STR("diff"));
	json_str(&j, "before", str_c(sides[0].name));
	json_str(&j, "after", str_c(sides[1].name));
	json_bool(&j, "differs", d->differs);
	json_packages(&j, d);
	json_files(&j, d);
	json_sizes(&j, "package-sizes", &d->package_sizes);
	json_sizes(&j, "sizes", &d->sizes);
	json_bytes(&j, sides, d);
	json_array(&j, "not-compared");
	vec_each(s, &d->uncompared)
		json_str(&j, NULL, *s);
	json_end_array(&j);
	json_end_object(&j);
	text = json_text(&j);
	fwrite(text.p, 1, text.n, stdout);
	putchar('\n');
}

static int definition_show(void *arg, const char *definition, const struct image_look *look,
			   struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 };
	struct image_options o = *(const struct image_options *)arg;
	struct image_summary summary;

	o.name = definition;
	o.look = look;
	return image_build(&work, &o, true, &summary, e);
}

static int run(struct arena *a, void *options, char **args, struct err *e)
{
	const struct diff_options *o = options;
	struct image_options image = image_options(&o->common, NULL);
	const struct image_maker maker = { definition_show, &image };
	struct progress *quiet = progress_new(PROGRESS_QUIET);
	struct diff_side sides[2] = { 0 };
	struct image_diff d = { 0 };
	int r = 0;

	if (o->common.json) /* one object, and nothing else */
		image.progress = quiet;
	for (size_t i = 0; r == 0 && i < 2; i++)
		r = diff_side_read(a, &maker, args[i], &sides[i], e);
	progress_free(quiet);
	if (r == 0)
		image_diff(a, &sides[0], &sides[1], &d);
	if (r == 0 && o->common.json)
		print_json(a, sides, &d);
	else if (r == 0 && !o->common.quiet)
		print_text(a, sides, &d);
	for (size_t i = 0; i < 2; i++)
		diff_side_done(&sides[i]);
	return r < 0 ? r : d.differs ? DIFFERENT : 0;
}

const struct verb verb_diff = {
	.name = "diff",
	.args = "A B",
	.help = "say in what two images differ",
	.description =
		"Each of A and B is an image (*.raw), a manifest (*.json) or the name of a definition, which is resolved and "
		"made in memory; nothing is written but the cache. Compares packages, files, each attribute of files that "
		"both have (type, mode, user, group, mtime, xattrs with capabilities, target of a link, device, hard links, "
		"size, content), sizes, and of two images the bytes, in blocks of 4096. '+' is what only B has, '-' what only "
		"A has, '~' what is another.\n\n"
		"A manifest tells packages and partitions but no files; an image tells its packages by the manifest that lies "
		"beside it; and which file is of which package, so the size of a package, only a definition says. What is "
		"not compared is said, with the reason. Prints nothing else when there is no difference.\n\n"
		"Checks no signatures: that is what ashlar-verify(1) does.",
	.example = "ashlar diff out/server-x86_64.raw server",
	.options_size = sizeof(struct diff_options),
	.min_args = 2,
	.max_args = 2,
	.run = run,
	.failed_status = TROUBLE,
	.exit_status =
		"0: no difference in what was compared. 1: differences. 2: the work failed, and one sentence says why, or "
		"wrong usage.",
};
