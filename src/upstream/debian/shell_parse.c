/* SPDX-License-Identifier: MIT */
#include "upstream/debian/shell.h"

enum token_kind { TOKEN_END, TOKEN_NEWLINE, TOKEN_WORD, TOKEN_OPERATOR };

struct token {
	enum token_kind kind;
	struct str text;
	unsigned line;
};

/* A here-document whose text begins behind the next newline. */
struct heredoc {
	struct str delimiter; /* as written */
	bool strip_tabs;
};

struct parser {
	struct arena *a;
	struct str s;
	size_t pos;
	unsigned line, depth;
	struct token token; /* the one to look at */
	VEC(struct heredoc) heredocs;
	struct err *e;
};

size_t shell_name_length(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c != '_' && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(i > 0 && c >= '0' && c <= '9'))
			return i;
	}
	return s.n;
}

bool shell_is_name(struct str s)
{
	return s.n > 0 && shell_name_length(s) == s.n;
}

static size_t skip_nested(struct str s, size_t i, unsigned depth);

/* From behind an opening to behind @close; quotes inside count, and the same opening inside is
 * nested. */
static size_t skip_until(struct str s, size_t i, char open, char close, unsigned depth)
{
	unsigned level = 1;

	while (i < s.n) {
		char c = s.p[i];

		if (c == close && --level == 0)
			return i + 1;
		if (open && c == open)
			level++;
		if (c == '\\' || c == '\'' || c == '"' || c == '`' || c == '$') {
			/* within double quotes and braces of them, an apostrophe is one */
			size_t next = c == '\'' && close == '"' ? i + 1 : skip_nested(s, i, depth);

			if (next == 0)
				return 0;
			i = next;
		} else {
			i++;
		}
	}
	return 0;
}

static size_t skip_nested(struct str s, size_t i, unsigned depth)
{
	struct str rest = str_from(s, i);
	ptrdiff_t end;

	if (depth >= SHELL_DEPTH_MAX)
		return 0;
	if (str_starts(rest, "\\"))
		return rest.n > 1 ? i + 2 : 0;
	if (str_starts(rest, "'")) {
		end = str_find(str_from(rest, 1), '\'');
		return end < 0 ? 0 : i + 2 + (size_t)end;
	}
	if (str_starts(rest, "\""))
		return skip_until(s, i + 1, 0, '"', depth + 1);
	if (str_starts(rest, "`")) {
		for (size_t k = i + 1; k < s.n; k++) {
			if (s.p[k] == '`')
				return k + 1;
			k += s.p[k] == '\\';
		}
		return 0;
	}
	if (str_starts(rest, "$("))
		return skip_until(s, i + 2, '(', ')', depth + 1);
	if (str_starts(rest, "${"))
		return skip_until(s, i + 2, '{', '}', depth + 1);
	return i + 1;
}

size_t shell_skip(struct str s, size_t i)
{
	return skip_nested(s, i, 0);
}

static int fail(struct parser *p, const char *what)
{
	return err_set(p->e, -EBADMSG, "line %u: %s", p->token.line ? p->token.line : p->line,
		       what);
}

static void advance(struct parser *p, size_t to)
{
	for (; p->pos < to; p->pos++)
		p->line += p->s.p[p->pos] == '\n';
}

/* Blanks, comments and joined lines before a token. */
static void blanks_skip(struct parser *p)
{
	while (p->pos < p->s.n) {
		struct str rest = str_from(p->s, p->pos);

		if (rest.p[0] == ' ' || rest.p[0] == '\t' || rest.p[0] == '\r') {
			p->pos++;
		} else if (str_starts(rest, "\\\n")) {
			advance(p, p->pos + 2);
		} else if (rest.p[0] == '#') {
			ptrdiff_t end = str_find(rest, '\n');

			p->pos = end < 0 ? p->s.n : p->pos + (size_t)end;
		} else {
			return;
		}
	}
}

/* A delimiter without its quotes. */
static struct str delimiter_plain(struct arena *a, struct str written)
{
	struct buf b = { .a = a };

	for (size_t i = 0; i < written.n; i++)
		if (written.p[i] != '\'' && written.p[i] != '"' && written.p[i] != '\\')
			buf_u8(&b, (uint8_t)written.p[i]);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

/* At the start of a line: skips the texts of the here-documents that were announced. */
static void heredocs_skip(struct parser *p)
{
	vec_each(doc, &p->heredocs) {
		struct str delimiter = delimiter_plain(p->a, doc->delimiter);

		while (p->pos < p->s.n) {
			struct str rest = str_from(p->s, p->pos), line = str_cut(&rest, '\n');

			advance(p, p->s.n - rest.n);
			while (doc->strip_tabs && str_starts(line, "\t"))
				line = str_from(line, 1);
			if (str_eq(line, delimiter))
				break;
		}
	}
	p->heredocs.n = 0;
}

static const char *operator_at(struct str rest)
{
	static const char *const operators[] = { "<<<", "<<-", "&>>", ";;&", "&&", "||", ";;", "<<",
						 ">>",  "<&",  ">&",  "<>",  ">|", "&>", ";&", ";",
						 "&",   "|",   "<",   ">",   "(",  ")" };

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (str_starts(rest, operators[i]))
			return operators[i];
	return NULL;
}

static int word_end(struct parser *p, size_t *ret)
{
	size_t i = p->pos;

	while (i < p->s.n && p->s.p[i] != ' ' && p->s.p[i] != '\t' && p->s.p[i] != '\n' &&
	       !operator_at(str_from(p->s, i))) {
		size_t next = shell_skip(p->s, i);

		if (next == 0)
			return fail(p, "quotes or parentheses that do not end");
		i = next;
	}
	*ret = i;
	return 0;
}

/* Reads the next token into p->token. */
static int next(struct parser *p)
{
	const char *op;
	size_t start, end = 0;
	int rc;

	blanks_skip(p);
	start = p->pos;
	p->token = (struct token){ .line = p->line };
	if (p->pos == p->s.n)
		return 0;
	if (p->s.p[p->pos] == '\n') {
		p->token.kind = TOKEN_NEWLINE;
		advance(p, p->pos + 1);
		heredocs_skip(p);
		return 0;
	}
	op = operator_at(str_from(p->s, p->pos));
	if (op) {
		p->token.kind = TOKEN_OPERATOR;
		end = p->pos + strlen(op);
	} else {
		p->token.kind = TOKEN_WORD;
		rc = word_end(p, &end);
		if (rc < 0)
			return rc;
	}
	advance(p, end);
	p->token.text = str_head(str_from(p->s, start), end - start);
	return 0;
}

static bool is_operator(const struct parser *p, const char *text)
{
	return p->token.kind == TOKEN_OPERATOR && str_eqz(p->token.text, text);
}

static bool is_word(const struct parser *p, const char *text)
{
	return p->token.kind == TOKEN_WORD && str_eqz(p->token.text, text);
}

static int newlines_skip(struct parser *p)
{
	int rc = 0;

	while (rc == 0 && p->token.kind == TOKEN_NEWLINE)
		rc = next(p);
	return rc;
}

/* The reserved word that must be here. */
static int expect(struct parser *p, const char *word)
{
	if (!is_word(p, word) && !is_operator(p, word))
		return err_set(p->e, -EBADMSG, "line %u: '%.*s' where '%s' belongs", p->token.line,
			       STR_FMT(p->token.kind == TOKEN_END ? STR("end of file")
								  : p->token.text),
			       word);
	return next(p);
}

static struct shell_node *node_new(struct parser *p, enum shell_kind kind)
{
	struct shell_node *node = arena_new(p->a, struct shell_node);

	node->kind = kind;
	node->line = p->token.line;
	return node;
}

/* ">&2" and "<&-" open nothing. */
static bool is_descriptor(struct str op, struct str word)
{
	uint64_t number;

	return str_ends(op, "&") && (str_eqz(word, "-") || str_u64(word, UINT32_MAX, &number));
}

/* One redirection, at its operator. */
static int redirection(struct parser *p, struct shell_node *node)
{
	struct str op = p->token.text;
	int rc = next(p);

	if (rc < 0)
		return rc;
	if (p->token.kind != TOKEN_WORD)
		return fail(p, "a redirection to nothing");
	if (str_eqz(op, "<<") || str_eqz(op, "<<-"))
		vec_push(p->a, &p->heredocs) =
			(struct heredoc){ p->token.text, str_eqz(op, "<<-") };
	else if (op.p[op.n - 1] != '<' && !str_eqz(op, "<<<") && !is_descriptor(op, p->token.text))
		vec_push(p->a, &node->writes) = p->token.text;
	return next(p);
}

static bool is_redirection(const struct parser *p)
{
	return p->token.kind == TOKEN_OPERATOR &&
	       (str_has(p->token.text, "<") || str_has(p->token.text, ">"));
}

/* "2" in "2>x": digits with the operator directly behind. */
static bool is_io_number(const struct parser *p)
{
	for (size_t i = 0; i < p->token.text.n; i++)
		if (p->token.text.p[i] < '0' || p->token.text.p[i] > '9')
			return false;
	return p->token.kind == TOKEN_WORD && p->pos < p->s.n &&
	       (p->s.p[p->pos] == '<' || p->s.p[p->pos] == '>');
}

static int redirections(struct parser *p, struct shell_node *node)
{
	int rc = 0;

	while (rc == 0 && (is_redirection(p) || is_io_number(p)))
		rc = is_redirection(p) ? redirection(p, node) : next(p);
	return rc;
}

static int list(struct parser *p, struct shell_node **ret);
static int command(struct parser *p, struct shell_node **ret);

/* Words up to the end of the simple command. A first word with "()" behind defines a function. */
static int simple(struct parser *p, struct shell_node **ret)
{
	struct shell_node *node = node_new(p, SHELL_SIMPLE);
	int rc = 0;

	while (rc == 0) {
		if (is_redirection(p) || is_io_number(p)) {
			rc = redirections(p, node);
			continue;
		}
		if (p->token.kind != TOKEN_WORD)
			break;
		vec_push(p->a, &node->words) = p->token.text;
		rc = next(p);
		if (rc == 0 && is_operator(p, "(") && node->words.n == 1 &&
		    shell_is_name(node->words.p[0])) {
			node->kind = SHELL_FUNCTION;
			node->name = node->words.p[0];
			rc = next(p);
			rc = rc < 0 ? rc : expect(p, ")");
			rc = rc < 0 ? rc : newlines_skip(p);
			rc = rc < 0 ? rc : command(p, &node->a);
			break;
		}
	}
	if (rc == 0 && node->words.n == 0 && node->writes.n == 0 && p->heredocs.n == 0)
		return fail(p, "a command is missing");
	*ret = node;
	return rc;
}

/* Behind "if" or "elif", through "fi". */
static int if_clause(struct parser *p, struct shell_node **ret)
{
	struct shell_node *node = node_new(p, SHELL_IF);
	int rc;

	if (++p->depth > SHELL_DEPTH_MAX)
		return fail(p, "nested too deep");
	rc = next(p);
	rc = rc < 0 ? rc : list(p, &node->a);
	rc = rc < 0 ? rc : expect(p, "then");
	rc = rc < 0 ? rc : list(p, &node->b);
	if (rc == 0 && is_word(p, "elif")) {
		rc = if_clause(p, &node->c);
	} else {
		if (rc == 0 && is_word(p, "else")) {
			rc = next(p);
			rc = rc < 0 ? rc : list(p, &node->c);
		}
		rc = rc < 0 ? rc : expect(p, "fi");
	}
	p->depth--;
	*ret = node;
	return rc;
}

static int do_group(struct parser *p, struct shell_node *node)
{
	int rc = expect(p, "do");

	rc = rc < 0 ? rc : list(p, &node->b);
	return rc < 0 ? rc : expect(p, "done");
}

static int while_clause(struct parser *p, struct shell_node **ret)
{
	struct shell_node *node = node_new(p, SHELL_WHILE);
	int rc = next(p);

	*ret = node;
	rc = rc < 0 ? rc : list(p, &node->a);
	return rc < 0 ? rc : do_group(p, node);
}

static int for_clause(struct parser *p, struct shell_node **ret)
{
	struct shell_node *node = node_new(p, SHELL_FOR);
	int rc = next(p);

	*ret = node;
	if (rc < 0)
		return rc;
	node->name = p->token.text;
	if (p->token.kind != TOKEN_WORD || !shell_is_name(node->name))
		return fail(p, "'for' without a name");
	rc = next(p);
	rc = rc < 0 ? rc : newlines_skip(p);
	if (rc == 0 && is_word(p, "in"))
		for (rc = next(p); rc == 0 && p->token.kind == TOKEN_WORD; rc = next(p))
			vec_push(p->a, &node->words) = p->token.text;
	if (rc == 0 && is_operator(p, ";"))
		rc = next(p);
	rc = rc < 0 ? rc : newlines_skip(p);
	return rc < 0 ? rc : do_group(p, node);
}

/* "(a|b) commands ;;": the patterns and what belongs to them. */
static int case_arm(struct parser *p, struct shell_node **ret)
{
	struct shell_node *arm = node_new(p, SHELL_ARM);
	int rc = is_operator(p, "(") ? next(p) : 0;

	*ret = arm;
	while (rc == 0) {
		if (p->token.kind != TOKEN_WORD)
			return fail(p, "a pattern of 'case' is missing");
		vec_push(p->a, &arm->words) = p->token.text;
		rc = next(p);
		if (rc < 0 || !is_operator(p, "|"))
			break;
		rc = next(p);
	}
	rc = rc < 0 ? rc : expect(p, ")");
	rc = rc < 0 ? rc : list(p, &arm->a);
	if (rc == 0 && !is_word(p, "esac"))
		rc = expect(p, ";;");
	return rc < 0 ? rc : newlines_skip(p);
}

static int case_clause(struct parser *p, struct shell_node **ret)
{
	struct shell_node *node = node_new(p, SHELL_CASE), **end = &node->b;
	int rc = next(p);

	*ret = node;
	if (rc < 0)
		return rc;
	if (p->token.kind != TOKEN_WORD)
		return fail(p, "'case' without a word");
	vec_push(p->a, &node->words) = p->token.text;
	rc = next(p);
	rc = rc < 0 ? rc : newlines_skip(p);
	rc = rc < 0 ? rc : expect(p, "in");
	rc = rc < 0 ? rc : newlines_skip(p);
	while (rc == 0 && !is_word(p, "esac")) {
		rc = case_arm(p, end);
		end = &(*end)->next;
	}
	return rc < 0 ? rc : next(p);
}

static int group(struct parser *p, enum shell_kind kind, const char *close, struct shell_node **ret)
{
	struct shell_node *node = node_new(p, kind);
	int rc = next(p);

	*ret = node;
	rc = rc < 0 ? rc : list(p, &node->a);
	return rc < 0 ? rc : expect(p, close);
}

static int compound(struct parser *p, struct shell_node **ret)
{
	if (is_word(p, "if"))
		return if_clause(p, ret);
	if (is_word(p, "while") || is_word(p, "until"))
		return while_clause(p, ret);
	if (is_word(p, "for"))
		return for_clause(p, ret);
	if (is_word(p, "case"))
		return case_clause(p, ret);
	if (is_word(p, "{"))
		return group(p, SHELL_GROUP, "}", ret);
	return group(p, SHELL_SUBSHELL, ")", ret);
}

static int command(struct parser *p, struct shell_node **ret)
{
	static const char *const openings[] = { "if", "while", "until", "for", "case", "{" };
	bool is_compound = is_operator(p, "(");
	int rc;

	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++)
		is_compound = is_compound || is_word(p, openings[i]);
	if (++p->depth > SHELL_DEPTH_MAX)
		return fail(p, "nested too deep");
	rc = is_compound ? compound(p, ret) : simple(p, ret);
	p->depth--;
	return rc < 0 || !is_compound ? rc : redirections(p, *ret);
}

static int pair(struct parser *p, enum shell_kind kind, struct shell_node **left,
		int (*operand)(struct parser *, struct shell_node **))
{
	struct shell_node *node = node_new(p, kind);
	int rc = next(p);

	node->a = *left;
	rc = rc < 0 ? rc : newlines_skip(p);
	rc = rc < 0 ? rc : operand(p, &node->b);
	*left = node;
	return rc;
}

static int pipeline(struct parser *p, struct shell_node **ret)
{
	struct shell_node *negation = NULL;
	int rc = 0;

	while (rc == 0 && is_word(p, "!")) {
		/* twice is none */
		negation = negation ? NULL : node_new(p, SHELL_NOT);
		rc = next(p);
	}
	rc = rc < 0 ? rc : command(p, ret);
	while (rc == 0 && is_operator(p, "|"))
		rc = pair(p, SHELL_PIPE, ret, command);
	if (rc == 0 && negation) {
		negation->a = *ret;
		*ret = negation;
	}
	return rc;
}

static int and_or(struct parser *p, struct shell_node **ret)
{
	int rc = pipeline(p, ret);

	while (rc == 0 && (is_operator(p, "&&") || is_operator(p, "||")))
		rc = pair(p, is_operator(p, "&&") ? SHELL_AND : SHELL_OR, ret, pipeline);
	return rc;
}

static bool list_ends(const struct parser *p)
{
	static const char *const closings[] = { "then", "elif", "else", "fi",
						"do",   "done", "esac", "}" };

	for (size_t i = 0; i < sizeof(closings) / sizeof(closings[0]); i++)
		if (is_word(p, closings[i]))
			return true;
	return p->token.kind == TOKEN_END || is_operator(p, ")") || is_operator(p, ";;");
}

/* Commands up to what closes the construct they stand in, which is left for the caller. */
static int list(struct parser *p, struct shell_node **ret)
{
	int rc = newlines_skip(p);

	while (rc == 0 && !list_ends(p)) {
		rc = and_or(p, ret);
		if (rc < 0)
			return rc;
		ret = &(*ret)->next;
		if (is_operator(p, ";") || is_operator(p, "&"))
			rc = next(p);
		else if (p->token.kind != TOKEN_NEWLINE && !list_ends(p))
			return err_set(p->e, -EBADMSG, "line %u: '%.*s' is not understood here",
				       p->token.line, STR_FMT(p->token.text));
		rc = rc < 0 ? rc : newlines_skip(p);
	}
	return rc;
}

int shell_parse(struct arena *a, struct str script, unsigned line, struct shell_node **ret,
		struct err *e)
{
	struct parser p = { .a = a, .s = script, .line = line, .e = e };
	struct shell_node *first = NULL;
	int rc = script.n > SHELL_BYTES_MAX ? fail(&p, "longer than any script should be")
					    : next(&p);

	rc = rc < 0 ? rc : list(&p, &first);
	if (rc < 0)
		return rc;
	if (p.token.kind != TOKEN_END)
		return err_set(e, -EBADMSG, "line %u: '%.*s' closes nothing", p.token.line,
			       STR_FMT(p.token.text));
	*ret = first;
	return 0;
}
