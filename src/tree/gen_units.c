/* SPDX-License-Identifier: MIT */
/* What definitions say becomes a preset file, which comes before all others; a last one disables
 * the rest. Presets are then applied to every unit file, just as "systemctl preset-all" does it, so
 * that a first boot, which does that again (systemd.preset(5)), finds all as it would make it. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/trace.h"
#include "tree/gen.h"
#include "tree/generators.h"
#include "tree/unit.h"

#define ETC_UNITS    "/etc/systemd/system"
#define USR_UNITS    "/usr/lib/systemd/system"
#define PRESET_FIRST "/usr/lib/systemd/system-preset/00-ashlar.preset"
#define PRESET_LAST  "/usr/lib/systemd/system-preset/99-ashlar.preset"

enum wish { WISH_ENABLE, WISH_DISABLE, WISH_MASK };

/* What definitions want of a unit: the last one counts. */
struct unit_wish {
	struct str name, source;
	enum wish wish;
};

struct units {
	struct tree *t;
	struct arena *a; /* scratch */
	vec_str files;   /* names of unit files, sorted */
	VEC(struct unit_wish) wishes;
	struct map wished, enabled;
	struct err *e;
};

struct unit_file {
	struct str path;     /* empty: there is none */
	struct str alias_of; /* the link's target, when it is one */
	bool masked;
};

/* The file of this very name; one in /etc hides that in /usr. */
static struct unit_file file_named(const struct units *u, struct str name)
{
	static const char *const folders[] = { ETC_UNITS, USR_UNITS };
	struct unit_file f = { 0 };

	for (size_t i = 0; i < 2 && f.path.n == 0; i++) {
		struct str path = str_printf(u->t->a, "%s/%.*s", folders[i], STR_FMT(name));
		uint32_t id = tree_find_exact(u->t, path);
		struct str rest;

		if (id == TREE_NONE || S_ISDIR(u->t->nodes.p[id].mode))
			continue;
		f.path = path;
		if (S_ISLNK(u->t->nodes.p[id].mode)) {
			rest = u->t->nodes.p[id].data;
			f.masked = str_eqz(rest, "/dev/null");
			while (str_find(rest, '/') >= 0)
				str_cut(&rest, '/');
			f.alias_of = rest;
		}
		f.masked |= f.alias_of.n == 0 && tree_size(u->t, id) == 0;
	}
	return f;
}

/* The file that describes @name: its own, or its template's. */
static struct unit_file file_of(const struct units *u, const struct unit_name *name)
{
	struct unit_file f = file_named(u, name->full);

	if (f.path.n == 0 && name->instance.n > 0)
		f = file_named(u, name->template);
	return f;
}

static int install_of(const struct units *u, const struct unit_file *f, struct unit_install *ret)
{
	struct str text;
	int r = gen_read(u->t->a, u->t, f->path, &text, u->e);

	if (r < 0)
		return r;
	unit_install_parse(u->a, text, ret);
	return 0;
}

static void list_files(struct units *u)
{
	static const char *const folders[] = { ETC_UNITS, USR_UNITS };
	struct map seen = { 0 };
	struct unit_name name;

	u->files.n = 0;
	for (size_t i = 0; i < 2; i++) {
		uint32_t id = tree_find(u->t, str_c(folders[i]));
		vec_id children = { 0 };

		if (id != TREE_NONE)
			tree_children(u->a, u->t, id, &children);
		vec_each(child, &children) {
			const struct tree_node *n = &u->t->nodes.p[*child];

			if (S_ISDIR(n->mode) || !unit_name_parse(u->a, n->name, &name) ||
			    map_get(&seen, n->name))
				continue;
			map_put(u->a, &seen, n->name, 1);
			vec_push(u->a, &u->files) = n->name;
		}
	}
	if (u->files.n > 1)
		qsort(u->files.p, u->files.n, sizeof(*u->files.p), gen_str_cmp);
}

static int no_unit(const struct units *u, struct str source, struct str name)
{
	const struct str *near = str_nearest(u->files.p, u->files.n, name);

	if (near)
		return err_set(u->e, -ENOENT,
			       "%.*s: unit '%.*s' is in no chosen package; did you mean '%.*s'?",
			       STR_FMT(source), STR_FMT(name), STR_FMT(*near));
	return err_set(u->e, -ENOENT, "%.*s: unit '%.*s' is in no chosen package", STR_FMT(source),
		       STR_FMT(name));
}

/* Follows a package's links from one name to another, since presets speak of files, not of links.
 */
static int real_name(const struct units *u, struct str source, struct str wanted, struct str *ret)
{
	struct str name = wanted;

	for (unsigned depth = 0; depth < TREE_LINKS_MAX; depth++) {
		struct unit_name n, to;
		struct unit_file f;

		if (!unit_name_parse(u->a, name, &n))
			return err_set(u->e, -EINVAL,
				       "%.*s: '%.*s' is not a unit's name, such as 'x.service'",
				       STR_FMT(source), STR_FMT(name));
		f = file_of(u, &n);
		if (f.path.n == 0)
			return no_unit(u, source, wanted);
		if (f.masked || f.alias_of.n == 0 || str_eq(f.alias_of, n.template) ||
		    str_eq(f.alias_of, name)) {
			*ret = name;
			return 0;
		}
		name = f.alias_of;
		if (n.instance.n > 0 && unit_name_parse(u->a, name, &to) &&
		    str_eq(to.template, name))
			name = unit_instance(u->a, &to, n.instance);
	}
	return err_set(u->e, -ELOOP, "%.*s: unit '%.*s': links lead nowhere", STR_FMT(source),
		       STR_FMT(wanted));
}

static int add_wishes(struct units *u, const vec_str *names, enum wish wish, struct str source)
{
	vec_each(wanted, names) {
		struct str name = *wanted;
		uint32_t *known;
		int r = wish == WISH_MASK ? 0 : real_name(u, source, *wanted, &name);

		if (r < 0)
			return r;
		known = map_get(&u->wished, name);
		if (!known) {
			map_put(u->a, &u->wished, name, (uint32_t)u->wishes.n);
			vec_push(u->a, &u->wishes) = (struct unit_wish){ name, source, wish };
		} else {
			u->wishes.p[*known] = (struct unit_wish){ name, source, wish };
		}
	}
	return 0;
}

/* Whether some unit's [Install] would make that name. */
static int is_alias(struct units *u, struct str wanted, bool *ret)
{
	*ret = false;
	vec_each(file, &u->files) {
		struct unit_file f = file_named(u, *file);
		struct unit_install install;
		int r = f.masked || f.alias_of.n > 0 ? 0 : install_of(u, &f, &install);

		if (r < 0)
			return r;
		if (f.masked || f.alias_of.n > 0)
			continue;
		vec_each(alias, &install.alias)
			*ret |= str_eq(*alias, wanted);
	}
	return 0;
}

/* A mask of nothing is a typo, but for types that generators make on the machine, and in features,
 * which serve other images, too. */
static int check_masks(struct units *u, const struct conf_feature *own)
{
	static const char *const of_files[] = { ".service", ".socket", ".target", ".path",
						".timer" };

	vec_each(name, &own->mask_units)
		for (size_t i = 0; i < sizeof(of_files) / sizeof(*of_files); i++) {
			struct unit_name n;
			bool alias;
			int r;

			if (!str_ends(*name, of_files[i]) || !unit_name_parse(u->a, *name, &n) ||
			    file_of(u, &n).path.n > 0)
				continue;
			r = is_alias(u, *name, &alias);
			if (r == 0 && !alias)
				r = no_unit(u, own->source, *name);
			if (r < 0)
				return r;
		}
	return 0;
}

static int collect(struct units *u, const struct conf_package *packages, size_t n,
		   const struct conf_image *image)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct conf_package *p = &packages[i];

		r = add_wishes(u, &p->enable_units, WISH_ENABLE, p->source);
		if (r == 0)
			r = add_wishes(u, &p->disable_units, WISH_DISABLE, p->source);
		if (r == 0)
			r = add_wishes(u, &p->mask_units, WISH_MASK, p->source);
	}
	for (size_t i = 0; i < image->parts.n && r == 0; i++) {
		const struct conf_feature *p = &image->parts.p[i];

		r = add_wishes(u, &p->enable_units, WISH_ENABLE, p->source);
		if (r == 0)
			r = add_wishes(u, &p->disable_units, WISH_DISABLE, p->source);
		if (r == 0)
			r = add_wishes(u, &p->mask_units, WISH_MASK, p->source);
	}
	if (r == 0 && image->parts.n > 0) /* the image's own lists */
		r = check_masks(u, &image->parts.p[image->parts.n - 1]);
	return r;
}

static int wish_cmp(const void *x, const void *y)
{
	return str_cmp(((const struct unit_wish *)x)->name, ((const struct unit_wish *)y)->name);
}

static int mask(struct units *u)
{
	int r = 0;

	vec_each(w, &u->wishes) {
		struct str path = str_printf(u->t->a, ETC_UNITS "/%.*s", STR_FMT(w->name));

		if (w->wish == WISH_MASK && r == 0)
			r = tree_put(u->t, path, S_IFLNK | 0777, STR("/dev/null"),
				     TREE_OWNER_GENERATOR, NULL, u->e);
	}
	return r;
}

/* A definition that enables what cannot be enabled is a mistake. */
static int check_wish(struct units *u, const struct unit_wish *w)
{
	struct unit_install install;
	struct unit_name name;
	struct unit_file f;
	int r;

	if (!unit_name_parse(u->a, w->name, &name))
		return err_set(u->e, -EINVAL, "'%.*s' is not a unit's name", STR_FMT(w->name));
	f = file_of(u, &name);
	if (f.masked)
		return err_set(u->e, -EINVAL, "%.*s: unit '%.*s' cannot be enabled: %.*s masks it",
			       STR_FMT(w->source), STR_FMT(w->name), STR_FMT(f.path));
	r = install_of(u, &f, &install);
	if (r < 0)
		return r;
	if (!install.any)
		return err_set(
			u->e, -EINVAL,
			"%.*s: unit '%.*s' has no [Install] section, so enabling it does nothing; leave it "
			"out, or add a link to a .wants folder",
			STR_FMT(w->source), STR_FMT(w->name));
	if (name.template.n > 0 && name.instance.n == 0 && install.default_instance.n == 0)
		return err_set(u->e, -EINVAL,
			       "%.*s: unit '%.*s' is a template: name an instance of it",
			       STR_FMT(w->source), STR_FMT(w->name));
	return 0;
}

/* Instances of a template stand in one rule: "enable foo@.service a b". */
static void put_instances(struct units *u, struct buf *b, size_t i)
{
	struct unit_name first, other;

	if (!unit_name_parse(u->a, u->wishes.p[i].name, &first))
		return;
	for (size_t k = 0; k < i; k++)
		if (u->wishes.p[k].wish == WISH_ENABLE &&
		    unit_name_parse(u->a, u->wishes.p[k].name, &other) && other.instance.n > 0 &&
		    str_eq(other.template, first.template))
			return;
	buf_printf(b, "enable %.*s", STR_FMT(first.template));
	for (size_t k = i; k < u->wishes.n; k++)
		if (u->wishes.p[k].wish == WISH_ENABLE &&
		    unit_name_parse(u->a, u->wishes.p[k].name, &other) && other.instance.n > 0 &&
		    str_eq(other.template, first.template))
			buf_printf(b, " %.*s", STR_FMT(other.instance));
	buf_u8(b, '\n');
}

/* @default_target: preset-all takes away links to what it disables, so also default.target, which
 * is one. */
static int write_presets(struct units *u, struct str default_target)
{
	struct buf b = { .a = u->t->a };
	int r;

	buf_printf(&b, "# What the definitions of this image enable and disable.\n");
	if (default_target.n > 0)
		buf_printf(&b, "enable %.*s\n", STR_FMT(default_target));
	for (size_t i = 0; i < u->wishes.n; i++) {
		const struct unit_wish *w = &u->wishes.p[i];
		struct unit_name name;

		if (w->wish != WISH_ENABLE) {
			buf_printf(&b, "disable %.*s\n", STR_FMT(w->name));
			continue;
		}
		r = check_wish(u, w);
		if (r < 0)
			return r;
		if (unit_name_parse(u->a, w->name, &name) && name.instance.n > 0)
			put_instances(u, &b, i);
		else
			buf_printf(&b, "enable %.*s\n", STR_FMT(w->name));
	}
	r = gen_put(u->t, STR(PRESET_FIRST), S_IFREG | 0644,
		    (struct str){ (const char *)b.v.p, b.v.n }, u->e);
	if (r == 0)
		r = gen_put(u->t, STR(PRESET_LAST), S_IFREG | 0644,
			    STR("# Nothing runs only because it is installed.\ndisable *\n"), u->e);
	return r;
}

static int bad_name(const struct units *u, const struct unit_file *f, struct str text)
{
	return err_set(
		u->e, -EINVAL,
		"%.*s: [Install] names '%.*s', which is not a unit known when the image is made",
		STR_FMT(f->path), STR_FMT(text));
}

static int link_into(struct units *u, const struct unit_file *f, const struct unit_name *name,
		     const vec_str *by, const char *kind)
{
	vec_each(text, by) {
		struct unit_name target;
		struct str expanded;
		int r;

		if (!unit_expand(u->t->a, *text, name, &expanded) ||
		    !unit_name_parse(u->t->a, expanded, &target))
			return bad_name(u, f, *text);
		r = gen_link(u->t,
			     str_printf(u->t->a, ETC_UNITS "/%.*s.%s/%.*s", STR_FMT(expanded), kind,
					STR_FMT(name->full)),
			     f->path, u->e);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_mask(const struct tree *t, struct str path)
{
	uint32_t id = tree_find_exact(t, path);

	return id != TREE_NONE && S_ISLNK(t->nodes.p[id].mode) &&
	       str_eqz(t->nodes.p[id].data, "/dev/null");
}

/* An alias of another type than the unit's is ignored by systemd, too; one that is masked stays so.
 */
static int link_aliases(struct units *u, const struct unit_file *f, const struct unit_name *name,
			const vec_str *aliases)
{
	vec_each(text, aliases) {
		struct unit_name alias;
		struct str expanded, path;
		int r;

		if (!unit_expand(u->t->a, *text, name, &expanded) ||
		    !unit_name_parse(u->t->a, expanded, &alias))
			return bad_name(u, f, *text);
		if (alias.template.n > 0 && alias.instance.n == 0 && name->instance.n > 0)
			expanded = unit_instance(u->t->a, &alias, name->instance);
		if (!str_eq(alias.suffix, name->suffix) || str_eq(expanded, name->full))
			continue;
		path = str_printf(u->t->a, ETC_UNITS "/%.*s", STR_FMT(expanded));
		r = is_mask(u->t, path) ? 0 : gen_link(u->t, path, f->path, u->e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int enable_links(struct units *u, const struct unit_file *f, struct unit_name *name,
			const struct unit_install *in)
{
	int r = link_aliases(u, f, name, &in->alias);

	if (r < 0)
		return r;
	if (name->template.n > 0 && name->instance.n == 0) {
		if (in->default_instance.n == 0)
			return 0; /* nothing says which one */
		if (!unit_name_parse(u->t->a, unit_instance(u->t->a, name, in->default_instance),
				     name))
			return bad_name(u, f, in->default_instance);
	}
	r = link_into(u, f, name, &in->wanted_by, "wants");
	if (r == 0)
		r = link_into(u, f, name, &in->required_by, "requires");
	if (r == 0)
		r = link_into(u, f, name, &in->upheld_by, "upholds");
	return r;
}

/* @first and what its Also= names, each once. What Also= names but no package has is left out, as
 * systemctl does. */
static int enable(struct units *u, struct str first)
{
	vec_str todo = { 0 };
	int r = 0;

	vec_push(u->a, &todo) = first;
	for (size_t i = 0; i < todo.n && r == 0; i++) {
		struct unit_install install;
		struct unit_name name;
		struct unit_file f;

		if (map_get(&u->enabled, todo.p[i]) || !unit_name_parse(u->t->a, todo.p[i], &name))
			continue;
		map_put(u->a, &u->enabled, todo.p[i], 1);
		f = file_of(u, &name);
		if (f.path.n == 0 || f.masked)
			continue;
		r = install_of(u, &f, &install);
		if (r == 0)
			r = enable_links(u, &f, &name, &install);
		if (r < 0)
			return r;
		vec_each(also, &install.also) {
			struct str expanded;

			if (unit_expand(u->t->a, *also, &name, &expanded))
				vec_push(u->a, &todo) = expanded;
		}
	}
	return r;
}

static int apply_rule(struct units *u, struct str file, const struct preset_rule *rule)
{
	struct unit_name name;
	int r = 0;

	if (rule->instances.n == 0 || !unit_name_parse(u->t->a, file, &name) ||
	    name.template.n == 0)
		return enable(u, file);
	vec_each(instance, &rule->instances)
		if (r == 0)
			r = enable(u, unit_instance(u->t->a, &name, *instance));
	return r;
}

static int apply_presets(struct units *u)
{
	vec_preset_rule rules = { 0 };
	vec_gen_file files;
	int r = gen_conf_files(u->t, "systemd/system-preset", ".preset", &files, u->e);

	if (r < 0)
		return r;
	vec_each(f, &files)
		preset_parse(u->a, f->text, &rules);
	list_files(u);
	for (size_t i = 0; i < u->files.n && r == 0; i++) {
		const struct preset_rule *rule = preset_find(&rules, u->files.p[i]);
		struct unit_file f = file_named(u, u->files.p[i]);

		if (rule && rule->action == PRESET_ENABLE && !f.masked && f.alias_of.n == 0)
			r = apply_rule(u, u->files.p[i], rule);
	}
	return r;
}

int gen_units(struct tree *t, const struct conf_package *packages, size_t n,
	      const struct conf_image *image, struct err *e)
{
	TRACE("units");
	_cleanup_arena_ struct arena scratch = { 0 };
	struct units u = { .t = t, .a = &scratch, .e = e };
	struct str target = image->default_unit;
	int r;

	list_files(&u);
	r = collect(&u, packages, n, image);
	if (u.wishes.n > 1)
		qsort(u.wishes.p, u.wishes.n, sizeof(*u.wishes.p), wish_cmp);
	if (r == 0 && target.n > 0)
		r = real_name(&u, image->source, image->default_unit, &target);
	if (r == 0)
		r = mask(&u);
	if (r == 0)
		r = write_presets(&u, target);
	if (r == 0)
		r = apply_presets(&u);
	if (r < 0 || target.n == 0)
		return r;
	return gen_link(t, STR(ETC_UNITS "/default.target"),
			str_printf(t->a, USR_UNITS "/%.*s", STR_FMT(target)), e);
}
