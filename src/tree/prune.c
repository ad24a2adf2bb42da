/* SPDX-License-Identifier: MIT */
#include "tree/prune.h"

#include <sys/stat.h>

/* The first file whose path is not below @path, in a sorted list. */
static size_t file_lower(const vec_rpm_file *files, struct str path)
{
	size_t low = 0, high = files->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (str_cmp(files->p[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Of one package: whether it has the folder, and whether anything below it. */
static void folder_look(const vec_rpm_file *files, const bool *left_out, struct str path,
			const char *below, bool *ret_listed, bool *ret_filled)
{
	size_t at = file_lower(files, path), first = file_lower(files, str_c(below));

	*ret_listed = at < files->n && str_eq(files->p[at].path, path) && !left_out[at];
	*ret_filled = first < files->n && str_starts(files->p[first].path, below);
}

/* Whether an empty folder says nothing, as only left-out files stood in it. What a package brings
 * empty is meant, since a program may put something there or look for it; and so is who may do
 * that. */
static bool says_nothing(const struct tree *t, uint32_t id, struct str path,
			 const struct rpm_package *packages, bool *const *left_out, size_t n)
{
	const struct tree_node *node = &t->nodes.p[id];
	_cleanup_arena_ struct arena a = { 0 };
	const char *below = str_z(&a, str_printf(&a, "%.*s/", STR_FMT(path)));
	bool emptied = false;

	if ((node->mode & 07777) != 0755 || !str_eqz(node->user, "root") ||
	    !str_eqz(node->group, "root"))
		return false;
	for (size_t i = 0; i < n; i++) {
		bool listed, filled;

		folder_look(&packages[i].files, left_out[i], path, below, &listed, &filled);
		if (listed && !filled)
			return false;
		emptied = emptied || filled;
	}
	return emptied;
}

/* Children come after parents: backwards, one pass is enough. */
void prune_emptied(struct arena *a, struct tree *t, const struct rpm_package *packages,
		   bool *const *left_out, size_t n)
{
	vec_id ids;

	tree_walk(a, t, &ids);
	for (size_t i = ids.n; i-- > 0;) {
		struct str path;
		vec_id children;

		if (!S_ISDIR(t->nodes.p[ids.p[i]].mode))
			continue;
		path = tree_path(a, t, ids.p[i]);
		if (!str_starts(path, "/usr/share/"))
			continue;
		tree_children(a, t, ids.p[i], &children);
		if (children.n == 0 && says_nothing(t, ids.p[i], path, packages, left_out, n))
			tree_remove(t, ids.p[i]);
	}
}
