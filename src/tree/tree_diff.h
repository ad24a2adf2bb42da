/* SPDX-License-Identifier: MIT */
/* tree_diff.h - in what two trees differ: files, and each attribute of files that both have. */
#pragma once

#include "tree/tree.h"

/* An attribute of a file that both trees have. */
struct tree_attribute {
	const char *name; /* "type", "mode", "user", "group", "mtime", "xattrs", "target", "device",
			     "links", "size", "content"; of /etc/passwd and
			     /etc/group also "id of user NAME", "id of group NAME" */
	/* for people, and plain ASCII; "-" where a file of that type has none */
	struct str before, after;
};

struct tree_difference {
	struct str path;                       /* as tree_dump() writes it */
	uint32_t before, after;                /* ids, TREE_NONE where the file is not */
	VEC(struct tree_attribute) attributes; /* when both are there */
};
typedef VEC(struct tree_difference) vec_tree_difference;

/* All of it, in the order of tree_walk(): of the files of @before (changed or gone), then of those
 * that only @after has. Owners are compared by number, and told with the name that the tree's own
 * /etc/passwd and /etc/group have for it. Hard links are compared by how many names a file has and
 * which comes first. */
void tree_diff(struct arena *a, const struct tree *before, const struct tree *after,
	       vec_tree_difference *ret);

/* Whether it needs the content of this file, and not only its digest. */
bool tree_diff_reads(struct str path);
/* The same tree without what it borrows: contents are digests (unread_sha256), but for link
 * targets and what tree_diff_reads(). */
must_check int tree_digested(struct arena *a, const struct tree *t, struct tree *ret,
			     struct err *e);
