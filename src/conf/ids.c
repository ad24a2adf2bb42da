/* SPDX-License-Identifier: MIT */
#include "base/io.h"
#include "conf/conf.h"
#include "conf/load.h"
#include "conf/schema.h"

static const char ids_yaml[] = "ids.yaml";

static int entry_check(struct arena *a, const struct yaml_doc *doc, const vec_conf_id *ids,
		       size_t i, struct err *e)
{
	const char *at = yaml_at(a, doc, "", (uint32_t)i);
	const struct conf_id *id = &ids->p[i];

	if (id->id < CONF_ID_FIRST || id->id > CONF_ID_LAST)
		return err_set(e, -EINVAL, "%s: 'id' is %llu; want one of %d to %d", at,
			       (unsigned long long)id->id, CONF_ID_FIRST, CONF_ID_LAST);
	for (size_t k = 0; k < i; k++) {
		if (str_eq(ids->p[k].name, id->name))
			return err_set(e, -EINVAL, "%s: a second '%.*s'; want each name once", at,
				       STR_FMT(id->name));
		if (ids->p[k].id == id->id)
			return err_set(
				e, -EINVAL,
				"%s: '%.*s' has the id %llu of '%.*s'; want one of its own, also where "
				"that is gone: its files may not be",
				at, STR_FMT(id->name), (unsigned long long)id->id,
				STR_FMT(ids->p[k].name));
	}
	return 0;
}

int conf_ids_read(struct arena *a, const char *distro, struct conf_ids *ret, struct err *e)
{
	struct conf_ids ids = { .source = path_join(a, distro, ids_yaml) };
	struct yaml_doc doc;
	int r = 0;

	if (file_exists(ids.source))
		r = yaml_read(a, &schema_ids, distro, ids_yaml, &ids.v, &doc, e);
	for (size_t i = 0; r == 0 && i < ids.v.n; i++)
		r = entry_check(a, &doc, &ids.v, i, e);
	if (r == 0)
		*ret = ids;
	return r;
}

int conf_ids_add(struct arena *a, const char *distro, const vec_conf_id *more, struct err *e)
{
	const char *path = path_join(a, distro, ids_yaml);
	struct buf b = { .a = a };
	struct str text = { 0 };
	int r = yaml_file(a, distro, ids_yaml, &text, e);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r == -ENOENT)
		buf_printf(
			&b,
			"# The ids that accounts of images have where nobody asked for one. Files on machines belong to "
			"these\n# numbers: lines are added, by `ashlar build IMAGE --update-ids`, and never changed.\n");
	buf_put(&b, text.p, text.n);
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		buf_u8(&b, '\n');
	vec_each(id, more)
		buf_printf(&b, "- { name: %.*s, id: %llu }\n", STR_FMT(id->name),
			   (unsigned long long)id->id);
	return file_write(path, 0644, b.v.p, b.v.n, e);
}
