/* SPDX-License-Identifier: MIT */
#include "image/definitions.h"

#include "base/io.h"
#include "base/trace.h"

int definitions_read(struct arena *a, const char *distro, struct definitions *ret, struct err *e)
{
	TRACE("read definitions");
	struct definitions d = { 0 };
	vec_str names;
	int r = dir_list(a, path_join(a, distro, "packages"), &names, e);

	if (r < 0)
		return r;
	vec_each(name, &names) {
		struct conf_package conf;

		r = conf_package_read(a, distro, *name, &conf, e);
		if (r == 0 && conf.source.n == 0)
			r = err_set(e, -ENOENT, "'%s/packages/%.*s' has no package.yaml", distro,
				    STR_FMT(*name));
		if (r < 0)
			return r;
		map_put(a, &d.by_name, *name, (uint32_t)d.confs.n);
		vec_push(a, &d.confs) = conf;
	}
	*ret = d;
	return 0;
}

static bool has_effects(const struct conf_package *conf)
{
	return conf->drop_requires.n + conf->add_requires.n + conf->add_provides.n > 0;
}

/* One that changes nothing about what is chosen leaves solutions as they are. */
void definitions_recipe(struct recipe *r, const struct definitions *d)
{
	vec_each(conf, &d->confs) {
		if (!has_effects(conf))
			continue;
		recipe_line(r, "definition", conf->name);
		recipe_list(r, "drop-requires", &conf->drop_requires);
		recipe_list(r, "add-requires", &conf->add_requires);
		recipe_list(r, "add-provides", &conf->add_provides);
	}
}

const struct conf_package *definition_of(const struct definitions *d, struct str name)
{
	static const struct conf_package none;
	const uint32_t *i = map_get(&d->by_name, name);

	return i ? &d->confs.p[*i] : &none;
}

vec_str definitions_with_effects(struct arena *a, const struct definitions *d)
{
	vec_str names = { 0 };

	vec_each(conf, &d->confs)
		if (has_effects(conf))
			vec_push(a, &names) = conf->name;
	return names;
}
