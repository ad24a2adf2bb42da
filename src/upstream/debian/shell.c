/* SPDX-License-Identifier: MIT */
#include "upstream/debian/shell.h"

#include <fnmatch.h>

#include "upstream/debian/shell_status.h"

/* Bytes of words read and of what they expand to: a bound on work and on memory, since functions
 * that call functions, and variables that hold themselves twice, multiply it. */
enum { WALK_WORK_MAX = 1 << 20, WALK_DEPTH_MAX = 200, LOOP_VALUES_MAX = 64 };

/* Where control goes after it. */
enum flow { GO_ON, RETURNS, EXITS };

struct variable {
	struct str text;
	bool known;
	bool local; /* somewhere a function's own, two of one name are not told apart; or set
		       elsewhere: never known */
};

struct walk {
	struct arena *a;
	shell_visit visit;
	void *arg;
	struct err *e;
	struct map function_names, variable_ids;
	VEC(const struct shell_node *) functions;
	VEC(struct variable) variables;
	const struct str *args;
	size_t n_args;
	bool args_known;
	bool sourced; /* a file was read that may have set any variable */
	size_t work;
	unsigned depth, line;
	int rc;
};

/* Returns whether there may be @n more. */
static bool work(struct walk *w, size_t n)
{
	w->work += n < WALK_WORK_MAX ? n : WALK_WORK_MAX;
	if (w->work > WALK_WORK_MAX && w->rc == 0)
		w->rc = err_set(w->e, -E2BIG, "line %u: too much work", w->line);
	return w->rc == 0;
}

/* ---- variables ---- */

static struct variable *variable(struct walk *w, struct str name)
{
	uint32_t *id = map_get(&w->variable_ids, name);

	if (id)
		return &w->variables.p[*id];
	map_put(w->a, &w->variable_ids, name, (uint32_t)w->variables.n);
	vec_push(w->a, &w->variables) = (struct variable){ .known = false };
	return &w->variables.p[w->variables.n - 1];
}

static void variable_forget(struct walk *w, struct str name)
{
	if (shell_is_name(name))
		variable(w, name)->known = false;
}

/* Returns whether the value is known. Parameters beyond the last are empty. */
static bool variable_value(struct walk *w, struct str name, struct str *ret)
{
	uint64_t number;
	uint32_t *id;

	*ret = (struct str){ 0 };
	if (str_u64(name, UINT32_MAX, &number) && number > 0) {
		if (w->args_known && number <= w->n_args)
			*ret = w->args[number - 1];
		return w->args_known;
	}
	if (str_eqz(name, "#") && w->args_known) {
		*ret = str_printf(w->a, "%zu", w->n_args);
		return true;
	}
	/* dpkg(1): the root of an installation elsewhere, empty here since no path has one. */
	if (str_eqz(name, "DPKG_ROOT"))
		return true;
	id = map_get(&w->variable_ids, name);
	if (!id || w->sourced || !w->variables.p[*id].known || w->variables.p[*id].local)
		return false;
	*ret = w->variables.p[*id].text;
	return true;
}

/* ---- words (XCU 2.6) ---- */

struct expansion {
	struct walk *w;
	struct buf out;
	bool known;
	bool quoted;  /* anywhere: an empty result stays a word */
	bool pattern; /* for fnmatch(): quoted characters get a backslash */
};

static bool expand_into(struct expansion *x, struct str raw);
static enum flow walk_list(struct walk *w, const struct shell_node *list, bool certain,
			   enum shell_status *ret);

static void put_literal(struct expansion *x, const char *p, size_t n)
{
	if (!work(x->w, n))
		return;
	for (size_t i = 0; i < n; i++) {
		if (x->pattern && strchr("*?[]\\", p[i]))
			buf_u8(&x->out, '\\');
		buf_u8(&x->out, (uint8_t)p[i]);
	}
}

/* Commands inside a word run too; what they print is unknown. */
static void substitution(struct walk *w, struct str script)
{
	struct shell_node *list = NULL;
	enum shell_status status;

	if (w->rc < 0)
		return;
	w->rc = shell_parse(w->a, script, w->line, &list, w->e);
	if (w->rc == 0)
		walk_list(w, list, false, &status);
}

/* "${name}" and the operators that only look: "${name:-word}", "${name-word}", "${name:+word}". */
static void expand_braces(struct expansion *x, struct str inside)
{
	struct str name = inside, op, value;
	size_t n, digits = 0;
	bool known;

	n = shell_name_length(inside);
	while (n == 0 && digits < inside.n && inside.p[digits] >= '0' && inside.p[digits] <= '9')
		digits++;
	n += digits;
	name = str_head(inside, n);
	op = str_from(inside, n);
	known = n > 0 && variable_value(x->w, name, &value);
	if (!known || n == 0) {
		/* "${name:=word}" sets it; a word with commands inside runs them */
		variable_forget(x->w, name);
		expand_into(&(struct expansion){ .w = x->w, .out = { .a = x->w->a } }, op);
		x->known = false;
	} else if (op.n == 0) {
		put_literal(x, value.p, value.n);
	} else if (str_starts(op, ":+")) {
		if (value.n > 0)
			expand_into(x, str_from(op, 2));
	} else if (str_starts(op, ":-")) {
		if (value.n > 0)
			put_literal(x, value.p, value.n);
		else
			expand_into(x, str_from(op, 2));
	} else {
		expand_into(&(struct expansion){ .w = x->w, .out = { .a = x->w->a } }, op);
		x->known = false;
	}
}

/* At a dollar sign; returns the index behind the expansion. */
static size_t expand_dollar(struct expansion *x, struct str raw, size_t i, bool quoted)
{
	struct str rest = str_from(raw, i), value = { 0 };
	size_t end = shell_skip(raw, i), start = x->out.v.n;

	if (end == 0) {
		x->known = false;
		return raw.n;
	}
	if (str_starts(rest, "$((")) {
		x->known = false;
		return end;
	}
	if (str_starts(rest, "$(")) {
		x->known = false;
		substitution(x->w, str_head(str_from(raw, i + 2), end - i - 3));
		return end;
	}
	if (str_starts(rest, "${")) {
		expand_braces(x, str_head(str_from(raw, i + 2), end - i - 3));
	} else {
		size_t n = shell_name_length(str_from(rest, 1));

		/* a name, or one character: a digit, '#', '?', '@' ... */
		end = i + 1 + (n > 0 ? n : rest.n > 1);
		if (end == i + 1)
			put_literal(x, "$", 1);
		else if (variable_value(x->w, str_head(str_from(rest, 1), end - i - 1), &value))
			put_literal(x, value.p, value.n);
		else
			x->known = false;
	}
	/* Without quotes the value is split at blanks and its stars match files. */
	for (size_t k = start; !quoted && !x->pattern && k < x->out.v.n; k++)
		if (strchr(" \t\n*?[", x->out.v.p[k]))
			x->known = false;
	return end;
}

static size_t expand_backquote(struct expansion *x, struct str raw, size_t i)
{
	size_t end = shell_skip(raw, i);

	x->known = false;
	if (end > 0)
		substitution(x->w, str_head(str_from(raw, i + 1), end - i - 2));
	return end > 0 ? end : raw.n;
}

static size_t expand_backslash(struct expansion *x, struct str raw, size_t i, bool quoted)
{
	char c = i + 1 < raw.n ? raw.p[i + 1] : '\\';

	if (c == '\n')
		return i + 2;
	if (quoted && !strchr("$`\"\\", c))
		put_literal(x, "\\", 1);
	put_literal(x, &c, 1);
	return i + 2;
}

static size_t expand_apostrophe(struct expansion *x, struct str raw, size_t i)
{
	struct str rest = str_from(raw, i + 1);
	ptrdiff_t n = str_find(rest, '\'');

	if (n < 0)
		return raw.n;
	x->quoted = true;
	put_literal(x, rest.p, (size_t)n);
	return i + 2 + (size_t)n;
}

static bool expand_into(struct expansion *x, struct str raw)
{
	bool in_quotes = false;

	(void)work(x->w, raw.n);
	if (++x->w->depth > WALK_DEPTH_MAX && x->w->rc == 0)
		x->w->rc = err_set(x->w->e, -E2BIG, "line %u: nested too deep", x->w->line);
	for (size_t i = 0; i < raw.n && x->w->rc == 0;) {
		char c = raw.p[i];

		if (c == '"') {
			in_quotes = !in_quotes;
			x->quoted = true;
			i++;
		} else if (c == '\\') {
			i = expand_backslash(x, raw, i, in_quotes);
		} else if (c == '\'' && !in_quotes) {
			i = expand_apostrophe(x, raw, i);
		} else if (c == '$') {
			i = expand_dollar(x, raw, i, in_quotes);
		} else if (c == '`') {
			i = expand_backquote(x, raw, i);
		} else {
			/* a star without quotes matches files that nobody knows */
			if (!in_quotes && !x->pattern && strchr("*?[", c) && raw.n > 1)
				x->known = false;
			if (in_quotes)
				put_literal(x, &c, 1);
			else
				buf_u8(&x->out, (uint8_t)c);
			i++;
		}
	}
	x->w->depth--;
	return x->known;
}

static struct str buf_str(const struct buf *b)
{
	return (struct str){ (const char *)b->v.p, b->v.n };
}

/* Returns false when the word vanishes: nothing but expansions without quotes, and all of them
 * empty. */
static bool expand_word(struct walk *w, struct str raw, struct shell_word *ret)
{
	struct expansion x = { .w = w, .out = { .a = w->a }, .known = true };

	expand_into(&x, raw);
	*ret = (struct shell_word){ x.known ? buf_str(&x.out) : raw, x.known };
	return !x.known || x.quoted || x.out.v.n > 0;
}

/* ---- the walk ---- */

/* "name=value" */
static bool is_assignment(struct str word)
{
	ptrdiff_t at = str_find(word, '=');

	return at > 0 && shell_is_name(str_head(word, (size_t)at));
}

/* Returns whether the value is known: if not, commands in it give the status. */
static bool assign(struct walk *w, struct str word, bool certain)
{
	struct str name = str_cut(&word, '=');
	struct expansion x = { .w = w, .out = { .a = w->a }, .known = true };

	expand_into(&x, word);
	*variable(w, name) =
		(struct variable){ buf_str(&x.out), x.known && certain, variable(w, name)->local };
	return x.known;
}

/* What the shell's own commands do to variables and parameters. */
static void builtin(struct walk *w, const struct shell_command *c, bool certain)
{
	bool local = shell_word_is(c, 0, "local");

	if (local || shell_word_is(c, 0, "export") || shell_word_is(c, 0, "readonly") ||
	    shell_word_is(c, 0, "read") || shell_word_is(c, 0, "unset")) {
		for (size_t i = 1; i < c->words.n; i++) {
			struct str rest = c->words.p[i].text, name = str_cut(&rest, '=');

			if (!shell_is_name(name))
				continue;
			variable(w, name)->known = variable(w, name)->known &&
						   str_eqz(c->words.p[0].text, "export") &&
						   str_find(c->words.p[i].text, '=') < 0;
			variable(w, name)->local |= local;
		}
	} else if (shell_word_is(c, 0, "shift")) {
		if (certain && w->args_known && c->words.n == 1 && w->n_args > 0) {
			w->args++;
			w->n_args--;
		} else {
			w->args_known = false;
		}
	} else if (shell_word_is(c, 0, "set") && c->words.n > 1 &&
		   (shell_word_is(c, 1, "--") || c->words.p[1].text.p[0] == '$')) {
		w->args_known = false;
	} else if (shell_word_is(c, 0, ".") || shell_word_is(c, 0, "source") ||
		   shell_word_is(c, 0, "eval")) {
		/* debconf's library sets no variable but RET and DEBCONF_... */
		w->sourced |= !shell_word_is(c, 1, "/usr/share/debconf/confmodule");
		variable(w, STR("RET"))->local = true;
	}
}

/* Names of functions that are compared in the time that a byte of a word takes. */
enum { NAMES_PER_WORK = 16 };

/* Where a name was defined several times, as in both ways of an "if", any of them may be the one.
 */
static enum flow call_bodies(struct walk *w, struct str name, bool certain)
{
	enum flow flow = GO_ON;
	size_t n_bodies = 0, n_functions = w->functions.n;
	enum shell_status status;

	if (!work(w, n_functions / NAMES_PER_WORK))
		return EXITS;
	for (size_t i = 0; i < n_functions; i++)
		n_bodies += str_eq(w->functions.p[i]->name, name);
	for (size_t i = 0; i < n_functions; i++)
		if (str_eq(w->functions.p[i]->name, name))
			flow = walk_list(w, w->functions.p[i]->a, certain && n_bodies == 1,
					 &status);
	return flow == EXITS && n_bodies == 1 ? EXITS : GO_ON;
}

static enum flow call(struct walk *w, const struct shell_command *c, bool certain)
{
	const struct str *args = w->args;
	size_t n_args = w->n_args;
	bool args_known = w->args_known;
	VEC(struct str) own = { 0 };
	enum flow flow;

	/* an unknown word may be none or several, so that nothing behind it is known */
	w->args_known = true;
	for (size_t i = 1; i < c->words.n; i++) {
		w->args_known = w->args_known && c->words.p[i].known;
		vec_push(w->a, &own) = c->words.p[i].text;
	}
	w->args = own.p;
	w->n_args = own.n;
	flow = call_bodies(w, c->words.p[0].text, certain);
	w->args = args;
	w->n_args = n_args;
	w->args_known = args_known;
	return flow;
}

static void visit(struct walk *w, const struct shell_command *c)
{
	if (w->rc == 0)
		w->rc = w->visit(w->arg, c, w->e);
}

static void writes_expand(struct walk *w, const struct shell_node *node, struct shell_command *c)
{
	c->line = node->line;
	vec_each(raw, &node->writes) {
		struct shell_word word;

		expand_word(w, *raw, &word);
		vec_push(w->a, &c->writes) = word;
	}
}

/* "$@" is as many words as there are parameters. */
static void words_expand(struct walk *w, struct str raw, struct shell_command *c)
{
	struct shell_word word;

	if ((str_eqz(raw, "\"$@\"") || str_eqz(raw, "$@") || str_eqz(raw, "$*")) && w->args_known) {
		for (size_t i = 0; i < w->n_args && work(w, w->args[i].n + 1); i++)
			vec_push(w->a, &c->words) = (struct shell_word){ w->args[i], true };
		return;
	}
	if (expand_word(w, raw, &word))
		vec_push(w->a, &c->words) = word;
}

static enum flow walk_simple(struct walk *w, const struct shell_node *node, bool certain,
			     enum shell_status *ret)
{
	struct shell_command c = { 0 };
	bool known = true;
	size_t i = 0;

	w->line = node->line;
	writes_expand(w, node, &c);
	while (i < node->words.n && is_assignment(node->words.p[i]))
		i++;
	/* in front of a command, assignments are its environment; some commands of the shell itself
	 * keep them */
	for (size_t k = 0; k < i; k++)
		known = assign(w, node->words.p[k], certain && i == node->words.n) && known;
	for (; i < node->words.n; i++)
		words_expand(w, node->words.p[i], &c);
	if (c.words.n == 0) {
		*ret = known && node->writes.n == 0 ? WORKS : MAYBE;
		visit(w, &c);
		return GO_ON;
	}
	if (c.words.p[0].known && map_get(&w->function_names, c.words.p[0].text)) {
		struct shell_command only_writes = { .line = c.line };

		memcpy(&only_writes.writes, &c.writes, sizeof(c.writes));
		visit(w, &only_writes);
		*ret = MAYBE;
		return call(w, &c, certain);
	}
	visit(w, &c);
	builtin(w, &c, certain);
	*ret = shell_command_status(&c);
	return shell_word_is(&c, 0, "exit")     ? EXITS
	       : shell_word_is(&c, 0, "return") ? RETURNS
						: GO_ON;
}

static enum flow walk_node(struct walk *w, const struct shell_node *node, bool certain,
			   enum shell_status *ret);

/* The second side of "&&", "||" and what an "if" guards: gone when it must be, or may be. */
static enum flow walk_and_or(struct walk *w, const struct shell_node *node, bool certain,
			     enum shell_status *ret)
{
	enum shell_status left, right, ends = node->kind == SHELL_AND ? FAILS : WORKS;
	enum flow flow = walk_node(w, node->a, certain, &left);

	*ret = left;
	if (flow != GO_ON || left == ends)
		return flow;
	flow = walk_node(w, node->b, certain && left != MAYBE, &right);
	*ret = left == MAYBE && right != ends ? MAYBE : right;
	return left == MAYBE ? GO_ON : flow;
}

static enum flow walk_if(struct walk *w, const struct shell_node *node, bool certain,
			 enum shell_status *ret)
{
	enum shell_status condition, other;
	enum flow flow = walk_list(w, node->a, certain, &condition), flow_else;

	*ret = WORKS;
	if (flow != GO_ON)
		return flow;
	if (condition != MAYBE)
		return walk_list(w, condition == WORKS ? node->b : node->c, certain, ret);
	flow = walk_list(w, node->b, false, ret);
	flow_else = walk_list(w, node->c, false, &other);
	if (*ret != other)
		*ret = MAYBE;
	return flow == flow_else ? flow : GO_ON;
}

/* The values of "for name in a b c": false when not all are known, or names of files may be meant.
 */
static bool loop_values(struct walk *w, const struct shell_node *node, struct shell_command *ret)
{
	bool known = node->kind == SHELL_FOR && node->words.n > 0;

	vec_each(raw, &node->words)
		words_expand(w, *raw, ret);
	vec_each(word, &ret->words)
		known = known && word->known && !strpbrk(str_z(w->a, word->text), " \t\n*?[{");
	return known && ret->words.n > 0 && ret->words.n <= LOOP_VALUES_MAX;
}

/* One turn, with the next value; of what is not known with any. */
static void loop_turn(struct walk *w, const struct shell_node *node, const struct str *value)
{
	enum shell_status status;

	variable_forget(w, node->name);
	if (value && !variable(w, node->name)->local)
		*variable(w, node->name) = (struct variable){ .text = *value, .known = true };
	walk_list(w, node->a, false, &status);
	walk_list(w, node->b, false, &status);
}

/* A body may run many times, and first sees what it will have set: so it is walked twice. */
static enum flow walk_loop(struct walk *w, const struct shell_node *node, enum shell_status *ret)
{
	struct shell_command values = { 0 };
	bool known;

	w->line = node->line;
	known = loop_values(w, node, &values);
	for (int turn = 0; turn < 2; turn++)
		for (size_t i = 0; i < (known ? values.words.n : 1); i++)
			loop_turn(w, node, known ? &values.words.p[i].text : NULL);
	variable_forget(w, node->name);
	*ret = MAYBE;
	return GO_ON;
}

/* What fnmatch() may do, which goes back to each star. */
enum { MATCH_BYTES_PER_WORK = 16 };

static enum shell_status pattern_status(struct walk *w, struct str raw, struct shell_word word)
{
	struct expansion x = { .w = w, .out = { .a = w->a }, .known = true, .pattern = true };

	expand_into(&x, raw);
	if (str_eqz(buf_str(&x.out), "*") && x.known)
		return WORKS;
	if (!x.known || !word.known ||
	    !work(w, word.text.n + word.text.n * x.out.v.n / MATCH_BYTES_PER_WORK))
		return MAYBE;
	return shell_status_of(fnmatch(str_z(w->a, buf_str(&x.out)), str_z(w->a, word.text), 0) ==
			       0);
}

static enum flow walk_case(struct walk *w, const struct shell_node *node, bool certain,
			   enum shell_status *ret)
{
	struct shell_word word;

	w->line = node->line;
	expand_word(w, node->words.p[0], &word);
	*ret = WORKS;
	for (const struct shell_node *arm = node->b; arm; arm = arm->next) {
		enum shell_status match = FAILS, status;

		vec_each(raw, &arm->words)
			match = shell_status_either(match, pattern_status(w, *raw, word));
		if (match == WORKS)
			return walk_list(w, arm->a, certain, ret);
		if (match == MAYBE) {
			walk_list(w, arm->a, false, &status);
			certain = false;
			*ret = MAYBE;
		}
	}
	return GO_ON;
}

static enum flow walk_inside(struct walk *w, const struct shell_node *node, bool certain,
			     enum shell_status *ret)
{
	enum shell_status first;
	enum flow flow;

	switch (node->kind) {
	case SHELL_SIMPLE:
		return walk_simple(w, node, certain, ret);
	case SHELL_AND:
	case SHELL_OR:
		return walk_and_or(w, node, certain, ret);
	case SHELL_NOT:
		flow = walk_node(w, node->a, certain, ret);
		*ret = shell_status_not(*ret);
		return flow;
	case SHELL_PIPE: /* each side is a process of its own */
		walk_node(w, node->a, false, &first);
		walk_node(w, node->b, false, ret);
		return GO_ON;
	case SHELL_IF:
		return walk_if(w, node, certain, ret);
	case SHELL_WHILE:
	case SHELL_FOR:
		return walk_loop(w, node, ret);
	case SHELL_CASE:
		return walk_case(w, node, certain, ret);
	case SHELL_GROUP:
		return walk_list(w, node->a, certain, ret);
	case SHELL_SUBSHELL:
		walk_list(w, node->a, false, ret);
		return GO_ON;
	case SHELL_FUNCTION:
		map_put(w->a, &w->function_names, node->name, 0);
		vec_push(w->a, &w->functions) = node;
		*ret = WORKS;
		return GO_ON;
	case SHELL_ARM:
		break;
	}
	return GO_ON;
}

static enum flow walk_node(struct walk *w, const struct shell_node *node, bool certain,
			   enum shell_status *ret)
{
	enum flow flow;

	*ret = MAYBE;
	w->line = node->line;
	if (work(w, 1) && ++w->depth > WALK_DEPTH_MAX)
		w->rc = err_set(w->e, -E2BIG, "line %u: nested too deep", node->line);
	if (w->rc < 0)
		return EXITS;
	if (node->kind != SHELL_SIMPLE && node->writes.n > 0) {
		struct shell_command c = { 0 };

		writes_expand(w, node, &c);
		visit(w, &c);
	}
	flow = walk_inside(w, node, certain, ret);
	w->depth--;
	return flow;
}

static enum flow walk_list(struct walk *w, const struct shell_node *list, bool certain,
			   enum shell_status *ret)
{
	enum flow flow = GO_ON;

	*ret = WORKS;
	for (; list && flow == GO_ON && w->rc == 0; list = list->next)
		flow = walk_node(w, list, certain, ret);
	return flow;
}

int shell_walk(struct arena *a, struct str script, const struct str *args, size_t n_args,
	       shell_visit visit_, void *arg, struct err *e)
{
	struct walk w = { .a = a,
			  .visit = visit_,
			  .arg = arg,
			  .e = e,
			  .args = args,
			  .n_args = n_args,
			  .args_known = true };
	struct shell_node *list = NULL;
	enum shell_status status;
	int rc = shell_parse(a, script, 1, &list, e);

	if (rc < 0)
		return rc;
	walk_list(&w, list, true, &status);
	return w.rc;
}
