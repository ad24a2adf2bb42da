/* SPDX-License-Identifier: MIT */
/* An image's definition is a chain of files, the root of its inheritance first, and the features
 * each names. */
#include "base/io.h"
#include "conf/conf.h"
#include "conf/files.h"
#include "conf/load.h"
#include "conf/schema.h"
#include "conf/words.h"

/* Names of results are longer, and those of what is not yet complete still more; 255 is the most.
 */
enum { IMAGE_NAME_BYTES_MAX = 128 };

/* One file of the chain. */
struct layer {
	struct str name;
	struct image_yaml yaml;
	struct yaml_doc doc;
};
typedef VEC(struct layer) vec_layer;

/* A feature, or an image's own lists. */
struct part {
	struct conf_feature feature;
	struct yaml_doc doc;
	size_t layer; /* which named it */
};
typedef VEC(struct part) vec_part;

/* Names of the definitions DISTRO/@folder/NAME.yaml; none when there is no such folder. */
static vec_str names_in(struct arena *a, const char *distro, const char *folder)
{
	vec_str files = { 0 }, names = { 0 };
	struct err e;

	if (dir_list(a, path_join(a, distro, folder), &files, &e) < 0)
		return names;
	vec_each(file, &files)
		if (str_ends(*file, ".yaml"))
			vec_push(a, &names) = str_head(*file, file->n - strlen(".yaml"));
	return names;
}

/* FOLDER/NAME.yaml below DISTRO, or an error that begins with @at and knows what is there. */
static int path_of(struct arena *a, const char *distro, const char *folder, struct str name,
		   const char *at, const char **ret, struct err *e)
{
	const char *below = str_z(a, str_printf(a, "%s/%.*s.yaml", folder, STR_FMT(name)));
	vec_str names;

	if (form_ok(FORM_NAME, name) && file_exists(path_join(a, distro, below))) {
		*ret = below;
		return 0;
	}
	names = names_in(a, distro, folder);
	return err_set(e, -ENOENT, "%s: there is no '%.*s' in '%s/%s'; want %.*s%s", at,
		       STR_FMT(name), distro, folder,
		       STR_FMT(names.n ? str_names(a, &names) : STR("a file NAME.yaml there")),
		       yaml_did_you_mean(a, &names, name));
}

static int files_load(struct arena *a, const char *distro, struct str name,
		      const struct yaml_doc *doc, struct conf_feature *feature, struct err *e)
{
	const struct conf_folder folder = {
		.distro = distro,
		.below = str_z(a, str_printf(a, "files/%.*s", STR_FMT(name))),
	};

	int r;

	feature->name = name;
	feature->source = str_dup(a, str_c(doc->name));
	r = conf_users_check(a, doc, feature->users.p, feature->users.n, e);
	return r < 0 ? r : conf_files_load(a, doc, &folder, feature->files.p, feature->files.n, e);
}

static int layer_read(struct arena *a, const char *distro, struct str name, const char *at,
		      struct layer *ret, struct err *e)
{
	struct layer layer = { .name = str_dup(a, name) };
	const char *below = NULL;
	int r = path_of(a, distro, "images", name, at, &below, e);

	if (r == 0)
		r = yaml_read(a, &schema_image, distro, below, &layer.yaml, &layer.doc, e);
	if (r == 0)
		r = files_load(a, distro, layer.name, &layer.doc, &layer.yaml.own, e);
	for (uint32_t i = 0; r == 0 && i < layer.yaml.image.kernel_command_line.n; i++)
		r = conf_words_check(yaml_at(a, &layer.doc, "kernel-command-line", i),
				     layer.yaml.image.kernel_command_line.p[i], e);
	if (r == 0)
		*ret = layer;
	return r;
}

static int cycle_error(struct arena *a, const vec_layer *chain, const char *at, struct str again,
		       struct err *e)
{
	struct str way = { 0 };

	vec_each(layer, chain)
		way = str_printf(a, "%.*s%.*s -> ", STR_FMT(way), STR_FMT(layer->name));
	return err_set(
		e, -ELOOP,
		"%s: 'from' goes round in a circle (%.*s%.*s); want an image that does not inherit this one",
		at, STR_FMT(way), STR_FMT(again));
}

/* The image's own file first, the root of its inheritance last. */
static int chain_read(struct arena *a, const char *distro, const char *name, vec_layer *ret,
		      struct err *e)
{
	const char *at = str_printf(a, "image '%s'", name).p;
	struct str next = str_c(name);

	do {
		struct layer layer = { 0 };
		int r;

		vec_each(before, ret)
			if (str_eq(before->name, next))
				return cycle_error(a, ret, at, next, e);
		r = layer_read(a, distro, next, at, &layer, e);
		if (r < 0)
			return r;
		vec_push(a, ret) = layer;
		next = layer.yaml.from;
		at = yaml_at(a, &layer.doc, "from", UINT32_MAX);
	} while (next.n > 0);
	return 0;
}

static int feature_read(struct arena *a, const char *distro, struct str name, const char *at,
			struct part *ret, struct err *e)
{
	struct part part = { 0 };
	const char *below = NULL;
	int r = path_of(a, distro, "features", name, at, &below, e);

	if (r == 0)
		r = yaml_read(a, &schema_feature, distro, below, &part.feature, &part.doc, e);
	if (r == 0)
		r = files_load(a, distro, name, &part.doc, &part.feature, e);
	if (r == 0)
		*ret = part;
	return r;
}

static struct part *part_find(const vec_part *parts, struct str name)
{
	vec_each(part, parts)
		if (str_eq(part->feature.name, name))
			return part;
	return NULL;
}

static int not_inherited(struct arena *a, const char *at, const vec_str *names, struct str wrong,
			 struct err *e)
{
	return err_set(
		e, -EINVAL,
		"%s: '-%.*s' takes away what was not inherited; want a name that came before%s", at,
		STR_FMT(wrong), yaml_did_you_mean(a, names, wrong));
}

static int feature_take_away(struct arena *a, vec_part *parts, struct str name, const char *at,
			     struct err *e)
{
	struct part *part = part_find(parts, name);
	vec_str names = { 0 };

	if (!part) {
		vec_each(p, parts)
			vec_push(a, &names) = p->feature.name;
		return not_inherited(a, at, &names, name, e);
	}
	memmove(part, part + 1, (size_t)(parts->p + parts->n - part - 1) * sizeof(*part));
	parts->n--;
	return 0;
}

/* The features that remain, in order of first mention. */
static int features_collect(struct arena *a, const char *distro, const struct layer *layer,
			    size_t i_layer, vec_part *parts, struct err *e)
{
	const vec_str *features = &layer->yaml.image.features;

	for (uint32_t i = 0; i < features->n; i++) {
		const char *at = yaml_at(a, &layer->doc, "features", i);
		struct part part = { 0 };
		int r;

		if (str_starts(features->p[i], "-")) {
			r = feature_take_away(a, parts, str_from(features->p[i], 1), at, e);
			if (r < 0)
				return r;
			continue;
		}
		if (part_find(parts, features->p[i]))
			continue;
		r = feature_read(a, distro, features->p[i], at, &part, e);
		if (r < 0)
			return r;
		part.layer = i_layer;
		vec_push(a, parts) = part;
	}
	return 0;
}

static bool text_remove(vec_str *list, struct str text)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!str_eq(list->p[i], text))
			continue;
		memmove(list->p + i, list->p + i + 1, (list->n - i - 1) * sizeof(*list->p));
		list->n--;
		return true;
	}
	return false;
}

static bool text_in(const vec_str *list, struct str text)
{
	vec_each(s, list)
		if (str_eq(*s, text))
			return true;
	return false;
}

/* Adds the part's packages to the image's, each once; "-name" takes one away, from the parts before
 * as well. */
static int packages_add(struct arena *a, struct conf_image *image, struct part *part, struct err *e)
{
	vec_str all = image->packages, own = { 0 };

	for (uint32_t i = 0; i < part->feature.packages.n; i++) {
		struct str text = part->feature.packages.p[i];

		if (!str_starts(text, "-")) {
			if (text_in(&all, text))
				continue;
			vec_push(a, &all) = text;
			vec_push(a, &own) = text;
			continue;
		}
		text = str_from(text, 1);
		if (!text_remove(&all, text))
			return not_inherited(a, yaml_at(a, &part->doc, "packages", i), &all, text,
					     e);
		text_remove(&own, text);
		vec_each(before, &image->parts)
			text_remove(&before->packages, text);
	}
	image->packages = all;
	part->feature.packages = own;
	vec_push(a, &image->parts) = part->feature;
	return 0;
}

static void own_note(struct arena *a, const struct layer *layer, struct conf_image *image)
{
	for (const cyaml_schema_field_t *f = schema_image.mapping.fields; f->key; f++) {
		const vec_str *list = (const vec_str *)(const void *)((const char *)&layer->yaml +
								      f->data_offset);

		if (f->value.type != CYAML_SEQUENCE ||
		    f->value.sequence.entry->type != CYAML_STRING)
			continue;
		for (uint32_t i = 0; i < list->n; i++)
			vec_push(a, &image->own) =
				(struct conf_entry){ f->key, list->p[i],
						     yaml_at(a, &layer->doc, f->key, i) };
	}
}

/* Lists add up; a single value counts where the file has it. */
static void values_merge(struct arena *a, const struct layer *layer, struct image_yaml *into)
{
	for (const cyaml_schema_field_t *f = schema_image.mapping.fields; f->key; f++) {
		const char *from = (const char *)&layer->yaml + f->data_offset;
		char *to = (char *)into + f->data_offset;
		size_t size = f->value.data_size;

		if (!yaml_mark(&layer->doc, f->key, UINT32_MAX))
			continue;
		if (f->value.type == CYAML_SEQUENCE &&
		    f->value.sequence.entry->type == CYAML_STRING) {
			const vec_str *more = (const vec_str *)(const void *)from;

			vec_each(s, more)
				vec_push(a, (vec_str *)(void *)to) = *s;
		} else if (f->value.type != CYAML_SEQUENCE) {
			if (f->value.type == CYAML_STRING)
				size = f->value.string.max == FORM_SIZE ? sizeof(uint64_t)
									: sizeof(struct str);
			memcpy(to, from, size);
		}
	}
}

static bool same_user(const struct conf_user *x, const struct conf_user *y)
{
	return str_eq(x->id, y->id) && str_eq(x->description, y->description) &&
	       str_eq(x->home, y->home) && str_eq(x->shell, y->shell);
}

/* An image may say something else of a user than what it inherits; of two features, neither comes
 * first. */
static int features_agree(struct arena *a, const vec_part *features, const struct part *part,
			  struct err *e)
{
	for (const struct part *other = features->p; other < part; other++)
		vec_each(x, &other->feature.users)
			for (uint32_t i = 0; i < part->feature.users.n; i++) {
				const struct conf_user *y = &part->feature.users.p[i];

				if (!str_eq(x->name, y->name) || same_user(x, y))
					continue;
				return err_set(
					e, -EINVAL,
					"%s: user '%.*s' is another one in feature '%.*s'; want one name for each",
					yaml_at(a, &part->doc, "users", i), STR_FMT(y->name),
					STR_FMT(other->feature.name));
			}
	return 0;
}

static int parts_merge(struct arena *a, const vec_layer *chain, const vec_part *features,
		       struct conf_image *image, struct err *e)
{
	int r = 0;

	for (size_t i = chain->n; r == 0 && i-- > 0;) {
		struct part own = { .feature = chain->p[i].yaml.own, .doc = chain->p[i].doc };

		vec_each(part, features) {
			if (part->layer != i)
				continue;
			vec_push(a, &image->features) = part->feature.name;
			r = features_agree(a, features, part, e);
			if (r == 0)
				r = packages_add(a, image, part, e);
			if (r < 0)
				return r;
		}
		r = packages_add(a, image, &own, e);
	}
	return r;
}

int conf_image_read(struct arena *a, const char *distro, const char *name, struct conf_image *ret,
		    struct err *e)
{
	struct image_yaml merged = { .image.root_compression = EROFS_CODEC_ZSTD };
	vec_layer chain = { 0 };
	vec_part features = { 0 };
	int r;

	if (strlen(name) > IMAGE_NAME_BYTES_MAX)
		return err_set(e, -EINVAL, "image '%s': a name of %zu bytes; want at most %d", name,
			       strlen(name), IMAGE_NAME_BYTES_MAX);
	r = chain_read(a, distro, name, &chain, e);
	for (size_t i = chain.n; r == 0 && i-- > 0;) {
		values_merge(a, &chain.p[i], &merged);
		r = features_collect(a, distro, &chain.p[i], i, &features, e);
	}
	if (r < 0)
		return r;
	merged.image.name = chain.p[0].name;
	merged.image.source = str_dup(a, str_c(chain.p[0].doc.name));
	merged.image.features = (vec_str){ 0 };
	own_note(a, &chain.p[0], &merged.image);
	r = parts_merge(a, &chain, &features, &merged.image, e);
	if (r == 0)
		r = conf_ids_read(a, distro, &merged.image.ids, e);
	if (r == 0)
		*ret = merged.image;
	return r;
}

bool conf_image_inherited(const char *distro, struct str name)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_str names = names_in(&a, distro, "images");

	vec_each(other, &names) {
		struct layer layer = { 0 };
		struct err ignored;

		if (layer_read(&a, distro, *other, "", &layer, &ignored) == 0 &&
		    str_eq(layer.yaml.from, name))
			return true;
	}
	return false;
}
