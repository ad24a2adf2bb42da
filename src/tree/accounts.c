/* SPDX-License-Identifier: MIT */
#include "tree/accounts.h"

#include <stdlib.h>

#include "base/trace.h"

static const char passwd[] = "/etc/passwd", group[] = "/etc/group";

/* passwd(5) and group(5): name, password, number. */
static int accounts_read(struct arena *a, const struct tree *t, const char *path, vec_conf_id *ret,
			 struct err *e)
{
	uint32_t id = tree_find(t, str_c(path));
	struct str text = { 0 };
	int r = id == TREE_NONE ? 0 : tree_read(a, t, id, &text, e);

	while (r == 0 && text.n > 0) {
		struct str row = str_cut(&text, '\n');
		struct conf_id account = { .name = str_cut(&row, ':') };

		str_cut(&row, ':');
		if (!str_u64(str_cut(&row, ':'), UINT32_MAX, &account.id))
			return err_set(e, -EBADMSG, "%s: '%.*s' has no number", path,
				       STR_FMT(account.name));
		vec_push(a, ret) = account;
	}
	return r;
}

static int unique(struct arena *a, const vec_conf_id *accounts, const char *path, struct err *e)
{
	struct map names = { 0 }, ids = { 0 };

	vec_each(c, accounts) {
		struct str key = { (const char *)&c->id, sizeof(c->id) };
		const uint32_t *other = map_get(&ids, key);

		if (map_get(&names, c->name))
			return err_set(e, -EEXIST, "%s: '%.*s' stands there twice", path,
				       STR_FMT(c->name));
		if (other)
			return err_set(e, -EEXIST,
				       "%s: '%.*s' and '%.*s' have the id %llu, and so are one",
				       path, STR_FMT(accounts->p[*other].name), STR_FMT(c->name),
				       (unsigned long long)c->id);
		if ((c->id == 0) != str_eqz(c->name, "root"))
			return err_set(e, -EPERM,
				       "%s: '%.*s' has the id %llu; 0 is root's, and root's is 0",
				       path, STR_FMT(c->name), (unsigned long long)c->id);
		map_put(a, &names, c->name, 1);
		map_put(a, &ids, key, (uint32_t)(c - accounts->p));
	}
	return 0;
}

/* Of definitions only: what a package says of its account is its own business, and nobody logs in
 * with it. */
static int shells_check(const struct conf_image *image, const struct tree *t, struct err *e)
{
	vec_each(part, &image->parts)
		vec_each(u, &part->users) {
			if (u->shell.n == 0 || str_ends(u->shell, "/nologin") ||
			    tree_find(t, u->shell) != TREE_NONE)
				continue;
			return err_set(
				e, -ENOENT,
				"%.*s: the shell '%.*s' of user '%.*s' is in no chosen package; want one "
				"that the image has",
				STR_FMT(part->source), STR_FMT(u->shell), STR_FMT(u->name));
		}
	return 0;
}

int image_check_accounts(struct arena *a, const struct conf_image *image, const struct tree *t,
			 struct err *e)
{
	TRACE("check accounts");
	vec_conf_id users = { 0 }, groups = { 0 };
	int r = accounts_read(a, t, passwd, &users, e);

	if (r == 0)
		r = accounts_read(a, t, group, &groups, e);
	if (r == 0)
		r = unique(a, &users, passwd, e);
	if (r == 0)
		r = unique(a, &groups, group, e);
	return r < 0 ? r : shells_check(image, t, e);
}

static int name_cmp(const void *x, const void *y)
{
	return str_cmp(((const struct conf_id *)x)->name, ((const struct conf_id *)y)->name);
}

int image_new_ids(struct arena *a, const struct conf_image *image, const struct tree *t,
		  vec_conf_id *ret, struct err *e)
{
	vec_conf_id all = { 0 }, new = { 0 };
	struct map known = { 0 };
	int r = accounts_read(a, t, passwd, &all, e);

	if (r == 0)
		r = accounts_read(a, t, group, &all, e);
	if (r < 0)
		return r;
	vec_each(k, &image->ids.v)
		map_put(a, &known, k->name, 1);
	vec_each(c, &all) {
		if (c->id < CONF_ID_FIRST || c->id > CONF_ID_LAST || map_get(&known, c->name))
			continue;
		map_put(a, &known, c->name, 1);
		vec_push(a, &new) = *c;
	}
	if (new.n > 1)
		qsort(new.p, new.n, sizeof(*new.p), name_cmp);
	*ret = new;
	return 0;
}
