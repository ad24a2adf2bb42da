/* SPDX-License-Identifier: MIT */
#include "tree/sysusers.h"

#include "tree/gen.h"

/* NAME_BYTES_MAX: of utmp(5), less its NUL. */
enum { NAME_BYTES_MAX = 31, LINE_FIELDS = 6, NOBODY = 65534 };

static int line_err(const struct sysusers_line *l, const char *what, struct str value,
		    struct err *e)
{
	return err_set(e, -EBADMSG, "%.*s: %s: '%.*s'", STR_FMT(l->where), what, STR_FMT(value));
}

static bool name_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool first = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!first && (i == 0 || !((c >= '0' && c <= '9') || c == '-')))
			return false;
	}
	return s.n > 0 && s.n <= NAME_BYTES_MAX;
}

/* A field of passwd(5) cannot hold its separators. */
static bool field_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == ':' || (unsigned char)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	return true;
}

/* What systemd gives ids of by itself, and so must not be anybody's (systemd's UIDS-GIDS.md). */
static const struct {
	uint32_t first, last;
	const char *use;
} reserved[] = {
	{ 60001, 60513, "homes of systemd-homed" },
	{ 60514, 60577, "users of the host in containers" },
	{ 60578, 60705, "login screens" },
	{ 61184, 65519, "services with DynamicUser=" },
	{ 524288, 1879048191, "containers" },
	{ 2147352576, 2147418111, "images of others" },
	{ 2147483648, UINT32_MAX, "nobody, as programs take them for negative numbers" },
};

/* 65535 and 2^32 - 1 are "no id" to 16 and 32 bit interfaces. */
static bool id_valid(struct str s, uint32_t *ret)
{
	uint64_t id;

	if (!str_u64(s, UINT32_MAX - 1, &id) || id == UINT16_MAX)
		return false;
	*ret = (uint32_t)id;
	return true;
}

/* An account with root's id is root, whatever its name; and files of the overflow id belong to
 * whoever has no id here. */
static int id_check(const struct sysusers_line *l, const char *kind, uint32_t id, struct err *e)
{
	bool nobody = str_eqz(l->name, "nobody") || str_eqz(l->name, "nogroup");
	const char *whose = id == 0 ? "root" : "nobody";

	if (id == 0 ? !str_eqz(l->name, "root") : id == NOBODY && !nobody)
		return err_set(e, -EBADMSG,
			       "%.*s: %s '%.*s' wants the id %u, which is %s's; want another one",
			       STR_FMT(l->where), kind, STR_FMT(l->name), id, whose);
	if (id != 0 && str_eqz(l->name, "root"))
		return err_set(e, -EBADMSG, "%.*s: %s 'root' wants the id %u; want 0",
			       STR_FMT(l->where), kind, id);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (id >= reserved[i].first && id <= reserved[i].last)
			return err_set(
				e, -EBADMSG,
				"%.*s: %s '%.*s' wants the id %u; those from %u to %u are for %s; want "
				"one of 1000 to 60000, or \"-\"",
				STR_FMT(l->where), kind, STR_FMT(l->name), id, reserved[i].first,
				reserved[i].last, reserved[i].use);
	return 0;
}

/* "UID", "UID:GROUP", "-:GROUP", "-" */
struct user_id {
	struct str primary;
	bool has_uid;
	uint32_t uid;
};

static int user_id_parse(const struct sysusers_line *l, struct user_id *ret, struct err *e)
{
	struct user_id id = { .primary = l->id };
	struct str uid = str_cut(&id.primary, ':');
	uint32_t number;

	if (id.primary.n > 0 && !id_valid(id.primary, &number) && !name_valid(id.primary))
		return line_err(l, "want a primary group's name or number after ':'", l->id, e);
	id.has_uid = id_valid(uid, &id.uid);
	if (!id.has_uid && uid.n > 0 && !str_eqz(uid, "-"))
		return line_err(l, "want '-', a number, UID:GROUP or a path as id", l->id, e);
	if (!id.has_uid && str_eqz(l->name, "root"))
		id.has_uid = true; /* 0 */
	*ret = id;
	return id.has_uid ? id_check(l, "user", id.uid, e) : 0;
}

/* Of two files, or of two definitions, neither of which comes first. */
static int two_ids(const struct sysusers_line *l, const char *kind, uint32_t id, struct str where,
		   uint32_t other, struct err *e)
{
	return err_set(e, -EBADMSG,
		       "%.*s: %s '%.*s' wants the id %u here and %u in %.*s; want one of them",
		       STR_FMT(l->where), kind, STR_FMT(l->name), id, other, STR_FMT(where));
}

struct account *sysusers_find(const struct sysusers *s, struct str name)
{
	const uint32_t *i = map_get(&s->names, name);

	return i ? &s->accounts.p[*i] : NULL;
}

static struct account *account_of(struct arena *a, struct sysusers *s, struct str name,
				  struct str where)
{
	struct account *found = sysusers_find(s, name);

	if (found)
		return found;
	map_put(a, &s->names, name, (uint32_t)s->accounts.n);
	vec_push(a, &s->accounts) = (struct account){ .name = name, .where = where };
	return &s->accounts.p[s->accounts.n - 1];
}

static int add_user(struct arena *a, struct sysusers *s, const struct sysusers_line *l,
		    struct err *e)
{
	struct account *u = account_of(a, s, l->name, l->where);
	struct user_id id = { 0 };
	int r = str_starts(l->id, "/") ? 0 : user_id_parse(l, &id, e);

	if (r < 0)
		return r;
	if (u->is_user && id.has_uid && u->has_uid && id.uid != u->uid && l->rank == u->uid_rank)
		return two_ids(l, "user", id.uid, u->where, u->uid, e);
	if (u->is_user)
		return 0;
	if (str_starts(l->id, "/"))
		u->id_path = l->id;
	u->primary = id.primary;
	u->has_uid = id.has_uid;
	u->uid = id.uid;
	u->uid_rank = l->rank;
	if (!field_valid(l->gecos))
		return line_err(l, "a description cannot hold ':' or control characters", l->gecos,
				e);
	if ((l->home.n > 0 && !str_starts(l->home, "/")) || !field_valid(l->home))
		return line_err(l, "want an absolute path as home directory", l->home, e);
	if ((l->shell.n > 0 && !str_starts(l->shell, "/")) || !field_valid(l->shell))
		return line_err(l, "want an absolute path as shell", l->shell, e);
	u->is_user = true;
	u->is_group |= u->primary.n == 0;
	u->locked = str_eqz(l->type, "u!");
	u->where = l->where;
	u->gecos = l->gecos;
	u->home = l->home;
	u->shell = l->shell;
	return 0;
}

/* A group that a "u" line implied takes the number of a later "g" line. */
static int add_group(struct arena *a, struct sysusers *s, const struct sysusers_line *l,
		     struct err *e)
{
	struct account *g = account_of(a, s, l->name, l->where);
	uint32_t gid = 0;
	bool has_gid = id_valid(l->id, &gid) || str_eqz(l->name, "root");
	int r = has_gid ? id_check(l, "group", gid, e) : 0;

	if (r < 0)
		return r;
	if (has_gid && g->has_gid && gid != g->gid && l->rank == g->gid_rank)
		return two_ids(l, "group", gid, g->gid_where, g->gid, e);
	if (g->has_gid)
		return 0;
	g->is_group = true;
	if (str_starts(l->id, "/")) {
		g->id_path = l->id;
		return 0;
	}
	if (!has_gid && l->id.n > 0 && !str_eqz(l->id, "-"))
		return line_err(l, "want '-', a number or a path as id", l->id, e);
	g->has_gid = has_gid;
	g->gid = gid;
	g->gid_where = l->where;
	g->gid_rank = l->rank;
	return 0;
}

static int add_member(struct arena *a, struct sysusers *s, const struct sysusers_line *l,
		      struct err *e)
{
	struct account *g;

	if (!name_valid(l->id))
		return line_err(l, "want a group's name", l->id, e);
	account_of(a, s, l->name, l->where);
	g = account_of(a, s, l->id, l->where);
	vec_each(member, &g->members)
		if (str_eq(*member, l->name))
			return 0;
	vec_push(a, &g->members) = l->name;
	return 0;
}

static int check_range(const struct sysusers_line *l, struct err *e)
{
	struct str last = l->id, first = str_cut(&last, '-');
	uint32_t from, to;

	if (l->name.n > 0)
		return line_err(l, "want '-' as name of a range", l->name, e);
	if (!id_valid(first, &from) || !id_valid(last.n > 0 ? last : first, &to) || from > to)
		return line_err(l, "want a range of ids, FROM-TO", l->id, e);
	return 0;
}

int sysusers_add(struct arena *a, struct sysusers *s, const struct sysusers_line *l, struct err *e)
{
	bool user = str_eqz(l->type, "u") || str_eqz(l->type, "u!");

	if (str_eqz(l->type, "r"))
		return check_range(l, e);
	if (!user && !str_eqz(l->type, "g") && !str_eqz(l->type, "m"))
		return line_err(l, "unknown type, want u, u!, g, m or r", l->type, e);
	if (!name_valid(l->name))
		return line_err(l, "not a name of a user or group", l->name, e);
	if (user)
		return add_user(a, s, l, e);
	if (l->gecos.n > 0 || l->home.n > 0 || l->shell.n > 0)
		return line_err(l, "only users have a description, a home and a shell", l->name, e);
	return str_eqz(l->type, "g") ? add_group(a, s, l, e) : add_member(a, s, l, e);
}

/* All specifiers but %% speak of the running machine, which an image does not know. */
static bool expand(struct str *field)
{
	size_t n = 0;
	char *p = (char *)(uintptr_t)field->p; /* a word just made by gen_word() */

	for (size_t i = 0; i < field->n; i++) {
		if (p[i] == '%' && (++i >= field->n || p[i] != '%'))
			return false;
		p[n++] = p[i];
	}
	field->n = n;
	return true;
}

static int parse_line(struct arena *a, struct str row, struct sysusers *s, struct str where,
		      struct err *e)
{
	struct str fields[LINE_FIELDS] = { 0 }, more;
	struct sysusers_line l = { .where = where };

	for (size_t i = 0; i < LINE_FIELDS; i++) {
		if (gen_word(a, &row, &fields[i]) < 0)
			return line_err(&l, "a quote has no end", row, e);
		if (!expand(&fields[i]))
			return line_err(&l, "the only specifier known at build time is %%",
					fields[i], e);
		if (str_eqz(fields[i], "-"))
			fields[i] = (struct str){ 0 };
	}
	if (gen_word(a, &row, &more) != 0)
		return line_err(&l, "more than six fields", more, e);
	l.type = fields[0], l.name = fields[1], l.id = fields[2];
	l.gecos = fields[3], l.home = fields[4], l.shell = fields[5];
	return sysusers_add(a, s, &l, e);
}

int sysusers_parse(struct arena *a, struct str text, const char *name, struct sysusers *s,
		   struct err *e)
{
	for (unsigned number = 1; text.n > 0; number++) {
		struct str row = str_trim(str_cut(&text, '\n'));
		int r;

		if (row.n == 0 || row.p[0] == '#')
			continue;
		r = parse_line(a, row, s, str_printf(a, "%s:%u", name, number), e);
		if (r < 0)
			return r;
	}
	return 0;
}

void sysusers_add_implied(struct arena *a, struct sysusers *s)
{
	size_t n = s->accounts.n;

	for (size_t i = 0; i < n; i++) {
		struct account *g = &s->accounts.p[i];

		g->is_group |= g->members.n > 0;
		vec_each(member, &g->members) {
			struct account *u = account_of(a, s, *member, g->where);

			u->is_group |= !u->is_user;
			u->is_user = true;
		}
	}
}
