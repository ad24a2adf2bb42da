/* SPDX-License-Identifier: MIT */
#include "conf/yaml.h"

const struct yaml_mark *yaml_mark(const struct yaml_doc *doc, const char *key, uint32_t entry)
{
	vec_each(m, &doc->marks)
		if (m->entry == entry && str_eqz(m->key, key))
			return m;
	return NULL;
}

const char *yaml_at(struct arena *a, const struct yaml_doc *doc, const char *key, uint32_t entry)
{
	const struct yaml_mark *m = yaml_mark(doc, key, entry);

	return str_printf(a, "%s:%u:%u", doc->name, m ? m->line : 1, m ? m->column : 1).p;
}

const char *yaml_did_you_mean(struct arena *a, const vec_str *names, struct str wrong)
{
	const struct str *near = str_nearest(names->p, names->n, wrong);

	return near ? str_printf(a, "; did you mean '%.*s'?", STR_FMT(*near)).p : "";
}
