/* SPDX-License-Identifier: MIT */
/* gen.h - what generators share. Included by gen_*.c and their tests only. */
#pragma once

#include "conf/conf.h"
#include "tree/tree.h"

/* Content of the regular file that @path leads to (tree_read()). 1: *ret is it; 0: there is none,
 * and *ret is empty. */
must_check int gen_read(struct arena *a, const struct tree *t, struct str path, struct str *ret,
			struct err *e);
/* Whether @path leads to a regular file. */
bool gen_is_file(const struct tree *t, struct str path);
/* Puts a node of a generator, root:root, unless a definition put one there, which then stays as it
 * is. */
must_check int gen_put(struct tree *t, struct str path, uint32_t mode, struct str data,
		       struct err *e);
must_check int gen_link(struct tree *t, struct str path, struct str target, struct err *e);

/* A file of configuration that is in force. */
struct gen_file {
	struct str name, path, text;
};

typedef VEC(struct gen_file) vec_gen_file;

/* Files *@suffix of /etc/@folder, /usr/local/lib/@folder and /usr/lib/@folder, sorted by name
 * whatever their folder, an earlier folder's file hiding those of its name; one that is empty or
 * leads to /dev/null only hides (sysusers.d(5), CONFIGURATION DIRECTORIES AND PRECEDENCE). Results
 * in the tree's arena. */
must_check int gen_conf_files(const struct tree *t, const char *folder, const char *suffix,
			      vec_gen_file *ret, struct err *e);

/* The next word of a line as systemd reads it: '...' and "..." group, a backslash takes the next
 * character as it is. 1: *ret is it; 0: no more; -EINVAL: a quote without end. *s moves past it. */
must_check int gen_word(struct arena *a, struct str *s, struct str *ret);

/* Octal text of at most four digits. */
must_check bool gen_mode(struct str octal, uint32_t *ret);
int gen_str_cmp(const void *x, const void *y);
