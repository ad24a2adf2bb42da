/* SPDX-License-Identifier: MIT */
#include "tree/unit.h"

#include "tree/gen.h"

static void add_words(struct arena *a, struct str value, vec_str *list)
{
	struct str word;

	if (str_trim(value).n == 0)
		list->n = 0; /* an empty assignment takes back what stood before */
	while (gen_word(a, &value, &word) > 0)
		vec_push(a, list) = word;
}

static void assign(struct arena *a, struct str key, struct str value, struct unit_install *in)
{
	const struct {
		const char *key;
		vec_str *list;
	} keys[] = { { "Alias", &in->alias },
		     { "WantedBy", &in->wanted_by },
		     { "RequiredBy", &in->required_by },
		     { "UpheldBy", &in->upheld_by },
		     { "Also", &in->also } };

	if (str_eqz(key, "DefaultInstance"))
		in->default_instance = value;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (str_eqz(key, keys[i].key))
			add_words(a, value, keys[i].list);
}

/* The next logical line: a backslash at the end joins the next line with a blank, comments in
 * between are left out. */
static struct str logical_line(struct arena *a, struct str *text)
{
	struct buf b = { .a = a };

	while (text->n > 0) {
		struct str row = str_trim(str_cut(text, '\n'));
		bool more = str_ends(row, "\\");

		if (str_starts(row, "#") || str_starts(row, ";"))
			continue;
		buf_put(&b, row.p, more ? row.n - 1 : row.n);
		if (!more)
			break;
		buf_u8(&b, ' ');
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

void unit_install_parse(struct arena *a, struct str text, struct unit_install *ret)
{
	struct unit_install in = { 0 };
	bool here = false;

	while (text.n > 0) {
		struct str row = logical_line(a, &text), key;

		if (str_starts(row, "[")) {
			here = str_eqz(str_trim(row), "[Install]");
		} else if (here && str_find(row, '=') > 0) {
			key = str_trim(str_cut(&row, '='));
			assign(a, key, str_trim(row), &in);
		}
	}
	in.any = in.alias.n + in.wanted_by.n + in.required_by.n + in.upheld_by.n + in.also.n > 0;
	*ret = in;
}

bool unit_name_parse(struct arena *a, struct str name, struct unit_name *ret)
{
	static const char *const suffixes[] = { ".service",   ".socket", ".target", ".timer",
						".path",      ".mount",  ".swap",   ".slice",
						".automount", ".device", ".scope" };
	struct unit_name n = { .full = name };
	struct str rest;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (str_ends(name, suffixes[i]))
			n.suffix = str_c(suffixes[i]);
	if (n.suffix.n == 0 || name.n == n.suffix.n || str_find(name, '/') >= 0)
		return false;
	rest = str_head(name, name.n - n.suffix.n);
	n.prefix = rest;
	if (str_find(rest, '@') >= 0) {
		n.prefix = str_cut(&rest, '@');
		n.instance = rest;
		n.template = str_printf(a, "%.*s@%.*s", STR_FMT(n.prefix), STR_FMT(n.suffix));
	}
	*ret = n;
	return true;
}

struct str unit_instance(struct arena *a, const struct unit_name *template, struct str instance)
{
	return str_printf(a, "%.*s@%.*s%.*s", STR_FMT(template->prefix), STR_FMT(instance),
			  STR_FMT(template->suffix));
}

static struct str specifier(char c, const struct unit_name *n)
{
	struct str last = n->prefix;

	switch (c) {
	case '%':
		return STR("%");
	case 'n':
		return n->full;
	case 'N':
		return str_head(n->full, n->full.n - n->suffix.n);
	case 'p':
		return n->prefix;
	case 'i':
		return n->instance;
	case 'j':
		while (str_find(last, '-') >= 0)
			str_cut(&last, '-');
		return last;
	default:
		return (struct str){ 0 };
	}
}

bool unit_expand(struct arena *a, struct str text, const struct unit_name *name, struct str *ret)
{
	struct buf b = { .a = a };

	for (size_t i = 0; i < text.n; i++) {
		struct str value = { &text.p[i], 1 };

		if (text.p[i] == '%') {
			if (++i == text.n || !strchr("%nNpij", text.p[i]))
				return false;
			value = specifier(text.p[i], name);
		}
		buf_put(&b, value.p, value.n);
	}
	*ret = (struct str){ (const char *)b.v.p, b.v.n };
	return true;
}

void preset_parse(struct arena *a, struct str text, vec_preset_rule *rules)
{
	static const char *const actions[] = { "enable", "disable", "ignore" };

	while (text.n > 0) {
		struct str row = str_trim(str_cut(&text, '\n')), verb, word;
		struct preset_rule rule = { 0 };

		if (str_starts(row, "#") || str_starts(row, ";"))
			continue;
		verb = str_word(&row);
		rule.pattern = str_word(&row);
		for (word = str_word(&row); word.n > 0; word = str_word(&row))
			vec_push(a, &rule.instances) = word;
		for (size_t i = 0; i < 3 && rule.pattern.n > 0; i++)
			if (str_eqz(verb, actions[i])) {
				rule.action = (enum preset_action)i;
				vec_push(a, rules) = rule;
			}
	}
}

const struct preset_rule *preset_find(const vec_preset_rule *rules, struct str name)
{
	vec_each(rule, rules)
		if (str_glob(rule->pattern, name))
			return rule;
	return NULL;
}
