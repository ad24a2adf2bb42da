/* SPDX-License-Identifier: MIT */
/* A conversion is given nothing but copies of what the recipe names: on what is forgotten here it
 * cannot depend. */
#include "store/maker.h"

#include "base/trace.h"
#include "rpm/rpmfile.h"
#include "upstream/upstream.h"

enum { RPM_ZSTD_LEVEL = 5 };

/* The same fields of a package's metadata, its definition or its upstream's rules, by name: one
 * table says what goes into the recipe and what is copied. */
struct field {
	const char *name;
	size_t offset;
};

/* Of the index, as translated and changed by definitions: what the upstream's file does not say
 * better itself. Not where it lies: packages move between a mirror's folders and stay what they
 * are. */
#define META(name, member)                              \
	{                                               \
		name, offsetof(struct rpm_meta, member) \
	}
static const struct field meta_texts[] = {
	META("name", name),
	META("version", version),
	META("release", release),
	META("arch", arch),
	META("url", url),
	META("group", group),
	META("vendor", vendor),
	META("upstream", upstream),
	META("source-name", source_name),
	META("source-version", source_version),
	META("origin-name", origin_name),
	META("origin-version", origin_version),
	META("origin-arch", origin_arch),
};
static const struct field meta_deps[] = {
	META("requires", requires),   META("provides", provides),     META("conflicts", conflicts),
	META("obsoletes", obsoletes), META("recommends", recommends), META("suggests", suggests),
};

/* Lists of a definition, whose entries are structs of texts. Units, contents of files, reasons are
 * not for the package. */
enum { LIST_TEXTS_MAX = 4 };
struct list {
	struct field field;
	size_t entry_bytes, n_texts;
	size_t texts[LIST_TEXTS_MAX]; /* offsets in an entry */
};
#define TEXT(type, member) offsetof(struct conf_##type, member)
#define LIST(name, member, type, n, ...)                                                        \
	{                                                                                       \
		{ name, offsetof(struct conf_package, member) }, sizeof(struct conf_##type), n, \
		{                                                                               \
			__VA_ARGS__                                                             \
		}                                                                               \
	}
#define NAMES(name, type, member)                                        \
	{                                                                \
		{ name, offsetof(type, member) }, sizeof(struct str), 1, \
		{                                                        \
			0                                                \
		}                                                        \
	}
static const struct list conf_lists[] = {
	NAMES("drop-files", struct conf_package, drop_files),
	LIST("diversion", diversions, diversion, 2, TEXT(diversion, path), TEXT(diversion, to)),
	NAMES("device-files", struct conf_package, device_files),
	LIST("user", users, user, 1, TEXT(user, name)),
	LIST("group-of-users", groups, group, 1, TEXT(group, name)),
	LIST("member", members, member, 2, TEXT(member, user), TEXT(member, group)),
	LIST("alternative", alternatives, alternative, 3, TEXT(alternative, link),
	     TEXT(alternative, name), TEXT(alternative, path)),
	LIST("caps", caps, caps, 2, TEXT(caps, path), TEXT(caps, caps)),
	LIST("owner", owners, owner, 3, TEXT(owner, path), TEXT(owner, user), TEXT(owner, group)),
	LIST("mode", modes, mode, 4, TEXT(mode, path), TEXT(mode, user), TEXT(mode, group),
	     TEXT(mode, mode)),
	LIST("link", links, link, 1, TEXT(link, path)),
	LIST("file", files, file, 1, TEXT(file, path)),
	LIST("script", scripts, scripts, 2, TEXT(scripts, script), TEXT(scripts, sha256)),
};
static const struct list upstream_lists[] = {
	NAMES("script-covered", struct conf_upstream, script_covered),
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Every VEC() is laid out like this one. */
typedef VEC(char) vec_any;

/* What decides about a package file besides the upstream's file. */
struct conversion {
	struct rpm_meta meta;
	struct conf_package conf;
	struct conf_upstream upstream;
};

static void text_take(struct recipe *r, const struct field *f, const void *from, void *to)
{
	const struct str *s = (const struct str *)((const char *)from + f->offset);

	*(struct str *)((char *)to + f->offset) = *s;
	recipe_line(r, f->name, *s);
}

static void deps_take(struct recipe *r, const struct field *f, const void *from, void *to)
{
	const vec_dep *deps = (const vec_dep *)((const char *)from + f->offset);
	vec_str texts = { 0 };

	if (deps->n == 0)
		return;
	*(vec_dep *)((char *)to + f->offset) = *deps;
	vec_each(dep, deps) {
		vec_push(r->text.a, &texts) = dep->name;
		vec_push(r->text.a, &texts) = dep->evr;
		vec_push(r->text.a, &texts) = str_printf(r->text.a, "%u", dep->op);
	}
	recipe_list(r, f->name, &texts);
}

static void list_take(struct recipe *r, const struct list *l, const void *from, void *to)
{
	const vec_any *list = (const vec_any *)((const char *)from + l->field.offset);
	vec_any copy = { .n = list->n, .cap = list->n };
	vec_str texts = { 0 };

	if (list->n == 0)
		return;
	copy.p = arena_array(r->text.a, list->n, l->entry_bytes);
	for (size_t i = 0; i < list->n * l->n_texts; i++) {
		size_t at = i / l->n_texts * l->entry_bytes + l->texts[i % l->n_texts];
		const struct str *s = (const struct str *)(list->p + at);

		*(struct str *)(copy.p + at) = *s;
		vec_push(r->text.a, &texts) = *s;
	}
	*(vec_any *)((char *)to + l->field.offset) = copy;
	recipe_list(r, l->field.name, &texts);
}

/* Lives in the recipe's arena. */
static void take(struct recipe *r, const struct store_want *want, struct conversion *ret)
{
	const struct rpm_meta *m = want->meta;
	struct conversion c = { .meta = { .epoch = m->epoch,
					  .size_bytes = m->size_bytes,
					  .essential = m->essential },
				.conf = { .name = m->name, /* for messages */
					  .max_unpacked_bytes = want->conf->max_unpacked_bytes },
				.upstream = { .type = want->upstream->type } };

	memcpy(c.meta.sha256, m->sha256, SHA256_BYTES);
	recipe_line(r, "version", rpm_evr(r->text.a, m));
	recipe_line(r, "upstream-file", hex_encode(r->text.a, m->sha256, SHA256_BYTES));
	recipe_number(r, "size", m->size_bytes);
	recipe_number(r, "essential", m->essential);
	recipe_number(r, "max-unpacked-bytes", want->conf->max_unpacked_bytes);
	recipe_number(r, "conversion", upstream_convert_version(want->upstream));
	recipe_number(r, "upstream-type", want->upstream->type);
	for (size_t i = 0; i < COUNT(meta_texts); i++)
		text_take(r, &meta_texts[i], m, &c.meta);
	for (size_t i = 0; i < COUNT(meta_deps); i++)
		deps_take(r, &meta_deps[i], m, &c.meta);
	for (size_t i = 0; i < COUNT(conf_lists); i++)
		list_take(r, &conf_lists[i], want->conf, &c.conf);
	for (size_t i = 0; i < COUNT(upstream_lists); i++)
		list_take(r, &upstream_lists[i], want->upstream, &c.upstream);
	*ret = c;
}

static void taken_put(struct recipe *r, const vec_taken *taken)
{
	vec_str texts = { 0 };

	if (!taken || taken->n == 0)
		return;
	vec_each(t, taken) {
		vec_push(r->text.a, &texts) = t->from;
		vec_push(r->text.a, &texts) = t->to;
	}
	recipe_list(r, "taken", &texts);
}

static void inputs(struct recipe *r, const struct store_want *want)
{
	struct conversion unused;

	recipe_number(r, "rpm-zstd-level", RPM_ZSTD_LEVEL);
	take(r, want, &unused);
	taken_put(r, want->taken);
}

static int make(struct arena *a, const struct store_want *want, struct str source,
		const struct openpgp_key *key, struct str *ret, struct err *e)
{
	TRACE_OF("convert", want->meta->name);
	_cleanup_arena_ struct arena work = { .spill_dir = a->spill_dir };
	struct recipe unused = recipe_new(&work, RECIPE_CONVERSION, want->meta->name);
	struct conversion c;
	struct rpm_package p;
	int r;

	take(&unused, want, &c);
	r = upstream_convert(&work, source, &c.meta, &c.conf, &c.upstream, &p, e);
	if (r == 0 && want->taken)
		r = takeover_apply(want->taken, &p.files, e);
	if (r == 0)
		r = elf_deps(&work, &p, e);
	return r < 0 ? r : rpm_write(a, &p, key, RPM_ZSTD_LEVEL, ret, e);
}

const struct maker maker_conversion = { RECIPE_CONVERSION, inputs, make };
