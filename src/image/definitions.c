/* SPDX-License-Identifier: MIT */
#include "image/definitions.h"

#include "base/io.h"
#include "base/trace.h"

enum { DEFINITION_BYTES_MAX = 1 << 20 };

void definition_list_put(struct buf *b, const vec_str *list)
{
	buf_printf(b, " %zu", list->n);
	vec_each(s, list)
		buf_printf(b, " %zu:%.*s", s->n, STR_FMT(*s));
}

/* Whether it changes something in the universe; one that does not leaves solutions as they are. */
static bool has_effects(const struct conf_package *conf)
{
	return conf->drop_requires.n + conf->add_requires.n + conf->add_provides.n > 0;
}

static void effects_put(struct buf *b, struct str name, const struct conf_package *conf)
{
	if (!has_effects(conf))
		return;
	buf_printf(b, "\n%.*s", STR_FMT(name));
	definition_list_put(b, &conf->drop_requires);
	definition_list_put(b, &conf->add_requires);
	definition_list_put(b, &conf->add_provides);
}

int definitions_read(struct arena *a, const char *distro, struct definitions *ret, struct err *e)
{
	TRACE("read definitions");
	const char *dir = path_join(a, distro, "packages");
	struct definitions d = { 0 };
	struct buf all = { .a = a };
	struct str text;
	vec_str names;
	int r = file_read(a, path_join(a, distro, "upstreams.yaml"), DEFINITION_BYTES_MAX, &text,
			  e);

	if (r < 0)
		return r;
	buf_put(&all, text.p, text.n);
	r = dir_list(a, dir, &names, e);
	if (r < 0)
		return r;
	vec_each(name, &names) {
		const char *path = path_join(a, path_join(a, dir, str_z(a, *name)), "package.yaml");
		struct conf_package conf;

		r = file_read(a, path, DEFINITION_BYTES_MAX, &text, e);
		if (r < 0)
			return r;
		r = conf_package_read(a, distro, *name, &conf, e);
		if (r < 0)
			return r;
		effects_put(&all, *name, &conf);
		map_put(a, &d.by_name, *name, (uint32_t)d.confs.n);
		vec_push(a, &d.confs) = conf;
		vec_push(a, &d.texts) = text;
	}
	sha256(all.v.p, all.v.n, d.digest);
	*ret = d;
	return 0;
}

const struct conf_package *definition_of(const struct definitions *d, struct str name)
{
	static const struct conf_package none;
	const uint32_t *i = map_get(&d->by_name, name);

	return i ? &d->confs.p[*i] : &none;
}

struct str definition_text(const struct definitions *d, struct str name)
{
	const uint32_t *i = map_get(&d->by_name, name);

	return i ? d->texts.p[*i] : (struct str){ 0 };
}

vec_str definitions_with_effects(struct arena *a, const struct definitions *d)
{
	vec_str names = { 0 };

	vec_each(conf, &d->confs)
		if (has_effects(conf))
			vec_push(a, &names) = conf->name;
	return names;
}
