/* SPDX-License-Identifier: MIT */
#include "upstream/debian/archive.h"

#include "upstream/debian/convert.h"
#include "upstream/debian/index.h"
#include "upstream/debian/release.h"
#include "upstream/debian/suites.h"
#include "upstream/debian/translate.h"

/* The folder of an index's digest keeps it reachable while the mirror changes (Debian's
 * Acquire-By-Hash). Not every copy of an archive that promises it has it: then the plain name is
 * asked for, as apt does. */
static void index_urls(struct arena *a, const struct debian_suite *suite,
		       const struct release *parsed, const struct release_index *index,
		       struct transfer *t)
{
	struct str folder = index->path, plain;

	plain = str_printf(a, "%.*s/%.*s", STR_FMT(suite->url), STR_FMT(index->path));
	t->url = plain;
	if (!parsed->by_hash)
		return;
	while (folder.n > 0 && folder.p[folder.n - 1] != '/')
		folder.n--;
	t->url = str_printf(a, "%.*s/%.*sby-hash/SHA256/%.*s", STR_FMT(suite->url), STR_FMT(folder),
			    STR_FMT(hex_encode(a, index->sha256, SHA256_BYTES)));
	t->other_url = plain;
}

/* A value of a recipe: on one line, whatever is in it. */
static void recipe_put(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, "%s ", name);
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '\n' || value.p[i] == '\\')
			buf_printf(b, "\\%02x", (unsigned)value.p[i]);
		else
			buf_u8(b, (uint8_t)value.p[i]);
	buf_u8(b, '\n');
}

static struct str index_recipe(struct arena *a, const struct upstream_state *state,
			       const struct upstream_index *index)
{
	struct buf b = { .a = a };

	buf_printf(&b, "translation debian %d\npart-bytes %d\n", TRANSLATION_VERSION,
		   INDEX_PART_BYTES);
	recipe_put(&b, "arch", str_c(state->arch->name));
	recipe_put(&b, "upstream", state->conf->name);
	recipe_put(&b, "mirror", index->mirror);
	recipe_put(&b, "origin", index->origin);
	recipe_put(&b, "sha256", hex_encode(a, index->file.sha256, SHA256_BYTES));
	vec_each(name, &state->conf->drop_requires)
		recipe_put(&b, "drop-requires", *name);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static struct transfer form_transfer(struct arena *a, const struct upstream_state *state,
				     const struct debian_suite *suite, const struct release *parsed,
				     const struct release_index *form)
{
	struct transfer t = { .name = str_printf(a, "suite '%.*s': %.*s", STR_FMT(suite->name),
						 STR_FMT(form->path)),
			      .size_bytes = form->size_bytes,
			      .upstream = state->conf };

	memcpy(t.sha256, form->sha256, SHA256_BYTES);
	index_urls(a, suite, parsed, form, &t);
	return t;
}

static int index_add(struct arena *a, const struct upstream_state *state,
		     const struct debian_suite *suite, const struct release *parsed,
		     struct str component, struct str arch, vec_upstream_index *ret, struct err *e)
{
	struct upstream_index index = { .origin = parsed->origin, .mirror = suite->mirror_url };
	vec_release_index forms = { 0 };

	release_indexes(a, parsed, component, arch, &forms);
	if (forms.n == 0)
		return err_set(
			e, -ENOENT,
			"suite '%.*s': release file of %.*s: it lists no '%.*s' as .xz, .zst, .gz, "
			".bz2, .lzma or plain",
			STR_FMT(suite->name), STR_FMT(suite->mirror_url),
			STR_FMT(release_index_path(a, component, arch, "")));
	index.file = form_transfer(a, state, suite, parsed, &forms.p[0]);
	for (size_t i = 1; i < forms.n; i++)
		vec_push(a, &index.others) = form_transfer(a, state, suite, parsed, &forms.p[i]);
	index.recipe = index_recipe(a, state, &index);
	vec_push(a, ret) = index;
	return 0;
}

/* A flat repository has one index, for all architectures. */
static int suite_indexes(struct arena *a, const struct upstream_state *state,
			 const struct debian_suite *suite, const struct release *parsed,
			 vec_upstream_index *ret, struct err *e)
{
	struct str arch = str_c(state->arch->debian);
	int rc = 0;

	if (suite_flat(suite->name))
		return index_add(a, state, suite, parsed, STR(""), arch, ret, e);
	vec_each(c, &state->conf->components) {
		/* packages for every architecture may have an index of their own, or be all there
		 * is */
		bool all = parsed->arch_all && release_has(parsed, *c, STR("all"));

		if (!all || release_has(parsed, *c, arch))
			rc = index_add(a, state, suite, parsed, *c, arch, ret, e);
		if (rc >= 0 && all)
			rc = index_add(a, state, suite, parsed, *c, STR("all"), ret, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int indexes(struct arena *a, const struct upstream_state *state, vec_upstream_index *ret,
		   struct err *e)
{
	const struct debian_suites *suites = state->own;

	for (size_t i = 0; i < suites->n; i++) {
		const struct debian_suite *suite = &suites->p[i];
		struct release parsed;
		int rc = release_parse(suite->text, &parsed, e);

		if (rc < 0)
			return rc;
		rc = suite_indexes(a, state, suite, &parsed, ret, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

const struct upstream_ops debian_ops = {
	.begin = suites_begin,
	.ask = suites_ask,
	.end = suites_end,
	.indexes = indexes,
	.index_read = debian_index_read,
	.convert = deb_convert,
	.convert_version = CONVERT_VERSION,
};
