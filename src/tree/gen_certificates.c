/* SPDX-License-Identifier: MIT */
/* Trusted certificates in the two forms that programs look for: one bundle, and a folder of files
 * by subject. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/trace.h"
#include "tree/gen.h"
#include "tree/generators.h"
#include "trust/certificate.h"

#define CERTS "/etc/ssl/certs"

/* What packages bring, then what the definitions of an image add. */
static const char *const folders[] = { "/usr/share/ca-certificates",
				       "/usr/local/share/ca-certificates" };

/* As deep as folders may be nested, links followed; more is a loop. */
enum { DEPTH_MAX = 32 };

static void collect(const struct tree *t, struct str folder, unsigned depth, vec_str *ret)
{
	uint32_t dir = tree_find(t, folder);
	vec_id ids = { 0 };

	if (dir == TREE_NONE || depth == DEPTH_MAX)
		return;
	tree_children(t->a, t, dir, &ids);
	vec_each(id, &ids) {
		struct str name = t->nodes.p[*id].name;
		struct str path = str_printf(t->a, "%.*s/%.*s", STR_FMT(folder), STR_FMT(name));
		uint32_t at = tree_find(t, path);

		if (at != TREE_NONE && S_ISDIR(t->nodes.p[at].mode))
			collect(t, path, depth + 1, ret);
		else if (str_ends(name, ".crt") && gen_is_file(t, path))
			vec_push(t->a, ret) = path;
	}
}

/* "/usr/share/ca-certificates/x/A (B).crt" -> "A_=B=.pem" */
static struct str pem_name(struct arena *a, struct str path)
{
	struct str name = path;
	char *z;

	for (ptrdiff_t at; (at = str_find(name, '/')) >= 0;)
		name = str_from(name, (size_t)at + 1);
	z = str_z(a, str_printf(a, "%.*s.pem", STR_FMT(str_head(name, name.n - strlen(".crt")))));
	for (char *c = z; *c; c++)
		if (*c == ' ' || *c == ',')
			*c = '_';
		else if (*c == '(' || *c == ')')
			*c = '=';
	return str_c(z);
}

/* Those of one folder, in the order of their paths: links to them, and their text in the bundle. */
static int add_folder(struct tree *t, const char *folder, struct map *names, struct buf *bundle,
		      struct err *e)
{
	vec_str paths = { 0 };

	collect(t, str_c(folder), 0, &paths);
	if (paths.n > 0)
		qsort(paths.p, paths.n, sizeof(*paths.p), gen_str_cmp);
	vec_each(path, &paths) {
		struct str name = pem_name(t->a, *path), text;
		int r;

		if (map_get(names, name))
			return err_set(e, -EEXIST,
				       "certificate '%.*s': another one is called '%.*s', too",
				       STR_FMT(*path), STR_FMT(name));
		map_put(t->a, names, name, 1);
		r = gen_link(t, str_printf(t->a, CERTS "/%.*s", STR_FMT(name)), *path, e);
		if (r == 0)
			r = gen_read(t->a, t, *path, &text, e);
		if (r < 0)
			return r;
		buf_put(bundle, text.p, text.n);
		if (text.n > 0 && text.p[text.n - 1] != '\n')
			buf_u8(bundle, '\n');
	}
	return 0;
}

struct hashed {
	struct certificate c;
	unsigned number; /* among those of one hash */
};

typedef VEC(struct hashed) vec_hashed;

/* The number that a certificate gets behind its hash; false when the same one is there under
 * another name. */
static bool number(const vec_hashed *seen, const struct certificate *c, unsigned *ret)
{
	*ret = 0;
	vec_each(h, seen) {
		if (h->c.subject_hash != c->subject_hash)
			continue;
		if (memcmp(h->c.sha256, c->sha256, sizeof(c->sha256)) == 0)
			return false;
		*ret = h->number + 1;
	}
	return true;
}

/* "HASH.N" for every file of the folder that holds one certificate, in the order of their names:
 * c_rehash(1). */
static int add_hashes(struct tree *t, struct err *e)
{
	uint32_t dir = tree_find(t, STR(CERTS));
	vec_hashed seen = { 0 };
	vec_id ids = { 0 };

	if (dir != TREE_NONE)
		tree_children(t->a, t, dir, &ids);
	vec_each(id, &ids) {
		struct str name = t->nodes.p[*id].name, text;
		struct hashed h;
		int r;

		if (!str_ends(name, ".pem") && !str_ends(name, ".crt") && !str_ends(name, ".cer"))
			continue;
		r = gen_read(t->a, t, str_printf(t->a, CERTS "/%.*s", STR_FMT(name)), &text, e);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		r = certificate_read(text, &h.c, e);
		if (r < 0)
			return err_wrap(e, r, CERTS "/%.*s", STR_FMT(name));
		if (r == 0 || !number(&seen, &h.c, &h.number))
			continue;
		vec_push(t->a, &seen) = h;
		r = gen_link(t, str_printf(t->a, CERTS "/%08x.%u", h.c.subject_hash, h.number),
			     name, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int gen_certificates(struct tree *t, struct err *e)
{
	TRACE("certificates");
	struct buf bundle = { .a = t->a };
	struct map names = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < 2; i++)
		r = add_folder(t, folders[i], &names, &bundle, e);
	if (r == 0)
		r = add_hashes(t, e);
	if (r < 0 || bundle.v.n == 0)
		return r;
	return gen_put(t, STR(CERTS "/ca-certificates.crt"), S_IFREG | 0644,
		       (struct str){ (char *)bundle.v.p, bundle.v.n }, e);
}

void gen_certificates_inputs(struct arena *a, struct tree *t, struct gen_inputs *ret)
{
	gen_inputs_init(a, t, ret);
	for (size_t i = 0; i < 2; i++)
		gen_input_below(ret, str_c(folders[i]));
	gen_input_folder(ret, STR(CERTS));
}
