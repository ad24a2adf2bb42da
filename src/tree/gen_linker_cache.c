/* SPDX-License-Identifier: MIT */
/* The linker's cache: which libraries there are, found as glibc's ldconfig finds them, written by
 * tree/linker_cache.h. */
#include <elf.h>
#include <sys/stat.h>

#include "base/arch.h"
#include "base/trace.h"
#include "disk/elf.h"
#include "tree/gen.h"
#include "tree/generators.h"
#include "tree/linker_cache.h"

/* ld.so.conf(5) may include files that include files; a loop of them ends here. */
enum { INCLUDE_DEPTH_MAX = 8 };

struct folder {
	struct str path; /* as it is written: so it enters the cache */
	uint32_t id;
	struct str hwcaps; /* "x86-64-v3" for .../glibc-hwcaps/x86-64-v3 */
};

struct search {
	struct tree *t;
	uint16_t machine;
	VEC(struct folder) folders;
	struct linker_cache cache;
	struct gen_inputs *inputs; /* where to state what is read; or NULL */
};

/* A file of a folder that may stand for a soname. */
struct candidate {
	struct str name, soname;
	bool is_link;
};

typedef VEC(struct candidate) vec_candidate;

static void state_folder(struct search *s, struct str path)
{
	if (s->inputs)
		gen_input_folder(s->inputs, path);
}

static bool add_one(struct search *s, struct str path, uint32_t id, struct str hwcaps)
{
	vec_each(f, &s->folders)
		if (f->id == id)
			return false;
	vec_push(s->t->a, &s->folders) = (struct folder){ path, id, hwcaps };
	return true;
}

/* A folder with what it holds for better processors. */
static void add_folder(struct search *s, struct str path)
{
	struct arena *a = s->t->a;
	vec_id ids = { 0 };
	struct str below;
	uint32_t id;

	path = str_trim(path);
	while (str_ends(path, "/"))
		path.n--;
	state_folder(s, path);
	id = path.n > 0 ? tree_find(s->t, path) : TREE_NONE;
	if (id == TREE_NONE || !S_ISDIR(s->t->nodes.p[id].mode) ||
	    !add_one(s, path, id, (struct str){ 0 }))
		return;
	below = str_printf(a, "%.*s/glibc-hwcaps", STR_FMT(path));
	state_folder(s, below);
	id = tree_find(s->t, below);
	if (id != TREE_NONE)
		tree_children(a, s->t, id, &ids);
	vec_each(sub, &ids) {
		struct str name = s->t->nodes.p[*sub].name;
		uint32_t at;

		below = str_printf(a, "%.*s/glibc-hwcaps/%.*s", STR_FMT(path), STR_FMT(name));
		state_folder(s, below);
		at = tree_find(s->t, below);
		if (at != TREE_NONE && S_ISDIR(s->t->nodes.p[at].mode) && str_find(name, ':') < 0) {
			add_one(s, below, at, name);
			linker_cache_name(&s->cache, name);
		}
	}
}

static int read_conf(struct search *s, struct str path, unsigned depth, struct err *e);

/* "include PATTERN", with wildcards in the last component. */
static int include(struct search *s, struct str conf, struct str pattern, unsigned depth,
		   struct err *e)
{
	struct arena *a = s->t->a;
	struct str folder = pattern, last = pattern;
	vec_id ids = { 0 };
	uint32_t dir;
	int r = 0;

	if (!str_starts(pattern, "/")) {
		while (conf.n > 0 && !str_ends(conf, "/"))
			conf.n--;
		pattern = folder = last = str_cat(a, conf, pattern);
	}
	for (ptrdiff_t at; (at = str_find(last, '/')) >= 0;)
		last = str_from(last, (size_t)at + 1);
	folder.n -= last.n + 1;
	state_folder(s, folder);
	dir = tree_find(s->t, folder);
	if (dir != TREE_NONE)
		tree_children(a, s->t, dir, &ids);
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct str name = s->t->nodes.p[ids.p[i]].name;

		if (str_glob(last, name) && (!str_starts(name, ".") || str_starts(last, ".")))
			r = read_conf(s, str_printf(a, "%.*s/%.*s", STR_FMT(folder), STR_FMT(name)),
				      depth + 1, e);
	}
	return r;
}

static int read_conf(struct search *s, struct str path, unsigned depth, struct err *e)
{
	struct str text;
	int r;

	if (depth > INCLUDE_DEPTH_MAX)
		return err_set(e, -ELOOP, "%.*s: included from more than %d files", STR_FMT(path),
			       INCLUDE_DEPTH_MAX);
	if (s->inputs)
		gen_input_node(s->inputs, path);
	r = gen_read(s->t->a, s->t, path, &text, e);
	if (r <= 0)
		return r;
	r = 0;
	while (r == 0 && text.n > 0) {
		struct str line = str_cut(&text, '\n'), words;

		line = str_trim(str_cut(&line, '#'));
		words = line;
		if (str_eqz(str_word(&words), "include") && words.n > 0) {
			for (struct str word = str_word(&words); r == 0 && word.n > 0;
			     word = str_word(&words))
				r = include(s, path, word, depth, e);
		} else if (line.n > 0) {
			add_folder(s, line);
		}
	}
	return r;
}

static bool named_as_library(struct str name)
{
	return ((str_starts(name, "lib") || str_starts(name, "ld-")) && str_has(name, ".so")) ||
	       str_starts(name, "ld.so.") || str_starts(name, "ld64.so.");
}

/* libfoo.so -> libfoo.so.1 is for compilers, and a link of the soname's own name is what is to be:
 * either stands for itself. Any other link is taken for a library of another name. */
static bool link_is_itself(struct str name, struct str soname)
{
	return str_eq(name, soname) ||
	       (str_ends(name, ".so") && str_eq(str_head(soname, name.n), name));
}

/* 1: *ret is one; 0: the node is none. */
static int candidate_read(const struct search *s, const struct folder *f, uint32_t id,
			  struct candidate *ret, struct err *e)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	const struct tree_node *n = &s->t->nodes.p[id];
	struct elf_library library;
	struct str data;
	int r;

	if (!named_as_library(n->name) || (!S_ISREG(n->mode) && !S_ISLNK(n->mode)))
		return 0;
	r = gen_read(&scratch, s->t,
		     str_printf(s->t->a, "%.*s/%.*s", STR_FMT(f->path), STR_FMT(n->name)), &data,
		     e);
	if (r <= 0)
		return r;
	if (!elf_library_read(data, &library) || library.machine != s->machine)
		return 0;
	/* A soname that is no file name could be no link's name. */
	if (library.soname.n == 0 || str_find(library.soname, '/') >= 0)
		library.soname = n->name;
	*ret = (struct candidate){ n->name, str_dup(s->t->a, library.soname),
				   S_ISLNK(n->mode) && link_is_itself(n->name, library.soname) };
	if (ret->is_link)
		ret->soname = n->name;
	return 1;
}

/* Of two with one soname: a file before a link, then the higher version. */
static void add_candidate(struct arena *a, struct map *by_soname, vec_candidate *v,
			  struct candidate c)
{
	uint32_t *i = map_get(by_soname, c.soname);

	if (!i) {
		map_put(a, by_soname, c.soname, (uint32_t)v->n);
		vec_push(a, v) = c;
	} else if ((!c.is_link && v->p[*i].is_link) ||
		   (c.is_link == v->p[*i].is_link && linker_cache_cmp(v->p[*i].name, c.name) < 0)) {
		v->p[*i] = c;
	}
}

/* The file behind a path, whichever of its hard links. */
static uint32_t file_of(const struct tree *t, struct str path)
{
	uint32_t id = tree_find(t, path);

	return id == TREE_NONE ? id : tree_holder(t, id);
}

/* The link by which a library is found, unless there is one or a file has its name. */
static int put_link(struct search *s, const struct folder *f, const struct candidate *c,
		    struct err *e)
{
	struct str path = str_printf(s->t->a, "%.*s/%.*s", STR_FMT(f->path), STR_FMT(c->soname));
	struct str target = str_printf(s->t->a, "%.*s/%.*s", STR_FMT(f->path), STR_FMT(c->name));
	uint32_t id = tree_find_exact(s->t, path);

	if (id != TREE_NONE &&
	    (file_of(s->t, path) == file_of(s->t, target) || !S_ISLNK(s->t->nodes.p[id].mode)))
		return 0;
	return gen_link(s->t, path, c->name, e);
}

static int search_folder(struct search *s, const struct folder *f, struct err *e)
{
	struct map by_soname = { 0 };
	vec_candidate found = { 0 };
	vec_id ids;
	int r = 0;

	tree_children(s->t->a, s->t, f->id, &ids);
	vec_each(id, &ids) {
		struct candidate c;

		r = candidate_read(s, f, *id, &c, e);
		if (r < 0)
			return r;
		if (r > 0)
			add_candidate(s->t->a, &by_soname, &found, c);
	}
	r = 0;
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		const struct candidate *c = &found.p[i];
		/* By its soname, so that the cache outlives a new version; those for processors
		 * have no links. */
		struct str file = f->hwcaps.n > 0 ? c->name : c->soname;

		if (f->hwcaps.n == 0 && !c->is_link)
			r = put_link(s, f, c, e);
		linker_cache_add(&s->cache, c->soname,
				 str_printf(s->t->a, "%.*s/%.*s", STR_FMT(f->path), STR_FMT(file)),
				 f->hwcaps);
	}
	return r;
}

/* Which folders are searched. */
static int search_init(struct search *s, struct tree *t, const struct arch *arch,
		       struct gen_inputs *inputs, struct err *e)
{
	/* Debian's, which ldconfig searches whatever its configuration says. */
	const struct str trusted[] = { str_printf(t->a, "/lib/%s", arch->gnu),
				       str_printf(t->a, "/usr/lib/%s", arch->gnu), STR("/lib"),
				       STR("/usr/lib") };
	int r;

	*s = (struct search){
		.t = t, .machine = arch->elf_machine, .cache = { .a = t->a }, .inputs = inputs
	};
	r = read_conf(s, STR("/etc/ld.so.conf"), 0, e);
	for (size_t i = 0; r == 0 && i < sizeof(trusted) / sizeof(trusted[0]); i++)
		add_folder(s, trusted[i]);
	return r;
}

int gen_linker_cache(struct tree *t, const struct arch *arch, struct err *e)
{
	TRACE("linker cache");
	struct search s;
	int r = search_init(&s, t, arch, NULL, e);

	for (size_t i = 0; r == 0 && i < s.folders.n; i++)
		r = search_folder(&s, &s.folders.p[i], e);
	if (r < 0)
		return r;
	return gen_put(t, STR("/etc/ld.so.cache"), S_IFREG | 0644,
		       linker_cache_write(&s.cache, arch->ld_cache), e);
}

int gen_linker_cache_inputs(struct arena *a, struct tree *t, const struct arch *arch,
			    struct gen_inputs *ret, struct err *e)
{
	struct search s;

	gen_inputs_init(a, t, ret);
	gen_input(ret, "arch", str_c(arch->name));
	gen_input_node(ret, STR("/etc/ld.so.cache"));
	return search_init(&s, t, arch, ret, e);
}
