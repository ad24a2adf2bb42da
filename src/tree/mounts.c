/* SPDX-License-Identifier: MIT */
#include "tree/mounts.h"

#include <sys/stat.h>

#include "tree/gen.h"

/* As agent/init and systemd mount them, whatever units say. */
static const char *const kernel[] = { "/dev", "/proc", "/sys" };
static const char *const unit_folders[] = { "/etc/systemd/system", "/usr/lib/systemd/system" };

/* What is written there would be written on a machine elsewhere, or comes after systemd-tmpfiles.
 */
static const char *const remote[] = { "nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "virtiofs" };

static bool option_in(struct str options, const char *name)
{
	while (options.n > 0)
		if (str_eqz(str_trim(str_cut(&options, ',')), name))
			return true;
	return false;
}

static bool is_writable(struct str type, struct str options)
{
	for (size_t i = 0; i < sizeof(remote) / sizeof(*remote); i++)
		if (str_eqz(type, remote[i]))
			return false;
	return !option_in(options, "ro") && !option_in(options, "_netdev") &&
	       !str_starts(type, "fuse");
}

/* The value of @key= in [Mount]; the last one counts. */
static struct str mount_value(struct str text, const char *key)
{
	struct str found = { 0 };
	bool in_mount = false;

	while (text.n > 0) {
		struct str value = str_trim(str_cut(&text, '\n')), name;

		if (str_starts(value, "["))
			in_mount = str_eqz(value, "[Mount]");
		name = str_trim(str_cut(&value, '='));
		if (in_mount && str_eqz(name, key))
			found = str_trim(value);
	}
	return found;
}

static int unit_add(struct arena *a, const struct tree *t, struct str name, vec_mount *ret,
		    struct err *e)
{
	for (size_t i = 0; i < sizeof(unit_folders) / sizeof(*unit_folders); i++) {
		struct mount m = {
			.by = str_printf(a, "%s/%.*s", unit_folders[i], STR_FMT(name)),
		};
		uint32_t id = tree_find_exact(t, m.by);
		struct str text;
		int r;

		if (id == TREE_NONE)
			continue;
		r = gen_read(a, t, m.by, &text, e);
		if (r <= 0) /* a mask is a link to /dev/null */
			return r;
		m.where = mount_value(text, "Where");
		while (m.where.n > 1 && str_ends(m.where, "/"))
			m.where.n--;
		m.writable = is_writable(mount_value(text, "Type"), mount_value(text, "Options"));
		if (str_starts(m.where, "/") && m.where.n > 1)
			vec_push(a, ret) = m;
		return 0;
	}
	return 0;
}

/* The names of mount units below "*.wants" and "*.requires", and those whose automount is. */
static void wanted(struct arena *a, const struct tree *t, uint32_t folder, struct map *seen,
		   vec_str *ret)
{
	vec_id children;

	tree_children(a, t, folder, &children);
	vec_each(child, &children) {
		struct str name = t->nodes.p[*child].name;

		if (str_ends(name, ".automount"))
			name = str_cat(a, str_head(name, name.n - strlen(".automount")),
				       STR(".mount"));
		if (!str_ends(name, ".mount") || map_get(seen, name))
			continue;
		map_put(a, seen, name, 1);
		vec_push(a, ret) = name;
	}
}

static int units_add(struct arena *a, const struct tree *t, vec_mount *ret, struct err *e)
{
	struct map seen = { 0 };
	vec_str names = { 0 };
	int r = 0;

	for (size_t i = 0; i < sizeof(unit_folders) / sizeof(*unit_folders); i++) {
		uint32_t id = tree_find(t, str_c(unit_folders[i]));
		vec_id children = { 0 };

		if (id != TREE_NONE)
			tree_children(a, t, id, &children);
		vec_each(child, &children) {
			const struct tree_node *n = &t->nodes.p[*child];

			if (S_ISDIR(n->mode) &&
			    (str_ends(n->name, ".wants") || str_ends(n->name, ".requires")))
				wanted(a, t, *child, &seen, &names);
		}
	}
	for (size_t i = 0; i < names.n && r == 0; i++)
		r = unit_add(a, t, names.p[i], ret, e);
	return r;
}

/* The next field of fstab(5). */
static struct str field(struct str *row)
{
	struct str ret = { 0 };

	*row = str_trim(*row);
	ret.p = row->p;
	while (ret.n < row->n && ret.p[ret.n] != ' ' && ret.p[ret.n] != '\t')
		ret.n++;
	*row = str_from(*row, ret.n);
	return ret;
}

static int fstab_add(struct arena *a, const struct tree *t, vec_mount *ret, struct err *e)
{
	struct str text;
	int r = gen_read(a, t, STR("/etc/fstab"), &text, e);

	while (r > 0 && text.n > 0) {
		struct str row = str_trim(str_cut(&text, '\n')), where, type, options;
		if (str_starts(field(&row), "#"))
			continue;
		where = field(&row);
		type = field(&row);
		options = field(&row);
		if (str_starts(where, "/") && where.n > 1 && !option_in(options, "noauto"))
			vec_push(a, ret) = (struct mount){ where, STR("/etc/fstab"),
							   is_writable(type, options) };
	}
	return r < 0 ? r : 0;
}

int mounts_find(struct arena *a, const struct tree *t, vec_mount *ret, struct err *e)
{
	vec_mount mounts = { 0 };
	int r = units_add(a, t, &mounts, e);

	if (r == 0)
		r = fstab_add(a, t, &mounts, e);
	for (size_t i = 0; i < sizeof(kernel) / sizeof(*kernel); i++)
		vec_push(a, &mounts) = (struct mount){ str_c(kernel[i]), STR("the kernel"), false };
	if (r == 0)
		*ret = mounts;
	return r;
}
