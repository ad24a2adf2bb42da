/* SPDX-License-Identifier: MIT */
/* tree.h - the file system of an image, in memory: flat arrays and 32-bit ids. Node 0 is the root directory.
 *
 * Passes over it, each relying on the one before: tree_merge (packages, files of definitions) -> generators (tree/gen_*.h)
 * -> tree_resolve_owners (names to numbers, from the image's own /etc/passwd and /etc/group) -> image. */
#pragma once

#include "base/str.h"
#include "rpm/package.h"

enum { TREE_NONE = UINT32_MAX };

/* Who put a node there. Numbers below TREE_OWNER_GENERATOR are packages, in the order given to tree_merge(). */
enum { TREE_OWNER_GENERATOR = 0xfffffffe, TREE_OWNER_IMPLIED = 0xfffffffd, TREE_OWNER_DEFINITION = 0xfffffffc };

struct tree_node {
	struct str name;	/* last component; empty for the root */
	uint32_t parent, first_child, next_sibling; /* children in no particular order: tree_children() sorts */
	uint32_t mode;
	struct str user, group; /* names; numbers after tree_resolve_owners() */
	uint32_t uid, gid;
	uint64_t mtime_sec;
	uint32_t rdev_major, rdev_minor;
	struct str data;	/* content or link target, borrowed */
	uint32_t link_to;	/* hard link: the node that holds the content; else TREE_NONE */
	struct str caps;	/* "cap_net_raw=ep" */
	unsigned flags;		/* enum file_flag */
	uint32_t owner;
	bool removed;
};

struct tree {
	struct arena *a; /* borrowed: nodes, names and generated contents live in it */
	VEC(struct tree_node) nodes;
	struct map paths; /* "/usr/bin" -> id: exact, without following links */
	vec_str owners;	  /* names of the packages, for messages */
};

void tree_init(struct arena *a, struct tree *t);

/* Follows symbolic links of directories as the kernel would, inside the tree (at most 40), so that "/lib/x" finds
 * "/usr/lib/x". TREE_NONE when absent. tree_find_exact() does not follow the last component. */
uint32_t tree_find(const struct tree *t, struct str path);
uint32_t tree_find_exact(const struct tree *t, struct str path);
struct str tree_path(struct arena *a, const struct tree *t, uint32_t id);
/* Ids of the living children, sorted by name. */
typedef VEC(uint32_t) vec_id;
void tree_children(struct arena *a, const struct tree *t, uint32_t id, vec_id *ret);
/* All living nodes, parents before children, siblings by name. */
void tree_walk(struct arena *a, const struct tree *t, vec_id *ret);

/* Adds or replaces one file, folder or link, making missing parents (root:root 0755, owner TREE_OWNER_IMPLIED). A path
 * through a symbolic link lands where the link points. For generators and definitions: a package's file of that path is
 * replaced. Errors: a parent that is no directory. */
must_check int tree_put(struct tree *t, struct str path, uint32_t mode, struct str data, uint32_t owner, uint32_t *ret,
			struct err *e);
/* Removes a node and all below it. */
void tree_remove(struct tree *t, uint32_t id);

/* Merges the files of @packages, whose numbers are their indexes. Directories and identical files (same type, content,
 * mode, owner) may be shared; anything else that two packages both hold is -EEXIST, naming both packages and the path.
 * Files below a symbolic link that another package makes ("/lib" -> "usr/lib") land in its target. @keep decides, per
 * file, whether it enters the tree (documentation, locales, the definition's drop list); may be NULL. */
typedef bool (*tree_keep)(void *arg, size_t package, const struct rpm_file *f);
must_check int tree_merge(struct tree *t, const struct rpm_package *packages, size_t n, tree_keep keep, void *arg,
			  struct err *e);

/* Sets uid and gid of every node from the tree's /etc/passwd and /etc/group; an unknown name is an error that names the
 * file and its package. */
must_check int tree_resolve_owners(struct tree *t, struct err *e);

/* One line a node, sorted by path: TYPE MODE UID GID SIZE-or-DEVICE MTIME PATH [-> TARGET | = SHA256] [caps=...]; bytes
 * outside printable ASCII as \xNN. tree_parse() reads it back (contents only as digests unless inline text in <...>). */
struct str tree_dump(struct arena *a, const struct tree *t);
must_check int tree_parse(struct arena *a, struct str text, const char *name, struct tree *ret, struct err *e);
