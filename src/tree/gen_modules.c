/* SPDX-License-Identifier: MIT */
/* Kernel modules: which stay, and the files by which modprobe, udev and the initrd find them.
 *
 * Dependencies are the "depends=" that the kernel's own build wrote into each module. Nothing asks
 * for a module by symbol, so that index is empty; it is there because libkmod, finding one index
 * missing, gives up reading any of them at once. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/thread_pool.h"
#include "base/trace.h"
#include "disk/codec.h"
#include "tree/gen.h"
#include "tree/generators.h"
#include "tree/module_index.h"
#include "tree/module_info.h"

enum { MODULE_BYTES_MAX = 256 << 20, MODULES_COUNT_MAX = 65536 };

struct module {
	struct str path; /* below /usr/lib/modules/VERSION: "kernel/fs/erofs/erofs.ko.xz" */
	struct str name; /* "erofs", with '-' as '_' */
	uint32_t node, order;
	uint32_t number; /* among those kept */
	uint32_t rank;   /* in modules.dep, whatever needs another stands before it */
	bool keep, read;
	struct str info;    /* .modinfo, once read */
	struct arena a;     /* of info: modules are read in parallel */
	VEC(uint32_t) deps; /* direct ones */
};

struct module_set {
	struct tree *t;
	struct arena *a;
	struct str version;
	VEC(struct module) v;
	struct map by_name, builtin;
	unsigned n_threads;
};

static bool is_module(struct str name)
{
	return str_ends(name, ".ko") || str_ends(name, ".ko.xz") || str_ends(name, ".ko.zst") ||
	       str_ends(name, ".ko.gz");
}

/* Empty when there is none. */
static int file_text(const struct module_set *m, const char *name, struct str *ret, struct err *e)
{
	struct str path = str_printf(m->a, "/usr/lib/modules/%.*s/%s", STR_FMT(m->version), name);
	int r = gen_read(m->a, m->t, path, ret, e);

	return r < 0 ? r : 0;
}

static int collect(struct module_set *m, uint32_t dir, struct str prefix, struct err *e)
{
	vec_id ids;

	tree_children(m->a, m->t, dir, &ids);
	vec_each(id, &ids) {
		const struct tree_node *node = &m->t->nodes.p[*id];
		struct str path = prefix.n ? str_printf(m->a, "%.*s/%.*s", STR_FMT(prefix),
							STR_FMT(node->name))
					   : node->name;
		const uint32_t *other;
		struct module *module;
		int r;

		if (S_ISDIR(node->mode)) {
			r = collect(m, *id, path, e);
			if (r < 0)
				return r;
		}
		if (!S_ISREG(node->mode) || !is_module(node->name))
			continue;
		if (m->v.n == MODULES_COUNT_MAX)
			return err_set(e, -E2BIG, "more than %d kernel modules", MODULES_COUNT_MAX);
		other = map_get(&m->by_name, module_name(m->a, path));
		if (other)
			return err_set(e, -EEXIST,
				       "kernel %.*s has two modules '%.*s': %.*s and %.*s",
				       STR_FMT(m->version), STR_FMT(m->v.p[*other].name),
				       STR_FMT(m->v.p[*other].path), STR_FMT(path));
		module = &vec_push(m->a, &m->v);
		*module = (struct module){ .path = path,
					   .name = module_name(m->a, path),
					   .node = *id,
					   .order = UINT32_MAX };
		map_put(m->a, &m->by_name, module->name, (uint32_t)m->v.n - 1);
	}
	return 0;
}

/* modules.order names the modules as the kernel was linked, by their uncompressed names: which of
 * two that claim one device comes first. */
static int order(struct module_set *m, struct err *e)
{
	struct str text;
	uint32_t n = 0;
	int r = file_text(m, "modules.order", &text, e);

	if (r < 0)
		return r;
	while (text.n > 0) {
		const uint32_t *i = map_get(&m->by_name, module_name(m->a, str_cut(&text, '\n')));

		if (i && m->v.p[*i].order == UINT32_MAX)
			m->v.p[*i].order = n;
		n++;
	}
	return 0;
}

static int order_cmp(const void *x, const void *y)
{
	const struct module *p = x, *q = y;

	return p->order != q->order ? (p->order < q->order ? -1 : 1) : str_cmp(p->path, q->path);
}

/* What the kernel does not have is for the initrd to complain of. */
static void select_named(struct module_set *m, const vec_str *names)
{
	vec_each(text, names) {
		bool optional;
		const uint32_t *i = map_get(&m->by_name, module_wish(m->a, *text, &optional));

		if (i)
			m->v.p[*i].keep = true;
	}
}

static int select_kept(struct module_set *m, const struct conf_image *image, struct err *e)
{
	const vec_str *keep = &image->kernel_modules;

	select_named(m, &image->initrd_modules);
	select_named(m, &image->initrd_drivers);
	vec_each(glob, keep) {
		bool hit = false;

		for (size_t i = 0; i < m->v.n; i++)
			if (str_glob(*glob, m->v.p[i].path))
				m->v.p[i].keep = hit = true;
		if (!hit)
			return err_set(e, -ENOENT,
				       "kernel-modules: '%.*s' matches no module of kernel %.*s",
				       STR_FMT(*glob), STR_FMT(m->version));
	}
	for (size_t i = 0; keep->n == 0 && i < m->v.n; i++)
		m->v.p[i].keep = true;
	return 0;
}

struct reading {
	struct module_set *m;
	VEC(uint32_t) todo;
};

static int read_one(void *arg, size_t i, struct err *e)
{
	const struct reading *reading = arg;
	struct module *module = &reading->m->v.p[reading->todo.p[i]];
	_cleanup_arena_ struct arena scratch = { 0 };
	struct str data, elf, info;
	int r = tree_read(&scratch, reading->m->t, module->node, &data, e);

	if (r == 0)
		r = decompress(&scratch, data, MODULE_BYTES_MAX, &elf, e);
	if (r == 0)
		r = module_info_find(elf, &info, e);
	if (r < 0)
		return err_wrap(e, r, "kernel module '%.*s'", STR_FMT(module->path));
	module->info = str_dup(&module->a, info);
	module->read = true;
	return 0;
}

static int want(struct module_set *m, struct module *module, struct str dep, bool needed,
		struct err *e)
{
	const uint32_t *i = map_get(&m->by_name, module_name(m->a, dep));

	if (!i && needed && !map_get(&m->builtin, module_name(m->a, dep)))
		return err_set(e, -ENOENT,
			       "kernel module '%.*s' depends on '%.*s', which is not there",
			       STR_FMT(module->path), STR_FMT(dep));
	if (!i)
		return 0;
	m->v.p[*i].keep = true;
	if (needed)
		vec_push(m->a, &module->deps) = *i;
	return 0;
}

static int wants(struct module_set *m, struct module *module, struct err *e)
{
	struct str info = module->info, key, value;
	int r = 0;

	while (r == 0 && module_info_next(&info, &key, &value)) {
		if (str_eqz(key, "depends")) {
			while (r == 0 && value.n > 0)
				r = want(m, module, str_cut(&value, ','), true, e);
		} else if (str_eqz(key, "softdep")) {
			struct str word = str_word(&value);

			for (bool pre = false; r == 0 && word.n > 0; word = str_word(&value)) {
				if (str_ends(word, ":"))
					pre = str_eqz(word, "pre:");
				else if (pre)
					r = want(m, module, word, false, e);
			}
		}
	}
	return r;
}

/* Reads what is kept, then what that needs, until nothing new is needed. */
static int read_kept(struct module_set *m, struct err *e)
{
	for (;;) {
		struct reading reading = { .m = m };
		int r;

		for (uint32_t i = 0; i < m->v.n; i++)
			if (m->v.p[i].keep && !m->v.p[i].read)
				vec_push(m->a, &reading.todo) = i;
		if (reading.todo.n == 0)
			return 0;
		r = thread_pool_for(m->n_threads, reading.todo.n, read_one, &reading, e);
		for (size_t i = 0; r == 0 && i < reading.todo.n; i++)
			r = wants(m, &m->v.p[reading.todo.p[i]], e);
		if (r < 0)
			return r;
	}
}

static int put(struct module_set *m, const char *name, struct str data, struct err *e)
{
	uint32_t id;

	return tree_put(m->t,
			str_printf(m->t->a, "/usr/lib/modules/%.*s/%s", STR_FMT(m->version), name),
			S_IFREG | 0644, str_dup(m->t->a, data), TREE_OWNER_GENERATOR, &id, e);
}

typedef VEC(struct module_index_entry) vec_entry;

static int put_index(struct module_set *m, const char *name, vec_entry *entries, struct err *e)
{
	return put(m, name, module_index_write(m->a, entries->p, entries->n), e);
}

static struct str text_of(const struct buf *b)
{
	return (struct str){ (char *)b->v.p, b->v.n };
}

/* Ranks the kept modules so that each comes before what it needs, in the order that depmod finds:
 * it goes on with what the last one needed when nothing else still needs that. */
static int rank(struct module_set *m, struct err *e)
{
	uint32_t *users = arena_array(m->a, m->v.n, sizeof(*users)), number = 0, ranked = 0;
	vec_id next = { 0 };

	vec_each(module, &m->v)
		for (size_t k = 0; module->keep && k < module->deps.n; k++)
			users[module->deps.p[k]]++;
	for (uint32_t i = 0; i < m->v.n; i++) {
		if (!m->v.p[i].keep)
			continue;
		m->v.p[i].number = number++;
		if (users[i] == 0)
			vec_push(m->a, &next) = i;
	}
	while (next.n > 0) {
		struct module *module = &m->v.p[next.p[--next.n]];

		module->rank = ranked++;
		vec_each(dep, &module->deps)
			if (--users[*dep] == 0)
				vec_push(m->a, &next) = *dep;
	}
	for (size_t i = 0; ranked < number && i < m->v.n; i++)
		if (users[i] > 0)
			return err_set(e, -ELOOP,
				       "kernel module '%.*s' needs itself by way of others",
				       STR_FMT(m->v.p[i].path));
	return 0;
}

static int rank_cmp(const void *x, const void *y)
{
	const struct module *p = *(const struct module *const *)x,
			    *q = *(const struct module *const *)y;

	return p->rank < q->rank ? -1 : 1;
}

typedef VEC(const struct module *) vec_module;

/* All that a module needs, also by way of others. */
static void closure(const struct module_set *m, const struct module *module, uint32_t mark,
		    uint32_t *marks, vec_module *ret)
{
	vec_each(dep, &module->deps)
		if (marks[*dep] != mark) {
			marks[*dep] = mark;
			vec_push(m->a, ret) = &m->v.p[*dep];
			closure(m, &m->v.p[*dep], mark, marks, ret);
		}
}

static int put_dep(struct module_set *m, struct err *e)
{
	uint32_t *marks = arena_array(m->a, m->v.n, sizeof(*marks));
	struct buf text = { .a = m->a };
	vec_entry entries = { 0 };
	vec_module deps = { 0 };
	int r;

	for (uint32_t i = 0; i < m->v.n; i++) {
		const struct module *module = &m->v.p[i];
		size_t start = text.v.n;

		if (!module->keep)
			continue;
		deps.n = 0;
		closure(m, module, i + 1, marks, &deps);
		if (deps.n > 0)
			qsort(deps.p, deps.n, sizeof(*deps.p), rank_cmp);
		buf_printf(&text, "%.*s:", STR_FMT(module->path));
		vec_each(dep, &deps)
			buf_printf(&text, " %.*s", STR_FMT((*dep)->path));
		vec_push(m->a, &entries) = (struct module_index_entry){
			.key = module->name,
			.value = str_dup(m->a, (struct str){ (char *)text.v.p + start,
							     text.v.n - start }),
			.priority = module->number
		};
		buf_u8(&text, '\n');
	}
	r = put(m, "modules.dep", text_of(&text), e);
	return r < 0 ? r : put_index(m, "modules.dep.bin", &entries, e);
}

/* In an alias, '-' and '_' are one, outside brackets. False when those do not match: such an alias
 * matches nothing. */
static bool alias_normal(struct arena *a, struct str alias, struct str *ret)
{
	char *z = str_z(a, alias);
	bool bracket = false;

	for (size_t i = 0; i < alias.n; i++) {
		if (z[i] == ']' && !bracket)
			return false;
		bracket = z[i] == '[' || (bracket && z[i] != ']');
		if (z[i] == '-' && !bracket)
			z[i] = '_';
	}
	*ret = (struct str){ z, alias.n };
	return !bracket;
}

/* "char-major-10-200" -> "c10:200"; false for anything else, such as all minors of a major,
 * "block-major-7-*". */
static bool device_number(struct arena *a, struct str alias, struct str *ret)
{
	bool block = str_starts(alias, "block-major-");
	struct str minor = str_from(alias, strlen(block ? "block-major-" : "char-major-"));
	struct str major = str_cut(&minor, '-');
	uint64_t x, y;

	if (!block && !str_starts(alias, "char-major-"))
		return false;
	if (!str_u64(major, UINT32_MAX, &x) || !str_u64(minor, UINT32_MAX, &y))
		return false;
	*ret = str_printf(a, "%c%u:%u", block ? 'b' : 'c', (unsigned)x, (unsigned)y);
	return true;
}

/* A number and "devname:net/tun" make the device node that opening loads the module. */
static void devname_line(struct buf *b, const struct module *module)
{
	struct str info = module->info, key, value, devname = { 0 }, number = { 0 };

	while ((devname.n == 0 || number.n == 0) && module_info_next(&info, &key, &value)) {
		if (!str_eqz(key, "alias"))
			continue;
		if (str_starts(value, "devname:"))
			devname = str_from(value, strlen("devname:"));
		else
			device_number(b->a, value, &number);
	}
	if (devname.n == 0 || number.n == 0)
		return;
	if (b->v.n == 0)
		buf_printf(b, "# Device nodes to trigger on-demand module loading.\n");
	buf_printf(b, "%.*s %.*s %.*s\n", STR_FMT(module->name), STR_FMT(devname), STR_FMT(number));
}

/* What a module says of itself goes to the text as it is, and to the index in its normal form. */
static void alias_lines(const struct module_set *m, const struct module *module, struct buf *alias,
			struct buf *soft, vec_entry *entries)
{
	struct str info = module->info, key, value, normal;

	while (module_info_next(&info, &key, &value)) {
		if (str_eqz(key, "alias")) {
			buf_printf(alias, "alias %.*s %.*s\n", STR_FMT(value),
				   STR_FMT(module->name));
			if (alias_normal(m->a, value, &normal))
				vec_push(m->a, entries) =
					(struct module_index_entry){ .key = normal,
								     .value = module->name,
								     .priority = module->number };
		} else if (str_eqz(key, "softdep")) {
			buf_printf(soft, "softdep %.*s %.*s\n", STR_FMT(module->name),
				   STR_FMT(value));
		}
	}
}

static int put_aliases(struct module_set *m, struct err *e)
{
	struct buf alias = { .a = m->a }, soft = { .a = m->a }, devname = { .a = m->a };
	vec_entry entries = { 0 };
	int r;

	buf_printf(&alias, "# Aliases extracted from modules themselves.\n");
	buf_printf(&soft, "# Soft dependencies extracted from modules themselves.\n");
	vec_each(module, &m->v) {
		if (!module->keep)
			continue;
		alias_lines(m, module, &alias, &soft, &entries);
		devname_line(&devname, module);
	}
	r = put(m, "modules.alias", text_of(&alias), e);
	if (r == 0)
		r = put_index(m, "modules.alias.bin", &entries, e);
	if (r == 0)
		r = put(m, "modules.softdep", text_of(&soft), e);
	return r < 0 ? r : put(m, "modules.devname", text_of(&devname), e);
}

static int put_builtin(struct module_set *m, struct err *e)
{
	struct str text, info, key, value;
	vec_entry builtin = { 0 }, aliases = { 0 }, symbols = { 0 };
	int r = file_text(m, "modules.builtin", &text, e);

	if (r == 0)
		r = file_text(m, "modules.builtin.modinfo", &info, e);
	if (r < 0)
		return r;
	while (text.n > 0)
		vec_push(m->a, &builtin) =
			(struct module_index_entry){ .key = module_name(m->a,
									str_cut(&text, '\n')) };
	/* "module.alias=value" */
	while (module_info_next(&info, &key, &value)) {
		struct str module = str_cut(&key, '.'), normal;

		if (str_eqz(key, "alias") && alias_normal(m->a, value, &normal))
			vec_push(m->a, &aliases) =
				(struct module_index_entry){ .key = normal, .value = module };
	}
	r = put_index(m, "modules.symbols.bin", &symbols, e);
	if (r == 0)
		r = put_index(m, "modules.builtin.bin", &builtin, e);
	return r < 0 ? r : put_index(m, "modules.builtin.alias.bin", &aliases, e);
}

static void drop_empty_dirs(struct module_set *m, uint32_t dir)
{
	vec_id ids;
	size_t left = 0;

	tree_children(m->a, m->t, dir, &ids);
	vec_each(id, &ids) {
		if (S_ISDIR(m->t->nodes.p[*id].mode))
			drop_empty_dirs(m, *id);
		left += !m->t->nodes.p[*id].removed;
	}
	if (left == 0)
		tree_remove(m->t, dir);
}

static int one_kernel(struct module_set *m, uint32_t dir, const struct conf_image *image,
		      struct err *e)
{
	struct str builtin;
	int r = collect(m, dir, (struct str){ 0 }, e);

	if (r == 0)
		r = file_text(m, "modules.builtin", &builtin, e);
	if (r == 0)
		r = order(m, e);
	if (r < 0)
		return r;
	while (builtin.n > 0)
		map_put(m->a, &m->builtin, module_name(m->a, str_cut(&builtin, '\n')), 1);
	if (m->v.n > 0)
		qsort(m->v.p, m->v.n, sizeof(*m->v.p), order_cmp);
	for (uint32_t i = 0; i < m->v.n; i++)
		map_put(m->a, &m->by_name, m->v.p[i].name, i);
	r = select_kept(m, image, e);
	if (r == 0)
		r = read_kept(m, e);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < m->v.n; i++)
		if (!m->v.p[i].keep)
			tree_remove(m->t, m->v.p[i].node);
	drop_empty_dirs(m, dir);
	r = rank(m, e);
	if (r == 0)
		r = put_dep(m, e);
	if (r == 0)
		r = put_aliases(m, e);
	return r < 0 ? r : put_builtin(m, e);
}

int gen_modules(struct tree *t, const struct conf_image *image, unsigned n_threads, struct err *e)
{
	TRACE("kernel modules");
	_cleanup_arena_ struct arena a = { 0 };
	uint32_t root = tree_find(t, STR("/usr/lib/modules"));
	vec_id kernels = { 0 };
	int r = 0;

	if (root != TREE_NONE)
		tree_children(&a, t, root, &kernels);
	vec_each(kernel, &kernels) {
		struct module_set m = {
			.t = t, .a = &a, .version = t->nodes.p[*kernel].name, .n_threads = n_threads
		};

		r = one_kernel(&m, *kernel, image, e);
		vec_each(module, &m.v)
			arena_done(&module->a);
		if (r < 0)
			break;
	}
	return r;
}

void gen_modules_inputs(struct arena *a, struct tree *t, const struct conf_image *image,
			struct gen_inputs *ret)
{
	gen_inputs_init(a, t, ret);
	vec_each(glob, &image->kernel_modules)
		gen_input(ret, "keep", *glob);
	vec_each(name, &image->initrd_modules)
		gen_input(ret, "initrd-module", *name);
	vec_each(name, &image->initrd_drivers)
		gen_input(ret, "initrd-driver", *name);
	gen_input_below(ret, STR("/usr/lib/modules"));
}
