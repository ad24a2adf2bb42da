/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/stat.h>

#include "artifact/diff.h"
#include "artifact/manifest.h"
#include "artifact/parts.h"
#include "base/io.h"
#include "tree/root_tree.h"

#define RAW ".raw"

#define FILES_BYTES_MAX (16ull << 30)

static const char only_definitions[] = "only a definition says whose a file is";

int diff_size_cmp(const void *x, const void *y)
{
	return str_cmp(((const struct diff_size *)x)->name, ((const struct diff_size *)y)->name);
}

static int package_cmp(const void *x, const void *y)
{
	return str_cmp(((const struct diff_package *)x)->name,
		       ((const struct diff_package *)y)->name);
}

static void size_add(struct arena *a, vec_diff_size *sizes, struct str name, uint64_t bytes)
{
	vec_push(a, sizes) = (struct diff_size){ name, bytes };
}

static void sizes_sort(vec_diff_size *sizes)
{
	if (sizes->n > 1)
		qsort(sizes->p, sizes->n, sizeof(*sizes->p), diff_size_cmp);
}

/* Several partitions may be of one type: "x", "x 2". */
static struct str numbered(struct arena *a, const vec_diff_size *sizes, struct str name)
{
	struct str ret = name;

	for (unsigned n = 2;; n++) {
		size_t i = 0;

		while (i < sizes->n && !str_eq(sizes->p[i].name, ret))
			i++;
		if (i == sizes->n)
			return ret;
		ret = str_printf(a, "%.*s %u", STR_FMT(name), n);
	}
}

/* The manifest. */

static void partitions_take(struct arena *a, const struct manifest *m, struct diff_side *s)
{
	vec_each(p, &m->partitions)
		size_add(a, &s->sizes, numbered(a, &s->sizes, tree_escaped(a, p->type)),
			 p->size_bytes);
}

static void packages_take(struct arena *a, const struct manifest *m, struct diff_side *s)
{
	vec_each(p, &m->packages)
		vec_push(a, &s->packages) = (struct diff_package){
			.name = p->name,
			.evr = p->evr,
			.arch = p->arch,
			.rpm_sha256 = hex_encode(a, p->rpm_sha256, SHA256_BYTES),
		};
	if (s->packages.n > 1)
		qsort(s->packages.p, s->packages.n, sizeof(*s->packages.p), package_cmp);
}

/* All that a manifest tells. */
static int manifest_read(struct arena *a, struct str text, struct diff_side *s, struct err *e)
{
	struct manifest m;
	int r = manifest_parse(a, text, &m, e);

	if (r < 0)
		return err_wrap(e, r, "%s", s->name);
	s->root_hash = hex_encode(a, m.root_hash, SHA256_BYTES);
	partitions_take(a, &m, s);
	packages_take(a, &m, s);
	size_add(a, &s->sizes, STR("files"), m.files_bytes);
	size_add(a, &s->sizes, STR("image"), m.image_bytes);
	sizes_sort(&s->sizes);
	return 0;
}

static int manifest_side(struct arena *a, struct diff_side *s, struct err *e)
{
	struct str text;
	int r = file_read(a, s->name, MANIFEST_BYTES_MAX, &text, e);

	s->no_files = STR("a manifest lists packages and partitions");
	s->no_bytes = STR("a manifest has none but the root hash");
	s->no_package_sizes = str_c(only_definitions);
	return r < 0 ? r : manifest_read(a, text, s, e);
}

/* The image. */

static uint64_t files_bytes(const struct tree *t)
{
	uint64_t bytes = 0;

	for (uint32_t id = 0; id < t->nodes.n; id++)
		if (S_ISREG(t->nodes.p[id].mode) && t->nodes.p[id].link_to == TREE_NONE)
			bytes += tree_size(t, id);
	return bytes;
}

static int start_cmp(const void *x, const void *y)
{
	uint64_t p = ((const struct gpt_partition *)x)->start_lba,
		 q = ((const struct gpt_partition *)y)->start_lba;

	return p < q ? -1 : p > q;
}

/* The whole image: partitions, and what lies before, between and behind them. */
static void regions_fill(struct arena *a, struct str image, const struct gpt *gpt,
			 struct diff_side *s)
{
	struct gpt_partition *sorted =
		arena_copy(a, gpt->partitions, gpt->n_partitions * sizeof(*sorted));
	struct str before = STR("partition table");
	uint64_t at = 0;

	qsort(sorted, gpt->n_partitions, sizeof(*sorted), start_cmp);
	for (size_t i = 0; i < gpt->n_partitions; i++) {
		uint64_t start = sorted[i].start_lba * GPT_SECTOR_BYTES,
			 bytes = sorted[i].size_lba * GPT_SECTOR_BYTES;
		struct str name = numbered(a, &s->sizes, gpt_type_name(a, sorted[i].type));

		vec_push(a, &s->regions) =
			(struct diff_region){ before, at,
					      str_head(str_from(image, at), start - at) };
		vec_push(a, &s->regions) =
			(struct diff_region){ name, start,
					      str_head(str_from(image, start), bytes) };
		size_add(a, &s->sizes, name, bytes);
		before = str_printf(a, "behind %.*s", STR_FMT(name));
		at = start + bytes;
	}
	vec_push(a, &s->regions) =
		(struct diff_region){ STR("backup partition table"), at, str_from(image, at) };
}

/* The UUIDs of root and hash tree are the root hash (Discoverable Partitions Specification). */
static struct str root_hash(struct arena *a, const struct image_parts *parts)
{
	uint8_t hash[SHA256_BYTES];

	memcpy(hash, parts->partitions[PARTITION_ROOT]->uuid, 16);
	memcpy(hash + 16, parts->partitions[PARTITION_VERITY]->uuid, 16);
	return hex_encode(a, hash, sizeof(hash));
}

/* What the manifest beside it says of its packages, when it is of this image. */
static struct str image_packages(struct arena *a, struct diff_side *s)
{
	const char *path = manifest_path(a, s->name);
	struct diff_side manifest = { .name = path };
	struct str text;
	struct err e;
	int r = file_read(a, path, MANIFEST_BYTES_MAX, &text, &e);

	if (r == -ENOENT)
		return STR("no manifest lies beside it");
	if (r == 0)
		r = manifest_read(a, text, &manifest, &e);
	if (r < 0)
		return str_dup(a, str_c(e.msg));
	if (!str_eq(manifest.root_hash, s->root_hash))
		return STR("the manifest beside it is another image's: its root hash differs");
	memcpy(&s->packages, &manifest.packages, sizeof(s->packages));
	return (struct str){ 0 };
}

static int image_side(struct arena *a, struct diff_side *s, struct err *e)
{
	struct image_parts parts = { 0 };
	struct str image;
	struct err why;
	int r = file_map(s->name, &s->mapped, e);

	if (r < 0)
		return r;
	image = s->mapped;
	r = gpt_read(a, (const uint8_t *)image.p, image.n, &parts.gpt, e);
	if (r == 0)
		r = image_partition_find(image, &parts, PARTITION_ROOT, e);
	if (r == 0)
		r = image_partition_find(image, &parts, PARTITION_VERITY, e);
	if (r < 0)
		return err_wrap(e, r, "%s", s->name);
	regions_fill(a, image, &parts.gpt, s);
	size_add(a, &s->sizes, STR("image"), image.n);
	s->root_hash = root_hash(a, &parts);
	s->no_packages = image_packages(a, s);
	s->no_package_sizes = str_c(only_definitions);
	r = root_tree_read(a, parts.bytes[PARTITION_ROOT], FILES_BYTES_MAX, &s->tree, &why);
	if (r < 0)
		s->no_files = str_printf(a, "root file system: %s", why.msg);
	else
		size_add(a, &s->sizes, STR("files"), files_bytes(&s->tree));
	sizes_sort(&s->sizes);
	return 0;
}

/* The definition. */

struct definition {
	struct arena *a;
	struct diff_side *s;
};

static void package_sizes(struct arena *a, const struct tree *t, struct diff_side *s)
{
	uint64_t *bytes = arena_array(a, t->owners.n + 1, sizeof(*bytes));

	for (uint32_t id = 0; id < t->nodes.n; id++) {
		const struct tree_node *n = &t->nodes.p[id];

		if (!n->removed && S_ISREG(n->mode) && n->link_to == TREE_NONE)
			bytes[n->owner < t->owners.n ? n->owner : t->owners.n] += tree_size(t, id);
	}
	for (size_t i = 0; i < t->owners.n; i++)
		size_add(a, &s->package_sizes, str_dup(a, t->owners.p[i]), bytes[i]);
	size_add(a, &s->package_sizes, STR("(generated)"), bytes[t->owners.n]);
	sizes_sort(&s->package_sizes);
}

static int definition_look(void *arg, const struct tree *t, struct str manifest, struct err *e)
{
	const struct definition *d = arg;
	int r;

	/* from the beginning when the build was */
	*d->s = (struct diff_side){ .name = d->s->name, .no_bytes = d->s->no_bytes };
	r = manifest_read(d->a, str_dup(d->a, manifest), d->s, e);
	if (r == 0)
		r = tree_digested(d->a, t, &d->s->tree, e);
	package_sizes(d->a, t, d->s);
	return r;
}

static int definition_side(struct arena *a, const struct image_maker *maker, struct diff_side *s,
			   struct err *e)
{
	struct definition d = { a, s };
	const struct image_look look = { definition_look, &d };

	if (strchr(s->name, '/'))
		return err_set(e, -EINVAL,
			       "'%s': want an image (*.raw), a manifest (*.json), or the name of a "
			       "definition",
			       s->name);
	s->no_bytes = STR("a definition has none yet but the root hash");
	return maker->show(maker->arg, s->name, &look, e);
}

int diff_side_read(struct arena *a, const struct image_maker *maker, const char *name,
		   struct diff_side *ret, struct err *e)
{
	struct diff_side s = { .name = name };
	int r;

	if (str_ends(str_c(name), RAW))
		r = image_side(a, &s, e);
	else if (str_ends(str_c(name), ".json"))
		r = manifest_side(a, &s, e);
	else
		r = definition_side(a, maker, &s, e);
	if (r == 0)
		*ret = s;
	else
		diff_side_done(&s);
	return r;
}

void diff_side_done(struct diff_side *s)
{
	file_unmap(&s->mapped);
}
