/* SPDX-License-Identifier: MIT */
#include "tree/setuid.h"

#include <sys/stat.h>

#include "base/trace.h"

static bool listed(const struct conf_image *image, const struct tree *t, uint32_t id)
{
	vec_each(path, &image->setuid_files)
		if (tree_find(t, *path) == id)
			return true;
	return false;
}

static int refuse(struct arena *a, const struct conf_image *image, const struct tree *t,
		  uint32_t id, struct err *e)
{
	const struct tree_node *n = &t->nodes.p[id];
	struct str path = tree_path(a, t, id), owner = tree_owner_name(a, t, n->owner);
	bool caps = xattr_get(&n->xattrs, XATTR_CAPS);
	struct str rights =
		caps ? str_printf(a, "the capabilities %.*s", STR_FMT(xattrs_caps(a, &n->xattrs)))
		     : str_printf(a, "mode %04o", n->mode & 07777);
	struct str where =
		n->owner < t->owners.n
			? str_printf(a, "in packages/%.*s/package.yaml ('%s')",
				     STR_FMT(t->owners.p[n->owner]), caps ? "caps" : "modes")
			: STR("where it is defined");

	return err_set(
		e, -EPERM,
		"%.*s: %.*s, from %.*s, has %.*s and so more rights than whoever starts it; take "
		"them away %.*s, or add the path to 'setuid-files' of the image",
		STR_FMT(image->source), STR_FMT(path), STR_FMT(owner), STR_FMT(rights),
		STR_FMT(where));
}

int image_check_setuid(struct arena *a, const struct conf_image *image, const struct tree *t,
		       struct err *e)
{
	TRACE("check set-user-ID");
	vec_id ids;

	tree_walk(a, t, &ids);
	vec_each(id, &ids) {
		const struct tree_node *n = &t->nodes.p[*id];

		/* On a folder set-group-ID only says whose group new files get. */
		if (S_ISREG(n->mode) &&
		    (n->mode & (S_ISUID | S_ISGID) || xattr_get(&n->xattrs, XATTR_CAPS)) &&
		    !listed(image, t, *id))
			return refuse(a, image, t, *id, e);
	}
	return 0;
}
