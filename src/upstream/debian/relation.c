/* SPDX-License-Identifier: MIT */
#include "upstream/debian/relation.h"

#include "upstream/debian/version.h"

#define VIRTUAL "~virtual"

/* Policy 5.6.1 and 5.6.7, and capital letters, which some archives use. */
bool package_name_valid(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    (i == 0 || !memchr("+-._", c, 4)))
			return false;
	}
	return name.n > 0;
}

static int operator_parse(struct str op, unsigned *ret)
{
	/* "<" and ">" are the old spelling of "<=" and ">=" (dpkg still reads them so). */
	static const struct {
		const char *text;
		unsigned op;
	} operators[] = {
		{ "=", DEP_EQUAL },
		{ ">=", DEP_GREATER | DEP_EQUAL },
		{ "<=", DEP_LESS | DEP_EQUAL },
		{ ">>", DEP_GREATER },
		{ "<<", DEP_LESS },
		{ ">", DEP_GREATER | DEP_EQUAL },
		{ "<", DEP_LESS | DEP_EQUAL },
	};

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (str_eqz(op, operators[i].text)) {
			*ret = operators[i].op;
			return 0;
		}
	return -EBADMSG;
}

/* "(>= 1.2)": @inside is what stands between. */
static int bound_parse(struct str inside, struct relation *r)
{
	size_t n = 0;

	inside = str_trim(inside);
	while (n < inside.n && memchr("<>=", inside.p[n], 3))
		n++;
	r->version = str_trim(str_from(inside, n));
	if (r->version.n == 0 || memchr(r->version.p, ' ', r->version.n))
		return -EBADMSG;
	return operator_parse(str_head(inside, n), &r->op);
}

static int relation_parse(struct str text, struct relation *ret, struct err *e)
{
	struct str all = str_trim(text), rest = all, name = all;
	struct relation r = { 0 };
	ptrdiff_t open = str_find(all, '(');

	if (open >= 0) {
		name = str_trim(str_head(all, (size_t)open));
		rest = str_from(all, (size_t)open + 1);
		if (!str_ends(rest, ")") || bound_parse(str_head(rest, rest.n - 1), &r) < 0)
			return err_set(e, -EBADMSG,
				       "'%.*s': want '(OPERATOR VERSION)' after the name",
				       STR_FMT(str_head(all, 100)));
	}
	r.name = str_cut(&name, ':');
	r.arch = name;
	if (!package_name_valid(r.name) || (r.arch.n > 0 && !package_name_valid(r.arch)))
		return err_set(e, -EBADMSG, "'%.*s' is not the name of a package",
			       STR_FMT(str_head(all, 100)));
	*ret = r;
	return 0;
}

int relation_next(struct str *field, struct relation_group *ret, struct err *e)
{
	struct str text = { 0 };

	while (field->n > 0 && text.n == 0)
		text = str_trim(str_cut(field, ','));
	for (ret->n = 0; text.n > 0; ret->n++) {
		int rc;

		if (ret->n == RELATION_ALTERNATIVES_MAX)
			return err_set(e, -EBADMSG, "'%.*s' is behind more than %d alternatives",
				       STR_FMT(str_head(text, 100)), RELATION_ALTERNATIVES_MAX);
		rc = relation_parse(str_cut(&text, '|'), &ret->items[ret->n], e);
		if (rc < 0)
			return rc;
	}
	return ret->n > 0;
}

/* Room for just what @field holds: half a million vectors that grow as they like would take twice
 * the memory. */
static void reserve(struct arena *a, vec_dep *deps, struct str field)
{
	size_t n = deps->n + (field.n > 0);
	struct dep *p;

	for (size_t i = 0; i < field.n; i++)
		n += field.p[i] == ',';
	if (n <= deps->cap)
		return;
	p = arena_array(a, n, sizeof(*p));
	for (size_t i = 0; i < deps->n; i++)
		p[i] = deps->p[i];
	deps->p = p;
	deps->cap = n;
}

/* One relation of dpkg's as one dependency. */
static int dep_from(struct arena *a, const struct relation *r, struct str arch, struct dep *ret,
		    struct err *e)
{
	struct dep d = { .name = r->name, .op = r->op };
	struct rpm_version v = { 0 };
	int rc = r->op == DEP_ANY ? 0 : version_parse(a, r->version, &v, e);

	if (rc < 0)
		return err_wrap(e, rc, "'%.*s'", STR_FMT(r->name));
	d.evr = v.evr;
	if (r->arch.n > 0 && !str_eqz(r->arch, "any") && !str_eqz(r->arch, "native") &&
	    !str_eq(r->arch, arch))
		d.name = str_printf(a, "%.*s:%.*s", STR_FMT(r->name), STR_FMT(r->arch));
	*ret = d;
	return 0;
}

static struct dep dep_join(struct arena *a, const struct dep *deps, size_t n)
{
	struct buf b = { .a = a };

	if (n == 1)
		return deps[0];
	for (size_t i = 0; i < n; i++) {
		struct str text = dep_text(a, &deps[i]);

		buf_put(&b, i ? " or " : "(", i ? 4 : 1);
		buf_put(&b, text.p, text.n);
	}
	buf_put(&b, ")", 1);
	return (struct dep){ .name = { (const char *)b.v.p, b.v.n } };
}

int relation_requires(struct arena *a, struct str field, struct str arch, vec_dep *ret,
		      struct err *e)
{
	struct relation_group group;
	int rc;

	reserve(a, ret, field);
	while ((rc = relation_next(&field, &group, e)) > 0) {
		struct dep deps[RELATION_ALTERNATIVES_MAX];

		for (size_t i = 0; i < group.n && rc >= 0; i++)
			rc = dep_from(a, &group.items[i], arch, &deps[i], e);
		if (rc < 0)
			return rc;
		vec_push(a, ret) = dep_join(a, deps, group.n);
	}
	return rc;
}

static int single(struct str *field, struct relation_group *ret, struct err *e)
{
	int rc = relation_next(field, ret, e);

	if (rc > 0 && ret->n > 1)
		return err_set(e, -EBADMSG, "'%.*s': alternatives are for dependencies only",
			       STR_FMT(ret->items[0].name));
	return rc;
}

int relation_provides(struct arena *a, struct str field, vec_dep *ret, struct err *e)
{
	struct relation_group group;
	const struct relation *r = &group.items[0];
	int rc;

	reserve(a, ret, field);
	while ((rc = single(&field, &group, e)) > 0) {
		struct rpm_version v = { .evr = STR(VIRTUAL) };

		if (r->op != DEP_ANY && r->op != DEP_EQUAL)
			return err_set(e, -EBADMSG, "'%.*s': only an exact version can be provided",
				       STR_FMT(r->name));
		if (r->op == DEP_EQUAL)
			rc = version_parse(a, r->version, &v, e);
		if (rc < 0)
			return err_wrap(e, rc, "'%.*s'", STR_FMT(r->name));
		vec_push(a, ret) = (struct dep){ .name = r->name, .evr = v.evr, .op = DEP_EQUAL };
	}
	return rc;
}

int relation_replaces(struct arena *a, struct str field, vec_dep *ret, struct err *e)
{
	struct relation_group group;
	int rc;

	reserve(a, ret, field);
	while ((rc = single(&field, &group, e)) > 0) {
		struct dep d;

		rc = dep_from(a, &group.items[0], (struct str){ 0 }, &d, e);
		if (rc < 0)
			return rc;
		vec_push(a, ret) = d;
	}
	return rc;
}

int relation_conflicts(struct arena *a, struct str field, struct str arch, vec_dep *ret,
		       struct err *e)
{
	struct relation_group group;
	int rc;

	reserve(a, ret, field);
	while ((rc = single(&field, &group, e)) > 0) {
		struct dep d;

		rc = dep_from(a, &group.items[0], arch, &d, e);
		if (rc < 0)
			return rc;
		if (d.op & DEP_LESS)
			d = (struct dep){ .name = str_printf(a, "(%.*s with %.*s > " VIRTUAL ")",
							     STR_FMT(dep_text(a, &d)),
							     STR_FMT(d.name)) };
		vec_push(a, ret) = d;
	}
	return rc;
}

static bool name_dropped(struct str name, const vec_str *drop)
{
	vec_each(pattern, drop)
		if (str_glob(*pattern, name))
			return true;
	return false;
}

/* Takes the next alternative off the inside of "(a or b)". */
static struct str alternative_cut(struct str *inside)
{
	const char * or = memmem(inside->p, inside->n, " or ", 4);
	struct str head = *inside;

	if (! or) {
		*inside = (struct str){ 0 };
		return head;
	}
	head.n = (size_t)(or -head.p);
	*inside = str_from(*inside, head.n + 4);
	return head;
}

bool dep_without(struct arena *a, struct dep *d, const vec_str *drop)
{
	struct str inside = d->name;
	VEC(struct dep) kept = { 0 };
	size_t n = 0;

	if (drop->n == 0)
		return true;
	if (!str_starts(d->name, "("))
		return !name_dropped(d->name, drop);
	/* Only what relation_requires() wrote is taken apart; other rich dependencies stay whole.
	 */
	inside = str_head(str_from(inside, 1), inside.n - 2);
	if (str_find(inside, '(') >= 0 || str_has(inside, " and ") || str_has(inside, " if "))
		return true;
	for (; inside.n > 0; n++) {
		struct dep one;

		if (!dep_parse(alternative_cut(&inside), &one))
			return true;
		if (!name_dropped(one.name, drop))
			vec_push(a, &kept) = one;
	}
	if (kept.n < n && kept.n > 0)
		*d = dep_join(a, kept.p, kept.n);
	return kept.n > 0;
}
