/* SPDX-License-Identifier: MIT */
#include "base/io.h"
#include "store/cache.h"
#include "store/kept.h"
#include "store/pack_cache.h"

enum { DIGITS_MIN = 40 /* as long as SHA-1's: a digest */, DIGITS_SHOWN = 8 };

/* A line of a recipe, "NAME VALUE". */
struct line {
	struct str name, value;
	bool paired; /* with one of the other recipe */
};
typedef VEC(struct line) vec_line;

/* What the entries of a cache were made from. */
struct made {
	struct str recipe, what;
};
typedef VEC(struct made) vec_made;

static vec_line lines_of(struct arena *a, struct str recipe)
{
	vec_line lines = { 0 };

	while (recipe.n > 0) {
		struct line line = { .value = str_cut(&recipe, '\n') };

		line.name = str_cut(&line.value, ' ');
		vec_push(a, &lines) = line;
	}
	return lines;
}

/* The first line of that name (and value, unless NULL) that is not yet paired. */
static struct line *line_find(vec_line *lines, struct str name, const struct str *value)
{
	vec_each(l, lines)
		if (!l->paired && str_eq(l->name, name) && (!value || str_eq(l->value, *value)))
			return l;
	return NULL;
}

/* A digest by its first digits. */
static struct str value_short(struct arena *a, struct str value)
{
	for (size_t i = 0; i < value.n; i++)
		if (!strchr("0123456789abcdef", value.p[i]))
			return value;
	return value.n < DIGITS_MIN
		       ? value
		       : str_printf(a, "%.*s..", STR_FMT(str_head(value, DIGITS_SHOWN)));
}

static void change_put(struct arena *a, struct buf *b, const struct line *was,
		       const struct line *want)
{
	struct str name = was ? was->name : want->name;

	buf_printf(b, "%s%.*s ", b->v.n > 0 ? "; " : "", STR_FMT(name));
	if (was && want)
		buf_printf(b, "changed: %.*s -> %.*s", STR_FMT(value_short(a, was->value)),
			   STR_FMT(value_short(a, want->value)));
	else
		buf_printf(b, "%s: %.*s", was ? "is gone" : "is new",
			   STR_FMT(value_short(a, was ? was->value : want->value)));
}

/* What differs, in words; *ret_n: how many lines. */
static struct str changes(struct arena *a, struct str was, struct str want, size_t *ret_n)
{
	vec_line old = lines_of(a, was), new = lines_of(a, want);
	struct buf b = { .a = a };
	size_t n = 0;

	vec_each(l, &new) {
		struct line *same = line_find(&old, l->name, &l->value);

		if (same)
			l->paired = same->paired = true;
	}
	vec_each(l, &new) {
		struct line *other = l->paired ? NULL : line_find(&old, l->name, NULL);

		if (l->paired)
			continue;
		change_put(a, &b, other, l);
		if (other)
			other->paired = true;
		n++;
	}
	vec_each(l, &old) {
		if (l->paired)
			continue;
		change_put(a, &b, l, NULL);
		n++;
	}
	*ret_n = n;
	return (struct str){ (const char *)b.v.p, b.v.n };
}

/* In words, by the entry that was made of the same and is most like @recipe. */
static struct str why_not_there(struct arena *a, const vec_made *all, struct str recipe)
{
	struct str what = pack_recipe_what(recipe), best = STR("never made");
	size_t fewest = SIZE_MAX;

	vec_each(m, all) {
		size_t n;
		struct str text;

		if (!str_eq(m->what, what))
			continue;
		text = changes(a, m->recipe, recipe, &n);
		if (n < fewest) {
			best = text;
			fewest = n;
		}
	}
	return best;
}

/* Empty when it is damaged, which is as good as none, or has none. */
static struct str recipe_of_entry(struct arena *a, const struct cache_entry *entry)
{
	struct str recipe = { 0 };
	struct err ignored;
	struct pack *p;

	if (strcmp(entry->kind, "packs") != 0)
		return kept_recipe(a, entry->path);
	if (pack_open(a, entry->path, &p, &ignored) < 0)
		return recipe;
	recipe = str_dup(a, p->recipe);
	pack_close(p);
	return recipe;
}

static int recipes_of_all(struct arena *a, const char *cache, vec_made *ret, struct err *e)
{
	vec_cache_entry entries;
	int r = cache_list(a, cache, &entries, e);

	if (r < 0)
		return r;
	vec_each(entry, &entries) {
		struct str recipe = recipe_of_entry(a, entry);

		if (recipe.n > 0)
			vec_push(a, ret) = (struct made){ recipe, pack_recipe_what(recipe) };
	}
	return 0;
}

/* Whether it is there, all of it. -ENOENT, -EBADMSG. */
static int pack_check(struct arena *a, const char *path, struct err *e)
{
	struct pack *p;
	int r = pack_open(a, path, &p, e);
	struct segment all;

	if (r < 0)
		return r;
	all = (struct segment){ p->blocks.data + p->blocks.first,
				p->blocks.n_blocks * EROFS_BLOCK_BYTES, &p->blocks };
	if (!pack_blocks_good(&all))
		r = err_set(e, -EBADMSG, "pack '%s' is damaged: blocks not of their digests",
			    p->path);
	pack_close(p);
	return r;
}

static int recipe_check(struct arena *a, const char *cache, struct str recipe, struct err *e)
{
	enum recipe_kind kind;
	const char *path;

	if (!recipe_kind_of(recipe, &kind))
		return err_set(e, -EINVAL, "'%.*s' is no recipe", STR_FMT(recipe_what(recipe)));
	path = recipe_text_path(a, cache, kind, recipe);
	if (kind == RECIPE_PACK)
		return pack_check(a, path, e);
	if (kind == RECIPE_CONVERSION) /* checked when it is read */
		return file_exists(path) ? 0 : err_set(e, -ENOENT, "no '%s'", path);
	return kept_check(a, path, recipe, e);
}

int cache_explain(struct arena *a, const char *cache, const struct str *recipes, size_t n,
		  struct cache_reason **ret, struct err *e)
{
	struct cache_reason *reasons = arena_array(a, n, sizeof(*reasons));
	vec_made all = { 0 };
	int r = recipes_of_all(a, cache, &all, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		r = recipe_check(a, cache, recipes[i], e);
		if (r < 0 && r != -ENOENT && r != -EBADMSG)
			return r;
		reasons[i].what = pack_recipe_what(recipes[i]);
		reasons[i].there = r == 0;
		if (r == -ENOENT)
			reasons[i].why = why_not_there(a, &all, recipes[i]);
		else if (r < 0)
			reasons[i].why = str_printf(a, "%s", e->msg);
	}
	*ret = reasons;
	return 0;
}
