/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "artifact/policy.h"
#include "base/boot_words.h"
#include "base/trace.h"
#include "disk/codec.h"
#include "disk/cpio.h"
#include "image/steps.h"
#include "tree/gen_inputs.h"
#include "tree/module_info.h"
#include "trust/certificate.h"

#define INITRD "/initrd"

enum { MODULE_BYTES_MAX = 64 << 20, INITRD_ZSTD_LEVEL = 9 };

/* The kernel's modules as depmod described them: paths of modules.dep by name, with '-' as '_'. */
struct kernel_modules {
	struct arena *a;
	const struct tree *tree;
	struct str version;
	struct map by_name; /* -> deps */
	VEC(struct str) paths;
	VEC(struct str) deps; /* the rest of the line, paths separated by blanks */
	vec_str names;
	struct str aliases, builtin;
	struct map done;
	struct buf list, cpio;
};

/* Empty when there is none. */
static int text_of(struct kernel_modules *m, const char *file, struct str *ret, struct err *e)
{
	uint32_t id = tree_find(m->tree, str_printf(m->a, "/usr/lib/modules/%.*s/%s",
						    STR_FMT(m->version), file));

	*ret = (struct str){ 0 };
	return id == TREE_NONE ? 0 : tree_read(m->a, m->tree, id, ret, e);
}

static int modules_init(struct arena *a, const struct tree *tree, struct str version,
			struct kernel_modules *m, struct err *e)
{
	struct str text;
	int r;

	*m = (struct kernel_modules){
		.a = a, .tree = tree, .version = version, .list = { .a = a }, .cpio = { .a = a }
	};
	r = text_of(m, "modules.dep", &text, e);
	if (r == 0)
		r = text_of(m, "modules.alias", &m->aliases, e);
	if (r == 0)
		r = text_of(m, "modules.builtin", &m->builtin, e);
	if (r < 0)
		return r;
	while (text.n > 0) {
		struct str deps = str_cut(&text, '\n'), path = str_cut(&deps, ':');
		struct str name = module_name(a, path);

		map_put(a, &m->by_name, name, (uint32_t)m->paths.n);
		vec_push(a, &m->paths) = path;
		vec_push(a, &m->deps) = deps;
		vec_push(a, &m->names) = name;
	}
	return 0;
}

static bool is_builtin(struct kernel_modules *m, struct str name)
{
	struct str text = m->builtin;

	while (text.n > 0)
		if (str_eq(module_name(m->a, str_cut(&text, '\n')), name))
			return true;
	return false;
}

static void put(struct kernel_modules *m, struct str name, uint32_t mode, struct str data)
{
	const struct cpio_entry entry = { .name = name, .mode = mode, .nlink = 1, .data = data };

	cpio_add(&m->cpio, &entry);
}

static void put_aliases(struct kernel_modules *m, struct str name)
{
	struct str text = m->aliases;

	while (text.n > 0) {
		struct str line = str_cut(&text, '\n'), word = str_word(&line),
			   pattern = str_word(&line);

		if (str_eqz(word, "alias") && str_eq(str_word(&line), name))
			buf_printf(&m->list, " %.*s", STR_FMT(pattern));
	}
}

static int put_file(struct kernel_modules *m, struct str name, struct str path, struct err *e)
{
	struct str full =
		str_printf(m->a, "/usr/lib/modules/%.*s/%.*s", STR_FMT(m->version), STR_FMT(path));
	uint32_t id = tree_find(m->tree, full);
	struct str data;
	int r;

	if (id == TREE_NONE)
		return err_set(e, -ENOENT, "modules.dep names '%.*s', which is not in the image",
			       STR_FMT(full));
	r = tree_read(m->a, m->tree, id, &data, e);
	if (r == 0)
		r = decompress(m->a, data, MODULE_BYTES_MAX, &data, e);
	if (r < 0)
		return err_wrap(e, r, "%.*s", STR_FMT(full));
	put(m, str_printf(m->a, "modules/%.*s.ko", STR_FMT(name)), S_IFREG | 0644, data);
	return 0;
}

/* Lists a module behind all it depends on. modules.dep names every dependency, also indirect ones,
 * the first to be loaded last, and has no cycles. */
static int add(struct kernel_modules *m, struct str name, bool always, struct err *e)
{
	const uint32_t *at = map_get(&m->by_name, name);
	vec_str deps = { 0 };
	struct str rest;
	int r;

	if (map_get(&m->done, name))
		return 0;
	if (!at)
		return err_set(e, -ENOENT, "no kernel module '%.*s'", STR_FMT(name));
	map_put(m->a, &m->done, name, 1);
	rest = m->deps.p[*at];
	for (struct str path; (path = str_word(&rest)).n > 0;)
		vec_push(m->a, &deps) = module_name(m->a, path);
	for (size_t i = deps.n; i-- > 0;) {
		r = add(m, deps.p[i], false, e);
		if (r < 0)
			return r;
	}
	buf_printf(&m->list, "%.*s ", STR_FMT(name));
	for (size_t i = 0; i < deps.n; i++)
		buf_printf(&m->list, "%s%.*s", i ? "," : "", STR_FMT(deps.p[i]));
	if (deps.n == 0)
		buf_u8(&m->list, '-');
	if (always)
		buf_printf(&m->list, " always");
	else
		put_aliases(m, name);
	buf_u8(&m->list, '\n');
	return put_file(m, name, m->paths.p[*at], e);
}

static int add_all(struct kernel_modules *m, const vec_str *names, bool always, const char *key,
		   struct err *e)
{
	vec_each(given, names) {
		bool optional;
		struct str name = module_wish(m->a, *given, &optional);
		const struct str *near;
		int r;

		if (is_builtin(m, name))
			continue;
		if (map_get(&m->by_name, name)) {
			r = add(m, name, always, e);
			if (r < 0)
				return r;
			continue;
		}
		if (optional)
			continue;
		near = str_nearest(m->names.p, m->names.n, name);
		if (near)
			return err_set(e, -ENOENT,
				       "%s: kernel %.*s has no module '%.*s'; did you mean '%.*s'?",
				       key, STR_FMT(m->version), STR_FMT(*given), STR_FMT(*near));
		return err_set(e, -ENOENT, "%s: kernel %.*s has no module '%.*s'", key,
			       STR_FMT(m->version), STR_FMT(*given));
	}
	return 0;
}

struct initrd {
	const struct conf_image *image;
	const struct tree *tree;
	struct str kernel; /* its version */
	struct str init, policy;
	struct str pcr_keys;
};

static struct str lines(struct arena *a, const vec_str *list)
{
	struct buf b = { .a = a };

	vec_each(s, list)
		buf_printf(&b, "%.*s\n", STR_FMT(*s));
	return (struct str){ (char *)b.v.p, b.v.n };
}

static int make(struct arena *a, const struct initrd *in, struct str *ret, struct err *e)
{
	TRACE("initrd");
	static const char *const dirs[] = { "dev", "modules", "proc", "run", "sys", "sysroot" };
	struct kernel_modules m;
	int r = modules_init(a, in->tree, in->kernel, &m, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		put(&m, str_c(dirs[i]), S_IFDIR | 0755, (struct str){ 0 });
	put(&m, STR("init"), S_IFREG | 0755, in->init);
	put(&m, STR("ipe-policy"), S_IFREG | 0644, in->policy);
	put(&m, STR("platform-credentials"), S_IFREG | 0644,
	    lines(a, &in->image->platform_credentials));
	put(&m, STR("pcr-keys"), S_IFREG | 0644, in->pcr_keys);
	r = add_all(&m, &in->image->initrd_modules, true, "initrd-modules", e);
	if (r == 0)
		r = add_all(&m, &in->image->initrd_drivers, false, "initrd-drivers", e);
	if (r < 0)
		return r;
	put(&m, STR("modules/modules.list"), S_IFREG | 0644,
	    (struct str){ (char *)m.list.v.p, m.list.v.n });
	cpio_end(&m.cpio);
	return zstd_compress(a, (struct str){ (char *)m.cpio.v.p, m.cpio.v.n }, INITRD_ZSTD_LEVEL,
			     ret, e);
}

static int step(void *arg, struct tree *t, struct err *e)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	struct str bytes;
	int r = make(&scratch, arg, &bytes, e);

	return r < 0 ? r
		     : tree_put(t, STR(INITRD), S_IFREG | 0644, str_dup(t->a, bytes),
				TREE_OWNER_GENERATOR, NULL, e);
}

static struct recipe recipe_of(struct arena *a, const struct initrd *initrd, struct tree *t)
{
	struct recipe r = recipe_new(a, RECIPE_INITRD, (struct str){ 0 });
	struct gen_inputs in;

	recipe_number(&r, "zstd-level", INITRD_ZSTD_LEVEL);
	recipe_bytes(&r, "init", initrd->init);
	recipe_bytes(&r, "policy", initrd->policy);
	recipe_bytes(&r, "pcr-keys", initrd->pcr_keys);
	recipe_line(&r, "kernel", initrd->kernel);
	recipe_list(&r, "modules", &initrd->image->initrd_modules);
	recipe_list(&r, "drivers", &initrd->image->initrd_drivers);
	recipe_list(&r, "platform-credentials", &initrd->image->platform_credentials);
	gen_inputs_init(a, t, &in);
	gen_input_below(&in, STR("/usr/lib/modules"));
	recipe_lines(&r, gen_inputs_text(&in));
	return r;
}

/* Whose signatures over PCR 11 agent/init believes: the present key, then the retired ones. */
static int pcr_keys(struct arena *a, const vec_str *certificates, struct str *ret, struct err *e)
{
	struct buf b = { .a = a };

	if (certificates->n > BOOT_PCR_KEYS_MAX)
		return err_set(e, -E2BIG,
			       "%zu pcr-signing keys, present and retired: an image takes %d; "
			       "'ashlar key retire' those that no machine's state needs any more",
			       certificates->n, BOOT_PCR_KEYS_MAX);
	vec_each(der, certificates) {
		struct str bits, modulus;
		int r = certificate_key_bits(a, *der, &bits, e);

		if (r == 0)
			r = certificate_modulus(a, *der, &modulus, e);
		if (r < 0)
			return err_wrap(e, r, "%s", key_role_name(KEY_PCR));
		buf_printf(&b, "%.*s %.*s\n", STR_FMT(sha256_hex(a, bits.p, bits.n)),
			   STR_FMT(hex_encode(a, modulus.p, modulus.n)));
	}
	*ret = (struct str){ (const char *)b.v.p, b.v.n };
	return 0;
}

/* Derived in a tree of its own. */
static int initrd_make(struct build *b, struct image_kernel *k, struct err *e)
{
	const struct conf_image *image = &b->res.image;
	struct initrd initrd = { .image = image,
				 .tree = &b->as.tree,
				 .kernel = k->version,
				 .init = b->agents.init,
				 .policy = policy_template(b->a, image->boot.execute_from) };
	struct recipe recipe;
	struct tree t;
	int r = pcr_keys(b->a, &b->keys->trusted[KEY_PCR], &initrd.pcr_keys, e);

	if (r < 0)
		return r;
	recipe = recipe_of(b->a, &initrd, &b->as.tree);
	tree_init(b->a, &t);
	r = derive(&b->derive, &recipe, &t, step, &initrd, e);
	return r < 0 ? r : tree_read(b->a, &t, tree_find(&t, STR(INITRD)), &k->initrd, e);
}

int image_initrds(struct build *b, struct err *e)
{
	int r = 0;

	vec_each(kernel, &b->as.kernels)
		if (r == 0)
			r = initrd_make(b, kernel, e);
	return r;
}
