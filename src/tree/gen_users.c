/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/trace.h"
#include "tree/gen.h"
#include "tree/generators.h"
#include "tree/sysusers.h"

static int add_conf_users(struct tree *t, struct sysusers *s, const struct conf_user *users,
			  size_t n, struct str source, unsigned rank, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct conf_user *u = &users[i];
		struct sysusers_line l = { .type = STR("u"),
					   .name = u->name,
					   .id = u->id,
					   .where = source,
					   .rank = rank };
		int r;

		l.gecos = u->description, l.home = u->home, l.shell = u->shell;
		r = sysusers_add(t->a, s, &l, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_package(struct tree *t, struct sysusers *s, const struct conf_package *p,
		       struct err *e)
{
	int r = add_conf_users(t, s, p->users.p, p->users.n, p->source, SYSUSERS_PACKAGE, e);

	for (size_t i = 0; i < p->groups.n && r == 0; i++) {
		struct sysusers_line l = { .type = STR("g"),
					   .name = p->groups.p[i].name,
					   .id = p->groups.p[i].id,
					   .where = p->source,
					   .rank = SYSUSERS_PACKAGE };

		r = sysusers_add(t->a, s, &l, e);
	}
	for (size_t i = 0; i < p->members.n && r == 0; i++) {
		struct sysusers_line l = { .type = STR("m"),
					   .name = p->members.p[i].user,
					   .id = p->members.p[i].group,
					   .where = p->source,
					   .rank = SYSUSERS_PACKAGE };

		r = sysusers_add(t->a, s, &l, e);
	}
	return r;
}

/* Definitions come first, since the first declaration stands. */
static int collect(struct tree *t, struct sysusers *s, const struct conf_package *packages,
		   size_t n, const struct conf_image *image, struct err *e)
{
	vec_gen_file files = { 0 };
	int r = 0;

	for (size_t i = image->parts.n; i-- > 0 && r == 0;) {
		const struct conf_feature *part = &image->parts.p[i];

		r = add_conf_users(t, s, part->users.p, part->users.n, part->source,
				   SYSUSERS_PART + (unsigned)i, e);
	}
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_package(t, s, &packages[i], e);
	if (r == 0)
		r = gen_conf_files(t, "sysusers.d", ".conf", &files, e);
	for (size_t i = 0; i < files.n && r == 0; i++)
		r = sysusers_parse(t->a, files.p[i].text, str_z(t->a, files.p[i].path), s, e);
	sysusers_add_implied(t->a, s);
	return r;
}

static int primary_gid(const struct sysusers *s, const struct account *u, uint32_t *ret,
		       struct err *e)
{
	const struct account *g = sysusers_find(s, u->primary.n > 0 ? u->primary : u->name);
	uint64_t number;

	if (str_u64(u->primary, UINT32_MAX, &number)) {
		g = NULL;
		vec_each(c, &s->accounts)
			if (c->is_group && c->gid == number)
				g = c;
	}
	if (!g || !g->is_group)
		return err_set(e, -ENOENT,
			       "%.*s: the primary group '%.*s' of user '%.*s' is declared nowhere",
			       STR_FMT(u->where), STR_FMT(u->primary), STR_FMT(u->name));
	*ret = g->gid;
	return 0;
}

static int uid_cmp(const void *x, const void *y)
{
	const struct account *p = *(struct account *const *)x, *q = *(struct account *const *)y;

	return (p->uid > q->uid) - (p->uid < q->uid);
}

static int gid_cmp(const void *x, const void *y)
{
	const struct account *p = *(struct account *const *)x, *q = *(struct account *const *)y;

	return (p->gid > q->gid) - (p->gid < q->gid);
}

typedef VEC(struct account *) vec_account;

static vec_account select_sorted(struct arena *a, struct sysusers *s, bool users)
{
	vec_account ret = { 0 };

	vec_each(c, &s->accounts)
		if (users ? c->is_user : c->is_group)
			vec_push(a, &ret) = c;
	if (ret.n > 1)
		qsort(ret.p, ret.n, sizeof(*ret.p), users ? uid_cmp : gid_cmp);
	return ret;
}

static struct str or_default(struct str s, const char *fallback)
{
	return s.n > 0 ? s : str_c(fallback);
}

/* passwd(5) and shadow(5). No password works for anyone; root has "*" and not "!": the latter also
 * means "locked", which sshd takes as a refusal of keys. The date of the last change is empty,
 * which turns ageing off: the date of a build would mean nothing. */
static int write_users(struct arena *a, struct sysusers *s, struct buf *passwd, struct buf *shadow,
		       struct err *e)
{
	vec_account users = select_sorted(a, s, true);

	vec_each(it, &users) {
		const struct account *u = *it;
		uint32_t gid = 0;
		int r = primary_gid(s, u, &gid, e);

		if (r < 0)
			return r;
		buf_printf(passwd, "%.*s:x:%u:%u:%.*s:%.*s:%.*s\n", STR_FMT(u->name), u->uid, gid,
			   STR_FMT(u->gecos), STR_FMT(or_default(u->home, "/")),
			   STR_FMT(or_default(u->shell,
					      u->uid == 0 ? "/bin/sh" : "/usr/sbin/nologin")));
		buf_printf(shadow, "%.*s:%s::::::%s:\n", STR_FMT(u->name), u->uid == 0 ? "*" : "!*",
			   u->locked ? "1" : "");
	}
	return 0;
}

static void put_members(struct buf *b, struct account *g)
{
	if (g->members.n > 1)
		qsort(g->members.p, g->members.n, sizeof(*g->members.p), gen_str_cmp);
	for (size_t i = 0; i < g->members.n; i++)
		buf_printf(b, "%s%.*s", i > 0 ? "," : "", STR_FMT(g->members.p[i]));
	buf_u8(b, '\n');
}

static void write_groups(struct arena *a, struct sysusers *s, struct buf *group,
			 struct buf *gshadow)
{
	vec_account groups = select_sorted(a, s, false);

	vec_each(g, &groups) {
		buf_printf(group, "%.*s:x:%u:", STR_FMT((*g)->name), (*g)->gid);
		put_members(group, *g);
		buf_printf(gshadow, "%.*s:!*::", STR_FMT((*g)->name));
		put_members(gshadow, *g);
	}
}

/* A list that somebody else wrote would be lost, or hide that its users are in no sysusers.d file.
 */
static int put_list(struct tree *t, const char *path, uint32_t mode, const struct buf *b,
		    const char *group, struct err *e)
{
	uint32_t id = tree_find_exact(t, str_c(path));
	int r;

	if (id != TREE_NONE) {
		struct str by = tree_owner_name(t->a, t, t->nodes.p[id].owner);

		return err_set(
			e, -EEXIST,
			"%s, from %.*s: users and groups come from sysusers.d files and package.yaml; "
			"leave the file out",
			path, STR_FMT(by));
	}
	r = tree_put(t, str_c(path), S_IFREG | mode, (struct str){ (const char *)b->v.p, b->v.n },
		     TREE_OWNER_GENERATOR, &id, e);
	if (r < 0)
		return r;
	t->nodes.p[id].group = str_c(group);
	return 0;
}

int gen_users(struct tree *t, const struct conf_package *packages, size_t n_packages,
	      const struct conf_image *image, struct err *e)
{
	TRACE("users");
	_cleanup_arena_ struct arena scratch = { 0 };
	struct buf passwd = { .a = t->a }, shadow = passwd, group = passwd, gshadow = passwd;
	const struct account *shadow_group;
	struct sysusers s = { 0 };
	const char *reader;
	int r;

	r = collect(t, &s, packages, n_packages, image, e);
	if (r == 0)
		r = sysusers_settle(&scratch, &s, t, &image->ids, e);
	if (r == 0)
		r = write_users(&scratch, &s, &passwd, &shadow, e);
	if (r < 0)
		return r;
	write_groups(&scratch, &s, &group, &gshadow);
	shadow_group = sysusers_find(&s, STR("shadow"));
	reader = shadow_group && shadow_group->is_group ? "shadow" : "root";
	r = put_list(t, "/etc/passwd", 0644, &passwd, "root", e);
	if (r == 0)
		r = put_list(t, "/etc/group", 0644, &group, "root", e);
	if (r == 0)
		r = put_list(t, "/etc/shadow", 0640, &shadow, reader, e);
	if (r == 0)
		r = put_list(t, "/etc/gshadow", 0640, &gshadow, reader, e);
	return r;
}
