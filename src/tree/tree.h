/* SPDX-License-Identifier: MIT */
/* tree.h - the file system of an image, in memory: flat arrays and 32-bit ids. Node 0 is the root
 * directory.
 *
 * Passes over it, each relying on the one before: tree_merge (packages) -> generators
 * (tree/generators.h) -> tree_resolve_owners (names to numbers, from the image's own /etc/passwd
 * and /etc/group) -> image. */
#pragma once

#include "base/str.h"
#include "pack/pack.h"

enum { TREE_NONE = UINT32_MAX };

/* Linux' own limits (PATH_MAX with its NUL, NAME_MAX, MAXSYMLINKS), and more nodes than any image
 * has. */
enum {
	TREE_PATH_BYTES_MAX = 4095,
	TREE_NAME_BYTES_MAX = 255,
	TREE_LINKS_MAX = 40,
	TREE_NODES_MAX = 1 << 22
};

/* Who put a node there. Numbers below TREE_OWNER_GENERATOR are packages, in the order given to
 * tree_merge(). */
enum {
	TREE_OWNER_GENERATOR = 0xfffffffe,
	TREE_OWNER_IMPLIED = 0xfffffffd,
	TREE_OWNER_DEFINITION = 0xfffffffc
};

struct tree_node {
	struct str name; /* last component; empty for the root */
	/* children in no particular order: tree_children() sorts */
	uint32_t parent, first_child, next_sibling;
	uint32_t mode;
	struct str user, group; /* names, or empty: uid and gid as they stand */
	uint32_t uid, gid;      /* valid after tree_resolve_owners() */
	uint64_t mtime_sec;     /* 0: the time of the build */
	uint32_t rdev_major, rdev_minor;
	/* content or link target, borrowed; tree_read() where it may be a hard link or packed */
	struct str data;
	const struct pack_file *packed; /* content that lies in a pack, instead of .data */
	uint32_t link_to; /* hard link: the node that holds the content; else TREE_NONE */
	vec_xattr xattrs;
	unsigned flags; /* enum file_flag */
	uint32_t owner;
	bool removed;
	bool linked; /* another node's link_to may be this one */
	/* Of a tree read by tree_parse() from digests: what .data would be. Else empty. */
	struct str unread_sha256;
	uint64_t unread_bytes;
};

typedef VEC(uint32_t) vec_id;

struct tree {
	struct arena *a; /* borrowed: nodes, names and generated contents live in it */
	VEC(struct tree_node) nodes;
	struct map paths; /* "/usr/bin" -> id: exact, without following links */
	vec_str owners;   /* names of the packages, for messages */
	bool resolved;    /* tree_resolve_owners() is done */
	vec_id *journal;  /* where to note each node that is put or removed; or NULL */
};

void tree_init(struct arena *a, struct tree *t);

/* Follows symbolic links of directories as the kernel would, inside the tree (at most 40), so that
 * "/lib/x" finds "/usr/lib/x". TREE_NONE when absent. tree_find_exact() does not follow the last
 * component. */
uint32_t tree_find(const struct tree *t, struct str path);
uint32_t tree_find_exact(const struct tree *t, struct str path);
/* The node that holds the content: the one a hard link is to, or @id. */
static inline uint32_t tree_holder(const struct tree *t, uint32_t id)
{
	uint32_t to = t->nodes.p[id].link_to;

	return to == TREE_NONE ? id : to;
}
struct str tree_path(struct arena *a, const struct tree *t, uint32_t id);
/* Content of a regular file, also through a hard link: borrowed when it is in memory, expanded into
 * @a when it is packed. A damaged pack leaves the cache: -ESTALE, and the next try, which makes it
 * again, may succeed. */
must_check int tree_read(struct arena *a, const struct tree *t, uint32_t id, struct str *ret,
			 struct err *e);
/* How long that is, and its digest, which is known where the content is packed. */
uint64_t tree_size(const struct tree *t, uint32_t id);
void tree_sha256(const struct tree *t, uint32_t id, uint8_t ret[SHA256_BYTES]);
/* Ids of the living children, sorted by name. */
void tree_children(struct arena *a, const struct tree *t, uint32_t id, vec_id *ret);
/* All living nodes, parents before children, siblings by name. */
void tree_walk(struct arena *a, const struct tree *t, vec_id *ret);

/* Adds or replaces one file, folder or link (root:root, no mtime), making missing parents
 * (root:root 0755, owner TREE_OWNER_IMPLIED). A path through a symbolic link lands where the link
 * points; a link itself is replaced, unless a directory is put on a link to a directory: that is
 * the directory. For generators and definitions: a package's file of that path is replaced; a
 * directory keeps what is in it. Errors: a path that is not absolute and plain (no "..", no empty
 * part), a parent that is no directory, a file where a directory stands that is not empty. */
must_check int tree_put(struct tree *t, struct str path, uint32_t mode, struct str data,
			uint32_t owner, uint32_t *ret, struct err *e);
/* The same for a regular file whose content lies in a pack, which must outlive the tree. */
must_check int tree_put_packed(struct tree *t, struct str path, uint32_t mode,
			       const struct pack_file *content, uint32_t owner, uint32_t *ret,
			       struct err *e);
/* Removes a node and all below it. */
void tree_remove(struct tree *t, uint32_t id);

/* What became of the nodes in @journal (t->journal), by path: files as they are now, in memory, and
 * FILE_GHOST for what is gone. Borrows from @t. */
must_check int tree_changes(struct arena *a, const struct tree *t, const vec_id *journal,
			    vec_rpm_file *ret, struct err *e);
/* Does the same to a tree: removes and puts (for generators). Borrows @changes. */
must_check int tree_replay(struct tree *t, const vec_rpm_file *changes, struct err *e);

/* Merges the files of @packages, whose numbers are their indexes, into an empty tree. Identical
 * files (same type, content, mode, owner, capabilities) may be shared, and directories, where one
 * that says no more than root:root 0755 yields to one that says something else (dpkg keeps
 * whichever was unpacked first, which no order here would tell). Anything else that two packages
 * both hold is -EEXIST, naming both packages and the path. Files below a symbolic link that another
 * package makes ("/lib" -> "usr/lib") land in its target. Ghosts have no content and are left out.
 * @keep decides, per file, whether it enters the tree (documentation, locales, the definition's
 * drop list); may be NULL. Borrows @packages. */
typedef bool (*tree_keep)(void *arg, size_t package, const struct rpm_file *f);
must_check int tree_merge(struct tree *t, const struct rpm_package *packages, size_t n,
			  tree_keep keep, void *arg, struct err *e);

/* Sets uid and gid of every node from the tree's /etc/passwd and /etc/group; an unknown name is an
 * error that names the file and its package. */
must_check int tree_resolve_owners(struct tree *t, struct err *e);

/* One line a node, sorted by path:
 *
 *	TYPE MODE USER GROUP SIZE-or-DEVICE MTIME PATH CONTENT [caps=...] [NAME=HEX ...]
 *
 * CONTENT is "-> TARGET" for symbolic links, "link=PATH" for hard links, "<TEXT>" or "= SHA256" for
 * other files. TYPE is one of f d l c b p s. USER and GROUP are names, and after resolving owners
 * numbers. Content of at most TREE_TEXT_BYTES_MAX bytes of plain ASCII text stands in angle
 * brackets, other (also what is packed) as its digest. Bytes outside printable ASCII, backslashes,
 *angle brackets and, in paths, blanks are written as a backslash and xNN; newlines in text as a
 *backslash and n.
 *
 * The parser reads it back: dump, parse, dump gives the same text (a digest stays one, in the field
 * unread_sha256). By hand, text may be of any length, SIZE may be "-", parents may be missing, and
 * lines that are empty or begin with a hash sign are skipped. */
enum { TREE_TEXT_BYTES_MAX = 120 };
/* A path, name or the like as the dump has it. */
struct str tree_escaped(struct arena *a, struct str s);
struct str tree_dump(struct arena *a, const struct tree *t);
must_check int tree_parse(struct arena *a, struct str text, const char *name, struct tree *ret,
			  struct err *e);

/* Between the files of this folder. */

/* Where a path leads: the canonical path, and the node there or TREE_NONE. */
struct tree_spot {
	uint32_t id;
	size_t n;
	char path[TREE_PATH_BYTES_MAX + 1];
};

/* Follows links as tree_find() does, those of the last component if @follow. What does not exist is
 * taken as it is written. -ELOOP, -ENAMETOOLONG, -ENOTDIR, with @e naming @path. */
must_check int tree_locate(const struct tree *t, struct str path, bool follow,
			   struct tree_spot *ret, struct err *e);
/* The node of a canonical path, made as a directory root:root 0755 owned by nobody when missing,
 * with its parents. */
must_check int tree_make(struct tree *t, struct str path, uint32_t *ret, struct err *e);
/* Whether @path is absolute, without empty, "." and ".." components, and within the limits. */
must_check int tree_check_path(struct str path, struct err *e);
/* "package 'x'", "a definition", "a generator": who put a node there. */
struct str tree_owner_name(struct arena *a, const struct tree *t, uint32_t owner);
