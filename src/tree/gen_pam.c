/* SPDX-License-Identifier: MIT */
/* The common PAM stacks, from profiles that packages bring (Debian's format,
 * PAMConfigFrameworkSpec): those enabled by default, by priority, in the two blocks of each
 * template. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/trace.h"
#include "tree/gen.h"
#include "tree/generators.h"

#define PROFILES  "/usr/share/pam-configs"
#define TEMPLATES "/usr/share/pam"

enum { PRIORITY_MAX = 1 << 20 };

struct field {
	struct str name, value; /* perhaps of several lines */
};

struct profile {
	struct str name; /* of its file: what conflicts name */
	uint64_t priority;
	VEC(struct field) fields;
};

typedef VEC(struct profile) vec_profile;

/* A stack: its file, the fields of profiles that it is made of, and what its lines begin with. */
static const struct stack {
	const char *file, *field, *type;
} stacks[] = {
	{ "common-auth", "Auth", "auth" },
	{ "common-account", "Account", "account" },
	{ "common-password", "Password", "password" },
	{ "common-session", "Session", "session" },
	{ "common-session-noninteractive", "Session-noninteractive", "session" },
};

static struct str field(const struct profile *p, const char *name, const char *suffix)
{
	size_t n = strlen(name);

	vec_each(f, &p->fields)
		if (str_starts(f->name, name) && str_eqz(str_from(f->name, n), suffix))
			return str_trim(f->value);
	return (struct str){ 0 };
}

/* What @p gives to a stack. Unless it says that it is for interactive sessions only, all sessions
 * are alike. */
static struct str stack_field(const struct profile *p, const struct stack *s, const char *suffix)
{
	bool quiet = strcmp(s->field, "Session-noninteractive") == 0;

	if (quiet && !str_eqz(field(p, "Session-Interactive-Only", ""), "yes"))
		return field(p, "Session", suffix);
	return field(p, s->field, suffix);
}

/* "Name: value", then lines without a name that belong to the field above them. */
static int profile_parse(struct arena *a, struct str text, struct profile *p, struct err *e)
{
	for (unsigned line = 1; text.n > 0; line++) {
		struct str row = str_cut(&text, '\n'), value = row, name = str_cut(&value, ':');

		if (name.n < row.n && name.n > 0 && str_find(name, ' ') < 0 &&
		    str_find(name, '\t') < 0) {
			if (str_ends(name, "-Final")) /* as "Auth" was once called */
				name.n -= strlen("-Final");
			vec_push(a, &p->fields) = (struct field){ name, value };
		} else if (p->fields.n > 0) {
			struct field *f = &p->fields.p[p->fields.n - 1];

			f->value.n = (size_t)(row.p + row.n - f->value.p);
		} else if (str_trim(row).n > 0) {
			return err_set(e, -EBADMSG, "line %u: want 'NAME: VALUE', not '%.*s'", line,
				       STR_FMT(row));
		}
	}
	if (field(p, "Priority", "").n > 0 &&
	    !str_u64(field(p, "Priority", ""), PRIORITY_MAX, &p->priority))
		return err_set(e, -EBADMSG, "Priority: want a number up to %d, not '%.*s'",
			       PRIORITY_MAX, STR_FMT(field(p, "Priority", "")));
	return 0;
}

/* The highest priority first; of equal ones, the last name. */
static int profile_cmp(const void *x, const void *y)
{
	const struct profile *p = x, *q = y;

	return p->priority != q->priority ? (p->priority > q->priority ? -1 : 1)
					  : str_cmp(q->name, p->name);
}

static bool conflict(const struct profile *p, struct str name)
{
	struct str all = field(p, "Conflicts", "");

	while (all.n > 0)
		if (str_eq(str_trim(str_cut(&all, ',')), name))
			return true;
	return false;
}

/* A profile turns off those it names. */
static void drop_conflicts(vec_profile *v)
{
	for (size_t i = 0; i < v->n; i++)
		for (size_t k = v->n; k-- > 0;)
			if (i < v->n && conflict(&v->p[i], v->p[k].name)) {
				memmove(&v->p[k], &v->p[k + 1], (v->n - k - 1) * sizeof(*v->p));
				v->n--;
			}
}

static int read_profiles(const struct tree *t, uint32_t dir, vec_profile *ret, struct err *e)
{
	vec_id ids = { 0 };

	tree_children(t->a, t, dir, &ids);
	vec_each(id, &ids) {
		struct profile p = { .name = t->nodes.p[*id].name };
		struct str text;
		int r;

		r = gen_read(t->a, t, tree_path(t->a, t, *id), &text, e);
		if (r == 0)
			continue;
		if (r > 0)
			r = profile_parse(t->a, text, &p, e);
		if (r < 0)
			return err_wrap(e, r, PROFILES "/%.*s", STR_FMT(p.name));
		if (str_eqz(field(&p, "Default", ""), "yes"))
			vec_push(t->a, ret) = p;
	}
	if (ret->n > 0)
		qsort(ret->p, ret->n, sizeof(*ret->p), profile_cmp);
	drop_conflicts(ret);
	return 0;
}

/* Lines of a block, as they stand in the profiles. */
static void block_lines(struct arena *a, const vec_profile *profiles, const struct stack *s,
			const char *block, vec_str *ret)
{
	bool first = true;

	vec_each(p, profiles) {
		struct str lines, initial = stack_field(p, s, "-Initial");

		if (!str_eqz(stack_field(p, s, "-Type"), block))
			continue;
		lines = first && initial.n > 0 ? initial : stack_field(p, s, "");
		first = false;
		while (lines.n > 0) {
			struct str line = str_trim(str_cut(&lines, '\n'));

			if (line.n > 0)
				vec_push(a, ret) = line;
		}
	}
}

/* "[success=end default=ignore] MODULE OPTIONS": "end" becomes the number of lines to jump over. */
static int put_line(struct buf *b, const struct stack *s, struct str line, size_t jump,
		    struct err *e)
{
	struct str rest = line, control = str_word(&rest), module;

	if (str_starts(line, "["))
		control = str_head(line, (size_t)(str_find(line, ']') + 1));
	rest = str_from(line, control.n);
	module = str_word(&rest);
	if (control.n == 0 || module.n == 0)
		return err_set(e, -EBADMSG, "%s: want CONTROL MODULE [OPTIONS], not '%.*s'",
			       s->field, STR_FMT(line));
	buf_printf(b, "%s\t", s->type);
	for (size_t i = 0; i < control.n; i++) {
		if (control.p[0] == '[' && str_starts(str_from(control, i), "end")) {
			buf_printf(b, "%zu", jump);
			i += strlen("end") - 1;
		} else {
			buf_u8(b, (uint8_t)control.p[i]);
		}
	}
	/* As Debian's tool has it: the gap before the module stays, and a blank follows it in any
	 * case. */
	buf_put(b, control.p + control.n, (size_t)(module.p + module.n - control.p) - control.n);
	buf_u8(b, ' ');
	for (struct str word = str_word(&rest); word.n > 0;) {
		buf_put(b, word.p, word.n);
		word = str_word(&rest);
		if (word.n > 0)
			buf_u8(b, ' ');
	}
	buf_u8(b, '\n');
	return 0;
}

/* A primary block without modules permits, so that the template's jump over the refusal still
 * holds. Nothing follows an additional block to jump to: its last line is the farthest. */
static int put_block(struct buf *b, const vec_profile *profiles, const struct stack *s,
		     bool primary, struct err *e)
{
	vec_str lines = { 0 };
	int r = 0;

	block_lines(b->a, profiles, s, primary ? "Primary" : "Additional", &lines);
	if (primary && lines.n == 0)
		buf_printf(b, "%s\t[default=1]\t\t\tpam_permit.so\n", s->type);
	for (size_t i = 0; r == 0 && i < lines.n; i++)
		r = put_line(b, s, lines.p[i], lines.n - i - !primary, e);
	return r;
}

/* A template's landmarks: what stands between the first two, and between the last two, are the
 * blocks. */
static const char *const marks[] = {
	"# here are the per-package modules (the \"Primary\" block)",
	"# here's the fallback if no module succeeds",
	"# and here are more per-package modules (the \"Additional\" block)",
	"# end of pam-auth-update config",
};

static int stack_text(struct buf *b, struct str template, const vec_profile *profiles,
		      const struct stack *s, struct err *e)
{
	size_t mark = 0;
	int r = 0;

	while (r == 0 && template.n > 0) {
		struct str line = str_cut(&template, '\n');
		bool hit = mark < 4 && str_starts(line, marks[mark]);

		if (hit || mark % 2 == 0)
			buf_printf(b, "%.*s\n", STR_FMT(line));
		if (hit && mark % 2 == 0)
			r = put_block(b, profiles, s, mark == 0, e);
		mark += hit;
	}
	if (r == 0 && mark < 4)
		return err_set(e, -EBADMSG, "template " TEMPLATES "/%s: the line '%s' is missing",
			       s->file, marks[mark]);
	return r;
}

int gen_pam(struct tree *t, struct err *e)
{
	TRACE("PAM");
	uint32_t dir = tree_find(t, STR(PROFILES));
	vec_profile profiles = { 0 };
	int r = 0;

	if (dir == TREE_NONE)
		return 0;
	r = read_profiles(t, dir, &profiles, e);
	for (size_t i = 0; r == 0 && i < sizeof(stacks) / sizeof(stacks[0]); i++) {
		struct buf b = { .a = t->a };
		struct str template;

		r = gen_read(t->a, t, str_printf(t->a, TEMPLATES "/%s", stacks[i].file), &template,
			     e);
		if (r < 0)
			return r;
		if (r == 0)
			return err_set(e, -ENOENT,
				       "there are profiles in " PROFILES ", but no " TEMPLATES
				       "/%s",
				       stacks[i].file);
		r = stack_text(&b, template, &profiles, &stacks[i], e);
		if (r == 0)
			r = gen_put(t, str_printf(t->a, "/etc/pam.d/%s", stacks[i].file),
				    S_IFREG | 0644, (struct str){ (char *)b.v.p, b.v.n }, e);
	}
	return r;
}
