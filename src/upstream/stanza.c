/* SPDX-License-Identifier: MIT */
#include "upstream/stanza.h"

#include <strings.h>

static bool line_blank(struct str line)
{
	return str_trim(line).n == 0;
}

static int field_add(struct stanza *s, struct str line, struct err *e)
{
	ptrdiff_t colon = str_find(line, ':');

	if (colon <= 0)
		return err_set(e, -EBADMSG, "'%.*s' is no field; want 'Name: value'",
			       STR_FMT(str_head(line, 80)));
	if (s->n == STANZA_FIELDS_MAX)
		return err_set(e, -EBADMSG,
			       "a stanza has more than %d fields, '%.*s' is one too many",
			       STANZA_FIELDS_MAX, STR_FMT(str_head(line, (size_t)colon)));
	s->fields[s->n++] = (struct stanza_field){
		.name = str_head(line, (size_t)colon),
		/* Also when empty it must point into the text: lines that continue it are measured
		   from there. */
		.value = { line.p + colon + 1, line.n - (size_t)colon - 1 },
	};
	return 0;
}

/* A line that starts with a blank goes on with the field before it; the value then spans both. */
static int field_continue(struct stanza *s, struct str line, struct err *e)
{
	struct str *value;

	if (s->n == 0)
		return err_set(e, -EBADMSG, "'%.*s' continues no field",
			       STR_FMT(str_head(line, 80)));
	value = &s->fields[s->n - 1].value;
	value->n = (size_t)(line.p + line.n - value->p);
	return 0;
}

int stanza_next(struct str *text, struct stanza *ret, struct err *e)
{
	ret->n = 0;
	while (text->n > 0) {
		struct str line = str_cut(text, '\n');
		int rc;

		if (line_blank(line)) {
			if (ret->n > 0)
				break;
			continue;
		}
		rc = line.p[0] == ' ' || line.p[0] == '\t' ? field_continue(ret, line, e)
							   : field_add(ret, line, e);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < ret->n; i++)
		ret->fields[i].value = str_trim(ret->fields[i].value);
	return ret->n > 0;
}

struct str stanza_get(const struct stanza *s, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < s->n; i++)
		if (s->fields[i].name.n == n && strncasecmp(s->fields[i].name.p, name, n) == 0)
			return s->fields[i].value;
	return (struct str){ 0 };
}
