/* SPDX-License-Identifier: MIT */
#include "tree/sysusers.h"

#include "tree/gen.h"

/* NAME_BYTES_MAX: of utmp(5), less its NUL. */
enum { NAME_BYTES_MAX = 31, LINE_FIELDS = 6 };

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

/* 65535 and 2^32 - 1 are "no id" to 16 and 32 bit interfaces. */
static bool id_valid(struct str s, uint32_t *ret)
{
	uint64_t id;

	if (!str_u64(s, UINT32_MAX - 1, &id) || id == UINT16_MAX)
		return false;
	*ret = (uint32_t)id;
	return true;
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
	struct str primary = l->id, uid = l->id;
	uint32_t number;

	if (u->is_user)
		return 0;
	if (!str_starts(l->id, "/")) {
		uid = str_cut(&primary, ':');
		if (primary.n > 0 && !id_valid(primary, &number) && !name_valid(primary))
			return line_err(l, "want a primary group's name or number after ':'", l->id,
					e);
		u->primary = primary;
		u->has_uid = id_valid(uid, &u->uid);
		if (!u->has_uid && uid.n > 0 && !str_eqz(uid, "-"))
			return line_err(l, "want '-', a number, UID:GROUP or a path as id", l->id,
					e);
	} else {
		u->id_path = l->id;
	}
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

	if (g->has_gid)
		return 0;
	g->is_group = true;
	if (str_starts(l->id, "/")) {
		g->id_path = l->id;
		return 0;
	}
	g->has_gid = id_valid(l->id, &g->gid);
	if (!g->has_gid && l->id.n > 0 && !str_eqz(l->id, "-"))
		return line_err(l, "want '-', a number or a path as id", l->id, e);
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

static int add_range(struct arena *a, struct sysusers *s, const struct sysusers_line *l,
		     struct err *e)
{
	struct str last = l->id, first = str_cut(&last, '-');
	struct id_range r;

	if (l->name.n > 0)
		return line_err(l, "want '-' as name of a range", l->name, e);
	if (!id_valid(first, &r.first) || !id_valid(last.n > 0 ? last : first, &r.last) ||
	    r.first > r.last)
		return line_err(l, "want a range of ids, FROM-TO", l->id, e);
	vec_push(a, &s->ranges) = r;
	return 0;
}

int sysusers_add(struct arena *a, struct sysusers *s, const struct sysusers_line *l, struct err *e)
{
	bool user = str_eqz(l->type, "u") || str_eqz(l->type, "u!");

	if (str_eqz(l->type, "r"))
		return add_range(a, s, l, e);
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
