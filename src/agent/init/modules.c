/* SPDX-License-Identifier: MIT */
#include "agent/init/modules.h"

#include <fnmatch.h>

typedef VEC(uint32_t) vec_u32;
typedef VEC(const char *) vec_cstr;
typedef VEC(struct module) vec_module;

static bool name_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '-')
			return false;
	}
	return s.n > 0 && s.n <= MODULE_NAME_BYTES_MAX;
}

static int deps_parse(struct arena *a, struct str text, const struct map *by_name,
		      struct module *mod, struct err *e)
{
	vec_u32 deps = { 0 };

	while (text.n > 0) {
		struct str name = str_cut(&text, ',');
		const uint32_t *i = map_get(by_name, name);

		if (!i)
			return err_set(e, -EBADMSG,
				       "'%s' depends on '%.*s', which no line above has", mod->name,
				       STR_FMT(name));
		vec_push(a, &deps) = *i;
	}
	mod->deps = deps.p;
	mod->n_deps = deps.n;
	return 0;
}

static int aliases_parse(struct arena *a, struct str text, struct module *mod, struct err *e)
{
	vec_cstr aliases = { 0 };

	while (text.n > 0) {
		struct str alias = str_cut(&text, ' ');

		if (str_eqz(alias, "always"))
			mod->always = true;
		else
			vec_push(a, &aliases) = str_z(a, alias);
		if (aliases.n > MODULE_ALIASES_MAX)
			return err_set(e, -EBADMSG, "'%s' has more than %d aliases", mod->name,
				       MODULE_ALIASES_MAX);
	}
	mod->aliases = aliases.p;
	mod->n_aliases = aliases.n;
	return 0;
}

static int row_parse(struct arena *a, struct str row, struct map *by_name, vec_module *mods,
		     struct err *e)
{
	struct str name = str_cut(&row, ' '), deps = str_cut(&row, ' ');
	struct module mod = { .name = str_z(a, name) };
	int r;

	if (!name_valid(name) || deps.n == 0)
		return err_set(e, -EBADMSG, "want NAME DEPS ALIAS...");
	if (map_get(by_name, name))
		return err_set(e, -EBADMSG, "'%s' stands there twice", mod.name);
	if (mods->n == MODULES_MAX)
		return err_set(e, -EBADMSG, "more than %d modules", MODULES_MAX);
	if (!str_eqz(deps, "-")) {
		r = deps_parse(a, deps, by_name, &mod, e);
		if (r < 0)
			return r;
	}
	r = aliases_parse(a, row, &mod, e);
	if (r < 0)
		return r;
	map_put(a, by_name, str_c(mod.name), (uint32_t)mods->n);
	vec_push(a, mods) = mod;
	return 0;
}

int modules_parse(struct arena *a, struct str text, struct modules *ret, struct err *e)
{
	struct map by_name = { 0 };
	vec_module mods = { 0 };

	if (text.n > MODULES_BYTES_MAX)
		return err_set(e, -EFBIG, "modules.list: more than %d bytes", MODULES_BYTES_MAX);
	for (unsigned line = 1; text.n > 0; line++) {
		struct str row = str_cut(&text, '\n');
		int r = row_parse(a, row, &by_name, &mods, e);

		if (r < 0)
			return err_wrap(e, r, "modules.list:%u", line);
	}
	*ret = (struct modules){ mods.p, mods.n };
	return 0;
}

/* Dependencies stand above, so one pass from the end reaches all of them. */
static void want_deps(struct modules *m)
{
	for (size_t i = m->n; i-- > 0;)
		for (size_t k = 0; m->p[i].wanted && k < m->p[i].n_deps; k++)
			m->p[m->p[i].deps[k]].wanted = true;
}

void modules_want(struct modules *m, const char *modalias)
{
	bool any = false;

	for (size_t i = 0; i < m->n; i++)
		for (size_t k = 0; !m->p[i].wanted && k < m->p[i].n_aliases; k++)
			if (fnmatch(m->p[i].aliases[k], modalias, 0) == 0)
				any = m->p[i].wanted = true;
	if (any)
		want_deps(m);
}

void modules_want_always(struct modules *m)
{
	for (size_t i = 0; i < m->n; i++)
		m->p[i].wanted |= m->p[i].always;
	want_deps(m);
}
