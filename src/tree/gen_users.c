/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/trace.h"
#include "tree/gen.h"
#include "tree/generators.h"
#include "tree/sysusers.h"

/* Debian Policy 9.2: below 100 ids are the same everywhere and given by hand; 100-999 are for the
 * system to give. */
enum { ID_FIRST = 100, ID_LAST = 999 };

static int add_conf_users(struct tree *t, struct sysusers *s, const struct conf_user *users,
			  size_t n, struct str source, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct conf_user *u = &users[i];
		struct sysusers_line l = {
			.type = STR("u"), .name = u->name, .id = u->id, .where = source
		};
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
	int r = add_conf_users(t, s, p->users.p, p->users.n, p->source, e);

	for (size_t i = 0; i < p->groups.n && r == 0; i++) {
		struct sysusers_line l = { .type = STR("g"),
					   .name = p->groups.p[i].name,
					   .id = p->groups.p[i].id,
					   .where = p->source };

		r = sysusers_add(t->a, s, &l, e);
	}
	for (size_t i = 0; i < p->members.n && r == 0; i++) {
		struct sysusers_line l = { .type = STR("m"),
					   .name = p->members.p[i].user,
					   .id = p->members.p[i].group,
					   .where = p->source };

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

		r = add_conf_users(t, s, part->users.p, part->users.n, part->source, e);
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

/* Ids that were given so far. A number is given to a user and to a group of one name, or to one of
 * the two. */
struct ids {
	struct sysusers *s;
	struct map users, groups; /* name's index + 1, by the number's bytes */
	struct arena *a;
};

static uint32_t holder(const struct map *m, uint32_t id)
{
	const uint32_t *i = map_get(m, (struct str){ (const char *)&id, sizeof(id) });

	return i ? *i : 0;
}

static void give(struct ids *ids, struct map *m, uint32_t id, const struct account *to)
{
	struct str key = { arena_copy(ids->a, &id, sizeof(id)), sizeof(id) };

	map_put(ids->a, m, key, (uint32_t)(to - ids->s->accounts.p) + 1);
}

/* Whether neither another user's nor another group's; @strict asks only after the same kind. */
static bool is_free(const struct ids *ids, const struct map *same, const struct map *other,
		    uint32_t id, const struct account *to, bool strict)
{
	uint32_t self = (uint32_t)(to - ids->s->accounts.p) + 1, by = holder(other, id);

	return holder(same, id) == 0 && (strict || by == 0 || by == self);
}

static bool give_gid(struct ids *ids, struct account *g, uint32_t id)
{
	g->has_gid = is_free(ids, &ids->groups, &ids->users, id, g, false);
	if (g->has_gid) {
		g->gid = id;
		give(ids, &ids->groups, id, g);
	}
	return g->has_gid;
}

static bool give_uid(struct ids *ids, struct account *u, uint32_t id)
{
	u->has_uid = is_free(ids, &ids->users, &ids->groups, id, u, u->primary.n > 0);
	if (u->has_uid) {
		u->uid = id;
		give(ids, &ids->users, id, u);
	}
	return u->has_uid;
}

/* An owner known by number; one known by name has its number already, so it is taken. */
static void ids_of_path(const struct tree *t, struct account *c)
{
	uint32_t id = c->id_path.n > 0 ? tree_find(t, c->id_path) : TREE_NONE;
	const struct tree_node *n;

	if (id == TREE_NONE)
		return;
	n = &t->nodes.p[id];
	if (c->is_user && n->user.n == 0 && !c->has_uid) {
		c->uid = n->uid;
		c->has_uid = true;
	}
	if (c->is_group && n->group.n == 0 && !c->has_gid) {
		c->gid = n->gid;
		c->has_gid = true;
	}
}

static int account_cmp(const void *x, const void *y)
{
	return str_cmp((*(struct account *const *)x)->name, (*(struct account *const *)y)->name);
}

static struct account **by_name(struct arena *a, const struct sysusers *s)
{
	struct account **ret = arena_array(a, s->accounts.n + 1, sizeof(*ret));

	for (size_t i = 0; i < s->accounts.n; i++)
		ret[i] = &s->accounts.p[i];
	qsort(ret, s->accounts.n, sizeof(*ret), account_cmp);
	return ret;
}

/* The highest number below *next that nobody has, as user or as group. */
static bool next_free(const struct ids *ids, uint64_t *next, uint32_t *ret)
{
	static const struct id_range standard = { ID_FIRST, ID_LAST };
	const struct id_range *ranges = ids->s->ranges.n > 0 ? ids->s->ranges.p : &standard;
	size_t n = ids->s->ranges.n > 0 ? ids->s->ranges.n : 1;

	while (*next > 0) {
		uint64_t below = 0; /* one more than the highest number that may be tried now */

		for (size_t i = 0; i < n; i++)
			if (*next > ranges[i].first && below <= ranges[i].last)
				below = *next <= ranges[i].last ? *next
								: (uint64_t)ranges[i].last + 1;
		if (below == 0)
			return false;
		*next = below - 1;
		*ret = (uint32_t)*next;
		if (*ret != UINT16_MAX && holder(&ids->users, *ret) == 0 &&
		    holder(&ids->groups, *ret) == 0)
			return true;
	}
	return false;
}

static int settle_one(struct ids *ids, struct account *c, uint64_t *next, struct err *e)
{
	bool need_gid = c->is_group && !c->has_gid, need_uid = c->is_user && !c->has_uid;
	uint32_t id;

	if (need_uid && c->is_group && c->has_gid)
		need_uid = !give_uid(ids, c, c->gid);
	if (!need_gid && !need_uid)
		return 0;
	if (!next_free(ids, next, &id))
		return err_set(
			e, -ENOSPC,
			"%.*s: no free id is left for '%.*s'; give it one, or add an 'r' line",
			STR_FMT(c->where), STR_FMT(c->name));
	if (need_gid)
		give_gid(ids, c, id);
	if (need_uid)
		give_uid(ids, c, id);
	return 0;
}

/* Wanted numbers first, groups before users, in order of declaration, as systemd-sysusers does; a
 * number that is taken is not an error there either, and another is chosen. The others in order of
 * names, which does not depend on files. */
static int settle(struct tree *t, struct arena *a, struct sysusers *s, struct err *e)
{
	struct ids ids = { .s = s, .a = a };
	struct account **sorted = by_name(a, s);
	uint64_t next = (uint64_t)UINT32_MAX + 1;
	int r = 0;

	vec_each(c, &s->accounts)
		ids_of_path(t, c);
	vec_each(c, &s->accounts)
		if (c->has_gid)
			give_gid(&ids, c, c->gid);
	vec_each(c, &s->accounts)
		if (c->has_uid)
			give_uid(&ids, c, c->uid);
	for (size_t i = 0; i < s->accounts.n; i++) /* before others take a number as theirs */
		if (sorted[i]->is_group && !sorted[i]->has_gid && sorted[i]->has_uid)
			give_gid(&ids, sorted[i], sorted[i]->uid);
	for (size_t i = 0; i < s->accounts.n && r == 0; i++)
		r = settle_one(&ids, sorted[i], &next, e);
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
		r = settle(t, &scratch, &s, e);
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
