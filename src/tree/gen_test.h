/* SPDX-License-Identifier: MIT */
/* gen_test.h - small trees for tests of generators, and their way to the tools that judge them. */
#pragma once

#include "tree/generators.h"

#include <sys/stat.h>

#include "base/proc.h"
#include "base/test.h"

static struct arena test_arena;
static struct arena *const a = &test_arena;
static struct err e;

static inline struct tree parsed(const char *text)
{
	struct tree t;

	assert_ok(tree_parse(a, str_c(text), "test.tree", &t, &e), &e);
	return t;
}

static inline void put(struct tree *t, const char *path, const char *text)
{
	assert_ok(tree_put(t, str_c(path), S_IFREG | 0644, str_c(text), 0, NULL, &e), &e);
}

static inline struct str content(const struct tree *t, const char *path)
{
	uint32_t id = tree_find(t, str_c(path));
	struct str text;

	if (id == TREE_NONE)
		fail_msg("%s is missing", path);
	assert_ok(tree_read(a, t, id, &text, &e), &e);
	return text;
}

/* Target of a link; "" when there is no link. */
static inline struct str link_of(const struct tree *t, const char *path)
{
	uint32_t id = tree_find_exact(t, str_c(path));

	return id != TREE_NONE && S_ISLNK(t->nodes.p[id].mode) ? t->nodes.p[id].data : STR("");
}

/* Writes folders, files and links below a fresh folder, as whoever runs the test. */
static inline char *extract(const struct tree *t)
{
	char *root = test_dir(a);
	vec_id ids;

	tree_walk(a, t, &ids);
	vec_each(id, &ids) {
		const struct tree_node *n = &t->nodes.p[*id];
		struct str path = tree_path(a, t, *id), data;
		char *at = str_z(a, str_printf(a, "%s%.*s", root, STR_FMT(path)));

		assert_ok(tree_read(a, t, *id, &data, &e), &e);
		if (S_ISDIR(n->mode))
			assert_ok(dir_make(at, &e), &e);
		else if (S_ISLNK(n->mode))
			assert_int_equal(symlink(str_z(a, n->data), at), 0);
		else
			assert_ok(file_write(at, 0644, data.p ? data.p : "", data.n, &e), &e);
	}
	return root;
}

static inline struct str read_back(const char *root, const char *path)
{
	struct str text;

	assert_ok(file_read(a, path_join(a, root, path), 1 << 20, &text, &e), &e);
	return text;
}

/* A generator that states its inputs, and the tree that its tests build. */
struct stated {
	struct tree (*build)(void);
	struct gen_inputs (*inputs)(struct tree *t);
	int (*run)(struct tree *t);
};

/* What it does, or why it does nothing. */
static inline char *stated_result(const struct stated *g, struct tree *t)
{
	struct buf b = { .a = a };
	vec_rpm_file files;

	t->journal = arena_new(a, vec_id);
	if (g->run(t) < 0)
		return str_z(a, str_c(e.msg));
	assert_ok(tree_changes(a, t, t->journal, &files, &e), &e);
	vec_each(f, &files) {
		struct str data = S_ISREG(f->mode) ? sha256_hex(a, f->data.p, f->data.n) : f->data;

		buf_printf(&b, "%.*s %o %u %.*s\n", STR_FMT(f->path), f->mode, f->flags,
			   STR_FMT(data));
	}
	return str_z(a, (struct str){ (char *)b.v.p, b.v.n });
}

/* Leaves what was looked at, the folders of that, and links to folders, by which paths lead. */
static inline void keep_looked_at(struct tree *t, const uint8_t *nodes)
{
	bool *keep = arena_array(a, t->nodes.n, sizeof(*keep));

	keep[0] = true;
	for (uint32_t i = 1; i < t->nodes.n; i++) {
		uint32_t to = tree_find(t, tree_path(a, t, i));
		bool folder_link = S_ISLNK(t->nodes.p[i].mode) && to != TREE_NONE &&
				   S_ISDIR(t->nodes.p[to].mode);

		for (uint32_t up = i; !keep[up] && (nodes[i] || folder_link);
		     up = t->nodes.p[up].parent)
			keep[up] = true;
	}
	for (uint32_t i = 1; i < t->nodes.n; i++)
		if (!keep[i] && !t->nodes.p[i].removed)
			tree_remove(t, i);
}

enum alteration { REMOVE, REWRITE, DEFINE, ALTERATIONS };

static inline void alter(struct tree *t, uint32_t id, enum alteration how)
{
	struct tree_node *n = &t->nodes.p[id];

	if (how == REMOVE)
		tree_remove(t, id);
	else if (how == DEFINE)
		n->owner = TREE_OWNER_DEFINITION;
	else if (!S_ISDIR(n->mode))
		n->data = STR("/usr/lib/something/else");
}

/* It does the same where there is only what it looks at; and whatever makes it do something else,
 * of all that can happen to one node, changes what it states. */
static inline void assert_stated(const struct stated *g)
{
	struct tree t = g->build();
	struct gen_inputs in = g->inputs(&t);
	char *inputs = str_z(a, gen_inputs_text(&in)), *result = stated_result(g, &t);
	size_t n;

	t = g->build();
	n = t.nodes.n;
	keep_looked_at(&t, in.nodes);
	assert_string_equal(stated_result(g, &t), result);
	for (unsigned i = 0; i < (n - 1) * ALTERATIONS; i++) {
		t = g->build();
		alter(&t, 1 + i / ALTERATIONS, i % ALTERATIONS);
		in = g->inputs(&t);
		if (str_eqz(gen_inputs_text(&in), inputs))
			assert_string_equal(stated_result(g, &t), result);
	}
}

static int setup(void **state)
{
	(void)state;
	test_arena = (struct arena){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(a);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
