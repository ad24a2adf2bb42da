/* SPDX-License-Identifier: MIT */
#include "tree/gen.h"

#include <stdlib.h>
#include <sys/stat.h>

bool gen_is_file(const struct tree *t, struct str path)
{
	uint32_t id = tree_find(t, path);

	return id != TREE_NONE && S_ISREG(t->nodes.p[id].mode);
}

int gen_read(struct arena *a, const struct tree *t, struct str path, struct str *ret, struct err *e)
{
	uint32_t id = tree_find(t, path);
	int r;

	*ret = (struct str){ 0 };
	if (id == TREE_NONE || !S_ISREG(t->nodes.p[id].mode))
		return 0;
	r = tree_read(a, t, id, ret, e);
	return r < 0 ? r : 1;
}

int gen_put(struct tree *t, struct str path, uint32_t mode, struct str data, struct err *e)
{
	uint32_t id = tree_find_exact(t, path);

	if (id != TREE_NONE && t->nodes.p[id].owner == TREE_OWNER_DEFINITION)
		return 0;
	return tree_put(t, path, mode, data, TREE_OWNER_GENERATOR, NULL, e);
}

int gen_link(struct tree *t, struct str path, struct str target, struct err *e)
{
	return gen_put(t, path, S_IFLNK | 0777, target, e);
}

int gen_str_cmp(const void *x, const void *y)
{
	return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

static int file_cmp(const void *x, const void *y)
{
	return str_cmp(((const struct gen_file *)x)->name, ((const struct gen_file *)y)->name);
}

static int folder_files(const struct tree *t, struct str folder, const char *suffix,
			struct map *seen, vec_gen_file *ret, struct err *e)
{
	uint32_t id = tree_find(t, folder);
	vec_id children = { 0 };

	if (id != TREE_NONE)
		tree_children(t->a, t, id, &children);
	vec_each(child, &children) {
		struct str name = t->nodes.p[*child].name;
		struct gen_file f = { .name = name };
		int r;

		if (!str_ends(name, suffix) || map_get(seen, name))
			continue;
		map_put(t->a, seen, name, 1);
		f.path = str_printf(t->a, "%.*s/%.*s", STR_FMT(folder), STR_FMT(name));
		r = gen_read(t->a, t, f.path, &f.text, e);
		if (r < 0)
			return r;
		if (f.text.n > 0)
			vec_push(t->a, ret) = f;
	}
	return 0;
}

int gen_conf_files(const struct tree *t, const char *folder, const char *suffix, vec_gen_file *ret,
		   struct err *e)
{
	static const char *const roots[] = { "/etc", "/usr/local/lib", "/usr/lib" };
	vec_gen_file files = { 0 };
	struct map seen = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(roots) / sizeof(roots[0]); i++)
		r = folder_files(t, str_printf(t->a, "%s/%s", roots[i], folder), suffix, &seen,
				 &files, e);
	if (r < 0)
		return r;
	if (files.n > 1)
		qsort(files.p, files.n, sizeof(*files.p), file_cmp);
	*ret = files;
	return 0;
}

int gen_word(struct arena *a, struct str *s, struct str *ret)
{
	struct buf b = { .a = a };
	bool any = false;
	char quote = 0;
	size_t i = 0;

	while (i < s->n && (s->p[i] == ' ' || s->p[i] == '\t'))
		i++;
	for (; i < s->n && (quote || (s->p[i] != ' ' && s->p[i] != '\t')); i++, any = true) {
		char c = s->p[i];

		if (c == '\\' && i + 1 < s->n)
			buf_u8(&b, (uint8_t)s->p[++i]);
		else if (quote == 0 && (c == '"' || c == '\''))
			quote = c;
		else if (quote != 0 && c == quote)
			quote = 0;
		else
			buf_u8(&b, (uint8_t)c);
	}
	*s = str_from(*s, i);
	*ret = (struct str){ (const char *)b.v.p, b.v.n };
	return quote ? -EINVAL : any;
}

bool gen_mode(struct str octal, uint32_t *ret)
{
	uint32_t mode = 0;

	if (octal.n == 0 || octal.n > 4)
		return false;
	for (size_t i = 0; i < octal.n; i++) {
		if (octal.p[i] < '0' || octal.p[i] > '7')
			return false;
		mode = mode << 3 | (uint32_t)(octal.p[i] - '0');
	}
	*ret = mode;
	return true;
}
