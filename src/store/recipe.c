/* SPDX-License-Identifier: MIT */
#include "store/recipe.h"

#include <assert.h>
#include <stdlib.h>

#include "base/io.h"
#include "disk/erofs.h"
#include "pack/pack.h"
#include "rpm/rpmdb.h"
#include "solve/solve.h"
#include "upstream/debian/tarball.h"

enum { KIND_LIBRARIES_MAX = 3 };

/* Every kind of thing that is kept. A version counts up when the same inputs come to give something
 * else; a form, when the bytes in the cache are written down in another way. */
static const struct kind {
	const char *name; /* of what it makes; with @what behind it */
	const char *code; /* what makes it */
	unsigned version, form;
	enum library libraries[KIND_LIBRARIES_MAX];
	const char *folder, *suffix;
} kinds[] = {
	[RECIPE_CONVERSION] = { .name = "package",
				/* reading is its upstream's, which has a version of its own */
				.code = "rpm-writer",
				.version = 1,
				.libraries = { LIBRARY_ARCHIVE, LIBRARY_RPM, LIBRARY_ZSTD },
				.folder = "packages",
				.suffix = ".rpm" },
	/* and the library of its codec: pack_recipe() */
	[RECIPE_PACK] = { .name = "pack",
			  .code = "cutter",
			  .version = 1,
			  .form = PACK_VERSION,
			  .folder = "packs",
			  .suffix = ".pack" },
	[RECIPE_INDEX] = { .name = "index",
			   /* translation is its upstream's, which has a version of its own */
			   .code = "encoder",
			   .version = 1,
			   .form = UNIVERSE_VERSION,
			   .folder = "universe" },
	[RECIPE_SOLUTION] = { .name = "solution",
			      .code = "solver",
			      .version = SOLVE_VERSION,
			      .form = SOLUTION_VERSION,
			      .libraries = { LIBRARY_SOLV },
			      .folder = "solutions" },
	/* derived: kept as packs */
	[RECIPE_CERTIFICATES] = { .name = "derived certificates",
				  .code = "generator",
				  .version = 1 },
	[RECIPE_MODULES] = { .name = "derived modules", .code = "generator", .version = 1 },
	[RECIPE_HWDB] = { .name = "derived hwdb", .code = "generator", .version = 1 },
	[RECIPE_LINKER_CACHE] = { .name = "derived linker-cache",
				  .code = "generator",
				  .version = 1 },
	[RECIPE_STATUS] = { .name = "derived status", .code = "generator", .version = 1 },
	[RECIPE_INITRD] = { .name = "derived initrd",
			    .code = "generator",
			    .version = 1,
			    .libraries = { LIBRARY_ZSTD } },
	[RECIPE_RPMDB] = { .name = "derived rpmdb",
			   .code = "generator",
			   .version = 2,
			   .libraries = { LIBRARY_RPM, LIBRARY_SQLITE } },
};

static_assert(sizeof(kinds) / sizeof(*kinds) == RECIPE_KINDS, "each kind is declared");

static struct str library_version(struct arena *a, enum library library)
{
	switch (library) {
	case LIBRARY_ARCHIVE:
		return tarball_library_version(a);
	case LIBRARY_LZ4:
		return erofs_codec_version(a, EROFS_CODEC_LZ4HC);
	case LIBRARY_RPM:
		return rpm_library_version(a);
	case LIBRARY_SOLV:
		return solve_library_version(a);
	case LIBRARY_SQLITE:
		return sqlite_library_version(a);
	case LIBRARY_ZSTD:
		return erofs_codec_version(a, EROFS_CODEC_ZSTD);
	case LIBRARY_NONE:
	case LIBRARIES:
		break;
	}
	abort();
}

void recipe_versions(struct arena *a, struct recipe_versions *ret)
{
	for (size_t i = 0; i < RECIPE_KINDS; i++) {
		ret->code[i] = kinds[i].version;
		ret->form[i] = kinds[i].form;
	}
	for (enum library i = LIBRARY_NONE + 1; i < LIBRARIES; i++)
		ret->library[i] = library_version(a, i);
}

struct recipe recipe_new_by(struct arena *a, const struct recipe_versions *versions,
			    enum recipe_kind kind, struct str what)
{
	const struct kind *k = &kinds[kind];
	struct recipe r = { .kind = kind, .text.a = a };

	buf_printf(&r.text, "%s%s%.*s\n", k->name, what.n ? " " : "", STR_FMT(what));
	recipe_number(&r, k->code, versions->code[kind]);
	if (k->form)
		recipe_number(&r, "form", versions->form[kind]);
	for (size_t i = 0; i < KIND_LIBRARIES_MAX && k->libraries[i] != LIBRARY_NONE; i++)
		recipe_line(&r, "library", versions->library[k->libraries[i]]);
	return r;
}

struct recipe recipe_new(struct arena *a, enum recipe_kind kind, struct str what)
{
	struct recipe_versions versions;

	recipe_versions(a, &versions);
	return recipe_new_by(a, &versions, kind, what);
}

void recipe_line(struct recipe *r, const char *name, struct str value)
{
	if (str_find(value, '\n') < 0)
		buf_printf(&r->text, "%s %.*s\n", name, STR_FMT(value));
	else
		buf_printf(&r->text, "digest-of-%s %.*s\n", name,
			   STR_FMT(sha256_hex(r->text.a, value.p, value.n)));
}

void recipe_number(struct recipe *r, const char *name, uint64_t value)
{
	buf_printf(&r->text, "%s %llu\n", name, (unsigned long long)value);
}

void recipe_bytes(struct recipe *r, const char *name, struct str bytes)
{
	recipe_line(r, name, sha256_hex(r->text.a, bytes.p, bytes.n));
}

void recipe_list(struct recipe *r, const char *name, const vec_str *list)
{
	struct buf b = { .a = r->text.a };

	/* with lengths, so that no two lists give the same */
	vec_each(s, list)
		buf_printf(&b, "%zu:%.*s", s->n, STR_FMT(*s));
	recipe_bytes(r, name, (struct str){ (const char *)b.v.p, b.v.n });
}

void recipe_library(struct recipe *r, enum library library)
{
	recipe_line(r, "library", library_version(r->text.a, library));
}

void recipe_lines(struct recipe *r, struct str lines)
{
	assert(lines.n == 0 || str_ends(lines, "\n"));
	buf_put(&r->text, lines.p, lines.n);
}

struct str recipe_text(const struct recipe *r)
{
	return (struct str){ (const char *)r->text.v.p, r->text.v.n };
}

struct str recipe_key(struct arena *a, struct str text)
{
	return sha256_hex(a, text.p, text.n);
}

struct str recipe_what(struct str text)
{
	return str_cut(&text, '\n');
}

struct str recipe_inputs(struct str text)
{
	(void)str_cut(&text, '\n');
	return text;
}

bool recipe_kind_of(struct str text, enum recipe_kind *ret)
{
	struct str what = recipe_what(text);

	for (enum recipe_kind kind = 0; kind < RECIPE_KINDS; kind++) {
		struct str rest = str_from(what, strlen(kinds[kind].name));

		if (str_starts(what, kinds[kind].name) && (rest.n == 0 || rest.p[0] == ' ')) {
			*ret = kind;
			return true;
		}
	}
	return false;
}

char *recipe_text_path(struct arena *a, const char *cache, enum recipe_kind kind, struct str text)
{
	const struct kind *k = &kinds[kind];

	assert(k->folder);
	return str_z(a, str_printf(a, "%s/%s/%.*s%s", cache, k->folder,
				   STR_FMT(recipe_key(a, text)), k->suffix ? k->suffix : ""));
}

char *recipe_path(struct arena *a, const char *cache, const struct recipe *r)
{
	return recipe_text_path(a, cache, r->kind, recipe_text(r));
}
