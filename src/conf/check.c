/* SPDX-License-Identifier: MIT */
#include "conf/check.h"

#include "base/url.h"

#include <assert.h>
#include <yaml.h>

#define AT(name, mark) (name), (mark).line + 1, (mark).column + 1

struct check {
	struct arena *a;
	yaml_parser_t parser;
	yaml_event_t event; /* the current one */
	struct str text;
	struct yaml_doc *doc;
	struct err *e;
};

/* What a value belongs to: the outermost value (key NULL), the value of a key, or an entry of its
 * list. */
struct place {
	const char *key;
	bool entry, outermost;
};

static void check_done(struct check *c)
{
	yaml_event_delete(&c->event);
	yaml_parser_delete(&c->parser);
}

static const char *place_text(struct check *c, const struct place *at)
{
	if (!at->key)
		return at->entry ? "an entry of the list" : "the definition";
	return str_printf(c->a, at->entry ? "an entry of '%s'" : "'%s'", at->key).p;
}

/* What a message shows of a value: its first line, not too long, and no login. */
static struct str shown(struct arena *a, struct str s)
{
	size_t n = 0;

	if (str_has(s, "://"))
		s = url_shown(a, s);

	while (n < s.n && n < 60 && (unsigned char)s.p[n] >= 0x20 && s.p[n] != 0x7f)
		n++;
	return str_head(s, n);
}

/* libyaml's words for what people get wrong most, and ours. */
static const struct {
	const char *context, *problem, *sentence;
	bool at_context;
} syntax[] = {
	{ "quoted scalar", "unexpected end of stream",
	  "a quote opens here and never closes; want the same quote at its end", true },
	{ "", "tab character", "a tab in the indentation; want blanks only", false },
	{ "", "mapping values are not allowed",
	  "a ':' that cannot stand here; want 'key: value' with the indentation of its neighbours, and quotes round a "
	  "value that contains ': '",
	  false },
	{ "", "could not find expected ':'", "a key without ':'; want 'key: value'", true },
	{ "block mapping", "did not find expected key",
	  "neither a key with the indentation of those before it nor the end of them; want 'key: value'",
	  false },
	{ "block collection", "did not find expected '-'",
	  "no '-' where the list's next entry should begin; want '- value' with the indentation of those before it",
	  false },
	{ "flow sequence", "did not find expected",
	  "a '[' opens a list here that never closes; want ',' or ']'", true },
	{ "flow mapping", "did not find expected",
	  "a '{' opens here and never closes; want ',' or '}'", true },
	{ "", "unknown escape character",
	  "an unknown escape after '\\'; want it doubled, or single quotes", false },
	{ "", "control characters are not allowed", "a control character; want text", false },
	{ "", "UTF-8", "bytes that are not UTF-8; want UTF-8 text", false },
	{ "", "undefined alias", "an alias; want the value itself, aliases are not read", true },
	{ "alias", "",
	  "an alias that is not closed; want quotes round a value that begins with '*' or '&'",
	  true },
	{ "anchor", "",
	  "an anchor that is not closed; want quotes round a value that begins with '*' or '&'",
	  true },
};

/* The reader, unlike the scanner, gives only a byte offset. */
static yaml_mark_t offset_mark(struct str text, size_t offset)
{
	yaml_mark_t mark = { .index = offset };

	for (size_t i = 0; i < offset && i < text.n; i++) {
		if (text.p[i] == '\n') {
			mark.line++;
			mark.column = 0;
		} else if ((text.p[i] & 0xc0) != 0x80) {
			mark.column++;
		}
	}
	return mark;
}

static int syntax_error(struct check *c)
{
	const char *context = c->parser.context ? c->parser.context : "";
	const char *problem = c->parser.problem ? c->parser.problem : "is not YAML";
	yaml_mark_t mark = c->parser.problem_mark;

	if (c->parser.error == YAML_READER_ERROR)
		mark = offset_mark(c->text, c->parser.problem_offset);
	else if (mark.index < c->text.n && c->text.p[mark.index] == '\t')
		problem = "tab character"; /* libyaml says only that no token begins so */
	for (size_t i = 0; i < sizeof(syntax) / sizeof(syntax[0]); i++) {
		if (!strstr(context, syntax[i].context) || !strstr(problem, syntax[i].problem))
			continue;
		if (syntax[i].at_context && c->parser.context)
			mark = c->parser.context_mark;
		return err_set(c->e, -EINVAL, "%s:%zu:%zu: %s", AT(c->doc->name, mark),
			       syntax[i].sentence);
	}
	return err_set(
		c->e, -EINVAL,
		"%s:%zu:%zu: %s; want YAML, and quotes round a value that begins with a special "
		"character",
		AT(c->doc->name, mark), problem);
}

/* Anchors multiply (ten lines can mean a billion entries) and tags change types: neither has a use
 * here. */
static int refuse_indirection(struct check *c)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (c->event.type == YAML_ALIAS_EVENT) {
		anchor = c->event.data.alias.anchor;
	} else if (c->event.type == YAML_SCALAR_EVENT) {
		anchor = c->event.data.scalar.anchor;
		tag = c->event.data.scalar.tag;
	} else if (c->event.type == YAML_SEQUENCE_START_EVENT) {
		anchor = c->event.data.sequence_start.anchor;
		tag = c->event.data.sequence_start.tag;
	} else if (c->event.type == YAML_MAPPING_START_EVENT) {
		anchor = c->event.data.mapping_start.anchor;
		tag = c->event.data.mapping_start.tag;
	}
	if (anchor)
		return err_set(c->e, -EINVAL,
			       "%s:%zu:%zu: an anchor or alias; want the value itself, written out",
			       AT(c->doc->name, c->event.start_mark));
	if (tag)
		return err_set(c->e, -EINVAL,
			       "%s:%zu:%zu: a tag; want quotes round a value that begins with '!'",
			       AT(c->doc->name, c->event.start_mark));
	return 0;
}

static int next(struct check *c)
{
	yaml_event_delete(&c->event);
	if (!yaml_parser_parse(&c->parser, &c->event))
		return syntax_error(c);
	return refuse_indirection(c);
}

static struct str scalar(const struct check *c)
{
	return (struct str){ (const char *)c->event.data.scalar.value,
			     c->event.data.scalar.length };
}

static vec_str enum_names(struct arena *a, const cyaml_schema_value_t *value)
{
	vec_str names = { 0 };

	for (uint32_t i = 0; i < value->enumeration.count; i++)
		vec_push(a, &names) = str_c(value->enumeration.strings[i].str);
	return names;
}

static vec_str field_names(struct arena *a, const cyaml_schema_field_t *fields)
{
	vec_str names = { 0 };

	for (const cyaml_schema_field_t *f = fields; f->key; f++)
		vec_push(a, &names) = str_c(f->key);
	return names;
}

static const char *want_text(struct check *c, const cyaml_schema_value_t *value)
{
	vec_str names;

	switch (value->type) {
	case CYAML_SEQUENCE:
		return "a list, '- value' on each line";
	case CYAML_MAPPING:
		names = field_names(c->a, value->mapping.fields);
		return str_printf(c->a, "keys and values, of %.*s",
				  STR_FMT(str_names(c->a, &names)))
			.p;
	case CYAML_BOOL:
		return "yes or no";
	case CYAML_UINT:
		return "a number";
	case CYAML_ENUM:
		names = enum_names(c->a, value);
		return str_names(c->a, &names).p;
	default:
		return form_want((enum form)value->string.max);
	}
}

static int wrong_type(struct check *c, const cyaml_schema_value_t *value, const struct place *at)
{
	const char *is = "text";

	if (c->event.type == YAML_SEQUENCE_START_EVENT)
		is = "a list";
	else if (c->event.type == YAML_MAPPING_START_EVENT)
		is = "keys and values";
	else if (scalar(c).n == 0 && c->event.data.scalar.plain_implicit)
		is = "empty";
	return err_set(c->e, -EINVAL, "%s:%zu:%zu: %s is %s; want %s",
		       AT(c->doc->name, c->event.start_mark), place_text(c, at), is,
		       want_text(c, value));
}

static bool scalar_ok(const cyaml_schema_value_t *value, struct str s)
{
	uint64_t number;

	switch (value->type) {
	case CYAML_BOOL:
		return str_eqz(s, "yes") || str_eqz(s, "no") || str_eqz(s, "true") ||
		       str_eqz(s, "false");
	case CYAML_UINT:
		/* a leading 0 would be octal to libcyaml */
		return str_u64(s, INT64_MAX, &number) && (s.n == 1 || s.p[0] != '0');
	case CYAML_ENUM:
		for (uint32_t i = 0; i < value->enumeration.count; i++)
			if (str_eqz(s, value->enumeration.strings[i].str))
				return true;
		return false;
	default:
		return form_ok((enum form)value->string.max, s);
	}
}

static int check_scalar(struct check *c, const cyaml_schema_value_t *value, const struct place *at)
{
	const char *near = "";
	struct str s = { 0 };
	vec_str names;

	if (c->event.type != YAML_SCALAR_EVENT)
		return wrong_type(c, value, at);
	s = scalar(c);
	if (s.n == 0 && c->event.data.scalar.plain_implicit)
		return wrong_type(c, value, at);
	if (scalar_ok(value, s))
		return 0;
	if (value->type == CYAML_STRING && s.n > form_bytes_max((enum form)value->string.max))
		return err_set(c->e, -EINVAL, "%s:%zu:%zu: %s has %zu bytes; want at most %zu",
			       AT(c->doc->name, c->event.start_mark), place_text(c, at), s.n,
			       form_bytes_max((enum form)value->string.max));
	if (value->type == CYAML_ENUM) {
		names = enum_names(c->a, value);
		near = yaml_did_you_mean(c->a, &names, s);
	}
	return err_set(c->e, -EINVAL, "%s:%zu:%zu: %s is '%.*s'; want %s%s",
		       AT(c->doc->name, c->event.start_mark), place_text(c, at),
		       STR_FMT(shown(c->a, s)), want_text(c, value), near);
}

static void mark_push(struct check *c, const struct place *at, uint32_t entry)
{
	vec_push(c->a, &c->doc->marks) = (struct yaml_mark){
		.key = str_c(at->key),
		.entry = entry,
		.line = (unsigned)c->event.start_mark.line + 1,
		.column = (unsigned)c->event.start_mark.column + 1,
	};
}

static int check_value(struct check *c, const cyaml_schema_value_t *value, const struct place *at);

static int check_list(struct check *c, const cyaml_schema_value_t *value, const struct place *at)
{
	const struct place entry = { .key = at->key, .entry = true };
	yaml_mark_t start = c->event.start_mark;
	uint32_t n = 0;
	int r;

	if (c->event.type != YAML_SEQUENCE_START_EVENT)
		return wrong_type(c, value, at);
	while ((r = next(c)) == 0 && c->event.type != YAML_SEQUENCE_END_EVENT) {
		if (n == value->sequence.max)
			return err_set(c->e, -E2BIG,
				       "%s:%zu:%zu: %s has more than %u entries; want fewer",
				       AT(c->doc->name, c->event.start_mark), place_text(c, at), n);
		if (at->outermost)
			mark_push(c, at, n);
		n++;
		r = check_value(c, value->sequence.entry, &entry);
		if (r < 0)
			return r;
	}
	if (r == 0 && n < value->sequence.min)
		return err_set(c->e, -EINVAL,
			       "%s:%zu:%zu: %s is an empty list; want at least one entry",
			       AT(c->doc->name, start), place_text(c, at));
	return r;
}

static int unknown_key(struct check *c, const cyaml_schema_field_t *fields, const struct place *at)
{
	vec_str names = field_names(c->a, fields);
	struct str key = scalar(c);

	return err_set(c->e, -EINVAL, "%s:%zu:%zu: unknown key '%.*s' in %s; want %.*s%s",
		       AT(c->doc->name, c->event.start_mark), STR_FMT(shown(c->a, key)),
		       place_text(c, at), STR_FMT(str_names(c->a, &names)),
		       yaml_did_you_mean(c->a, &names, key));
}

static_assert(YAML_KEYS_MAX <= 64, "a mapping's keys are a bit each of a uint64_t");

/* The current event is a key; checks it and its value. @seen: a bit for each field. */
static int check_pair(struct check *c, const cyaml_schema_field_t *fields, const struct place *at,
		      uint64_t *seen)
{
	struct place value = { .outermost = !at->key && !at->entry };
	const cyaml_schema_field_t *f = fields;
	int r;

	if (c->event.type != YAML_SCALAR_EVENT)
		return err_set(c->e, -EINVAL, "%s:%zu:%zu: a key of %s is not text; want a name",
			       AT(c->doc->name, c->event.start_mark), place_text(c, at));
	while (f->key && !str_eqz(scalar(c), f->key))
		f++;
	if (!f->key)
		return unknown_key(c, fields, at);
	if (*seen & 1ULL << (f - fields))
		return err_set(c->e, -EINVAL, "%s:%zu:%zu: duplicate key '%s'; want it once",
			       AT(c->doc->name, c->event.start_mark), f->key);
	*seen |= 1ULL << (f - fields);
	r = next(c);
	if (r < 0)
		return r;
	value.key = f->key;
	if (value.outermost)
		mark_push(c, &value, UINT32_MAX);
	return check_value(c, &f->value, &value);
}

static int check_mapping(struct check *c, const cyaml_schema_value_t *value, const struct place *at)
{
	const cyaml_schema_field_t *fields = value->mapping.fields;
	yaml_mark_t start = c->event.start_mark;
	uint64_t seen = 0;
	int r;

	if (c->event.type != YAML_MAPPING_START_EVENT)
		return wrong_type(c, value, at);
	while ((r = next(c)) == 0 && c->event.type != YAML_MAPPING_END_EVENT) {
		r = check_pair(c, fields, at, &seen);
		if (r < 0)
			return r;
	}
	for (const cyaml_schema_field_t *f = fields; r == 0 && f->key; f++)
		if (!(f->value.flags & CYAML_FLAG_OPTIONAL) && !(seen & 1ULL << (f - fields)))
			return err_set(c->e, -EINVAL, "%s:%zu:%zu: %s has no '%s'; want %s",
				       AT(c->doc->name, start), place_text(c, at), f->key,
				       want_text(c, &f->value));
	return r;
}

static int check_value(struct check *c, const cyaml_schema_value_t *value, const struct place *at)
{
	switch (value->type) {
	case CYAML_SEQUENCE:
		return check_list(c, value, at);
	case CYAML_MAPPING:
		return check_mapping(c, value, at);
	default:
		return check_scalar(c, value, at);
	}
}

static int check_document(struct check *c, const cyaml_schema_value_t *top)
{
	const struct place outermost = { .outermost = true };
	int r = next(c); /* the stream's start */

	if (r == 0)
		r = next(c);
	if (r == 0 && c->event.type == YAML_STREAM_END_EVENT)
		return err_set(c->e, -EINVAL, "%s:1:1: the file is empty; want %s", c->doc->name,
			       want_text(c, top));
	if (r == 0)
		r = next(c);
	if (r == 0)
		r = check_value(c, top, &outermost);
	if (r == 0)
		r = next(c); /* the document's end */
	if (r == 0)
		r = next(c);
	if (r == 0 && c->event.type != YAML_STREAM_END_EVENT)
		return err_set(c->e, -EINVAL,
			       "%s:%zu:%zu: a second document begins; want one in a file",
			       AT(c->doc->name, c->event.start_mark));
	return r;
}

int yaml_check(struct arena *a, const cyaml_schema_value_t *top, struct str text,
	       struct yaml_doc *doc, struct err *e)
{
	struct check c = { .a = a, .text = text, .doc = doc, .e = e };
	int r;

	if (text.n > YAML_BYTES_MAX)
		return err_set(e, -EFBIG, "%s:1:1: is larger than 1 MiB; want a definition",
			       doc->name);
	if (!yaml_parser_initialize(&c.parser))
		return err_set(e, -ENOMEM, "%s: out of memory", doc->name);
	yaml_parser_set_encoding(&c.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&c.parser, (const unsigned char *)text.p, text.n);
	r = check_document(&c, top);
	check_done(&c);
	return r;
}
