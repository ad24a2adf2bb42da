/* SPDX-License-Identifier: MIT */
/* /var is state, /run is memory, and units may mount more over the image's folders: what packages
 * and definitions hold there is made at boot by systemd-tmpfiles (tmpfiles.d(5)), after all of that
 * is mounted. */
#include <sys/stat.h>

#include "base/trace.h"
#include "tree/gen.h"
#include "tree/generators.h"
#include "tree/mounts.h"

#define FACTORY  "/usr/share/factory"
#define TMPFILES "/usr/lib/tmpfiles.d/ashlar-var.conf"

struct var {
	struct tree *t;
	struct arena *a; /* scratch */
	struct map declared;
	struct buf lines;
	struct err *e;
};

/* Lines of these types make their path; others adjust or remove what is there. */
static bool makes_path(struct str type)
{
	return type.n > 0 && strchr("dDvqQfFLCpcb", type.p[0]);
}

static int read_declared(struct var *v)
{
	vec_gen_file files;
	int r = gen_conf_files(v->t, "tmpfiles.d", ".conf", &files, v->e);

	if (r < 0)
		return r;
	vec_each(f, &files) {
		struct str text = f->text;

		while (text.n > 0) {
			struct str row = str_trim(str_cut(&text, '\n')), type, path;

			if (row.n == 0 || row.p[0] == '#' || gen_word(v->a, &row, &type) <= 0 ||
			    gen_word(v->a, &row, &path) <= 0 || !makes_path(type))
				continue;
			while (path.n > 1 && str_ends(path, "/"))
				path.n--;
			map_put(v->a, &v->declared, path, 1);
		}
	}
	return 0;
}

/* A path as a field: always in quotes, where '"' and '\\' need a backslash; and % begins a
 * specifier. Control characters have no form that all versions of systemd read. */
static int put_path(struct var *v, struct str path)
{
	buf_u8(&v->lines, '"');
	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];

		if (c < ' ' || c == 127)
			return err_set(
				v->e, -EINVAL,
				"%.*s: a path with a control character cannot stand in tmpfiles.d",
				STR_FMT(path));
		if (c == '"' || c == '\\')
			buf_u8(&v->lines, '\\');
		else if (c == '%')
			buf_u8(&v->lines, '%');
		buf_u8(&v->lines, c);
	}
	buf_u8(&v->lines, '"');
	return 0;
}

/* The last field runs to the end of the line, without quotes but with C escapes. */
static void put_argument(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == 127 || c == '\\')
			buf_printf(b, "\\x%02x", c);
		else if (c == '%')
			buf_printf(b, "%%%%");
		else
			buf_u8(b, c);
	}
}

static void put_owner(struct buf *b, struct str name, uint32_t id)
{
	if (name.n > 0)
		buf_printf(b, " %.*s", STR_FMT(name));
	else
		buf_printf(b, " %u", id);
}

static int put_made(struct var *v, char type, struct str path, const struct tree_node *n)
{
	int r;

	buf_printf(&v->lines, "%c ", type);
	r = put_path(v, path);
	buf_printf(&v->lines, " %04o", n->mode & 07777);
	put_owner(&v->lines, n->user, n->uid);
	put_owner(&v->lines, n->group, n->gid);
	buf_printf(&v->lines, " - -\n");
	return r;
}

static int put_link(struct var *v, struct str path, struct str target)
{
	int r;

	buf_printf(&v->lines, "L ");
	r = put_path(v, path);
	buf_printf(&v->lines, " - - - - ");
	put_argument(&v->lines, target);
	buf_u8(&v->lines, '\n');
	return r;
}

/* "C" without an argument copies from there. */
static int move_to_factory(struct var *v, uint32_t id, struct str path)
{
	struct tree_node n = v->t->nodes.p[id], content = v->t->nodes.p[tree_holder(v->t, id)];
	uint32_t copy = TREE_NONE;
	struct tree_node *to;
	int r = tree_put(v->t, str_cat(v->a, STR(FACTORY), path), n.mode, content.data, n.owner,
			 &copy, v->e);

	if (r < 0)
		return r;
	to = &v->t->nodes.p[copy];
	to->packed = content.packed;
	to->user = n.user, to->group = n.group;
	to->uid = n.uid, to->gid = n.gid;
	to->mtime_sec = n.mtime_sec;
	return put_made(v, 'C', path, &n);
}

static int declare(struct var *v, uint32_t id)
{
	const struct tree_node *n = &v->t->nodes.p[id];
	struct str path = tree_path(v->a, v->t, id);

	/* What a definition puts there is what is wanted; of two lines of one path the first
	 * counts, and our file's name comes before those of packages. */
	if (map_get(&v->declared, path) && (S_ISDIR(n->mode) || n->owner != TREE_OWNER_DEFINITION))
		return 0;
	if (S_ISDIR(n->mode)) /* one that nobody asked for is made as a parent */
		return n->owner == TREE_OWNER_IMPLIED ? 0 : put_made(v, 'd', path, n);
	if (S_ISLNK(n->mode))
		return put_link(v, path, n->data);
	if (S_ISREG(n->mode))
		return move_to_factory(v, id, path);
	return err_set(
		v->e, -EINVAL,
		"%.*s, from %.*s: only files, folders and links can be made below /var and /run",
		STR_FMT(path), STR_FMT(tree_owner_name(v->a, v->t, n->owner)));
}

static int declare_below(struct var *v, uint32_t folder)
{
	vec_id children;
	int r = 0;

	tree_children(v->a, v->t, folder, &children);
	for (size_t i = 0; i < children.n && r == 0; i++) {
		r = declare(v, children.p[i]);
		if (r == 0)
			r = declare_below(v, children.p[i]);
	}
	return r;
}

static int empty(struct var *v, const char *path)
{
	uint32_t id = tree_find_exact(v->t, str_c(path));
	vec_id children;
	int r;

	if (id == TREE_NONE || !S_ISDIR(v->t->nodes.p[id].mode))
		return 0;
	r = declare_below(v, id);
	if (r < 0)
		return r;
	tree_children(v->a, v->t, id, &children);
	vec_each(child, &children)
		tree_remove(v->t, *child);
	return 0;
}

static bool covers(struct str where, struct str path)
{
	return str_eq(str_head(path, where.n), where) &&
	       (path.n == where.n || path.p[where.n] == '/');
}

/* The first file or link there, or folder of a definition. */
static uint32_t hidden_in(struct var *v, uint32_t folder)
{
	uint32_t found = TREE_NONE;
	vec_id children;

	tree_children(v->a, v->t, folder, &children);
	for (size_t i = 0; i < children.n && found == TREE_NONE; i++) {
		const struct tree_node *n = &v->t->nodes.p[children.p[i]];

		if (!S_ISDIR(n->mode) || n->owner == TREE_OWNER_DEFINITION)
			return children.p[i];
		found = hidden_in(v, children.p[i]);
	}
	return found;
}

static int refuse_hidden(struct var *v, const struct mount *m)
{
	uint32_t folder = tree_find_exact(v->t, m->where), id;
	struct str path, by;

	if (folder == TREE_NONE || !S_ISDIR(v->t->nodes.p[folder].mode))
		return 0;
	id = hidden_in(v, folder);
	if (id == TREE_NONE)
		return 0;
	path = tree_path(v->a, v->t, id);
	by = tree_owner_name(v->a, v->t, v->t->nodes.p[id].owner);
	return err_set(
		v->e, -EINVAL,
		"%.*s, from %.*s, would never be seen: %.*s mounts something else on %.*s; put it "
		"elsewhere, or leave one of the two out",
		STR_FMT(path), STR_FMT(by), STR_FMT(m->by), STR_FMT(m->where));
}

static int empty_mounts(struct var *v)
{
	vec_mount mounts;
	int r = mounts_find(v->a, v->t, &mounts, v->e);

	for (size_t i = 0; r == 0 && i < mounts.n; i++) {
		const struct mount *m = &mounts.p[i];

		if (covers(STR("/var"), m->where) || covers(STR("/run"), m->where))
			continue;
		r = m->writable ? empty(v, str_z(v->a, m->where)) : refuse_hidden(v, m);
	}
	return r;
}

/* Links that programs expect and that no package may bring: old names of /run, and RPM's database
 * for programs that look where it used to be. */
static const struct {
	const char *link, *target, *needs;
} old_names[] = {
	{ "/var/lib/rpm", "../../usr/lib/sysimage/rpm", "/usr/lib/sysimage/rpm" },
	{ "/var/lock", "../run/lock", "/" },
	{ "/var/run", "../run", "/" },
};

static int put_old_names(struct var *v)
{
	int r = 0;

	for (size_t i = 0; i < sizeof(old_names) / sizeof(old_names[0]) && r == 0; i++) {
		struct str link = str_c(old_names[i].link);

		if (!map_get(&v->declared, link) && tree_find_exact(v->t, link) == TREE_NONE &&
		    tree_find(v->t, str_c(old_names[i].needs)) != TREE_NONE)
			r = put_link(v, link, str_c(old_names[i].target));
	}
	return r;
}

int gen_var(struct tree *t, struct err *e)
{
	TRACE("/var");
	_cleanup_arena_ struct arena scratch = { 0 };
	struct var v = { .t = t, .a = &scratch, .lines.a = t->a, .e = e };
	int r;

	r = read_declared(&v);
	buf_printf(&v.lines, "# What packages hold below /var and /run.\n");
	if (r == 0)
		r = put_old_names(&v);
	if (r == 0)
		r = empty(&v, "/run");
	if (r == 0)
		r = empty(&v, "/var");
	if (r == 0)
		r = empty_mounts(&v);
	if (r < 0)
		return r;
	return tree_put(t, STR(TMPFILES), S_IFREG | 0644,
			(struct str){ (const char *)v.lines.v.p, v.lines.v.n },
			TREE_OWNER_GENERATOR, NULL, e);
}
