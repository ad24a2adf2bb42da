/* SPDX-License-Identifier: MIT */
#include "upstream/debian/shell_status.h"

bool shell_word_is(const struct shell_command *c, size_t i, const char *text)
{
	return i < c->words.n && c->words.p[i].known && str_eqz(c->words.p[i].text, text);
}

enum shell_status shell_status_of(bool works)
{
	return works ? WORKS : FAILS;
}

enum shell_status shell_status_not(enum shell_status s)
{
	return s == MAYBE ? MAYBE : shell_status_of(s == FAILS);
}

static enum shell_status test_two(struct str op, struct shell_word x)
{
	static const char *const gone[] = { "/run/", "/var/run/" };

	if (!x.known)
		return MAYBE;
	if (str_eqz(op, "-n") || str_eqz(op, "-z"))
		return shell_status_of((x.text.n > 0) == str_eqz(op, "-n"));
	/* Nothing runs while an image is made, so nothing is in /run. */
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		if (op.n == 2 && op.p[0] == '-' && str_starts(x.text, gone[i]))
			return FAILS;
	return MAYBE;
}

static enum shell_status test_three(struct shell_word x, struct str op, struct shell_word y)
{
	uint64_t m, n;

	if (!x.known || !y.known)
		return MAYBE;
	if (str_eqz(op, "=") || str_eqz(op, "=="))
		return shell_status_of(str_eq(x.text, y.text));
	if (str_eqz(op, "!="))
		return shell_status_of(!str_eq(x.text, y.text));
	if (!str_u64(x.text, INT64_MAX, &m) || !str_u64(y.text, INT64_MAX, &n))
		return MAYBE;
	if (str_eqz(op, "-eq") || str_eqz(op, "-ne"))
		return shell_status_of((m == n) == str_eqz(op, "-eq"));
	if (str_eqz(op, "-gt") || str_eqz(op, "-le"))
		return shell_status_of((m > n) == str_eqz(op, "-gt"));
	if (str_eqz(op, "-lt") || str_eqz(op, "-ge"))
		return shell_status_of((m < n) == str_eqz(op, "-lt"));
	return MAYBE;
}

enum shell_status shell_status_either(enum shell_status x, enum shell_status y)
{
	return x == WORKS || y == WORKS ? WORKS : x == MAYBE || y == MAYBE ? MAYBE : FAILS;
}

/* test(1): "-o" binds loosest, then "-a", then "!". Each turn shortens what is left, by the first
 * operator. */
static enum shell_status test_status(const struct shell_word *words, size_t n, unsigned depth)
{
	static const char *const joins[] = { "-o", "-a" };

	if (depth > SHELL_DEPTH_MAX)
		return MAYBE;
	for (size_t k = 0; n > 3 && k < 2; k++)
		for (size_t i = 1; i + 1 < n; i++) {
			enum shell_status x, y;

			if (!str_eqz(words[i].text, joins[k]))
				continue;
			x = test_status(words, i, depth + 1);
			y = test_status(words + i + 1, n - i - 1, depth + 1);
			return k == 0 ? shell_status_either(x, y)
				      : shell_status_not(shell_status_either(shell_status_not(x),
									     shell_status_not(y)));
		}
	if (n > 1 && str_eqz(words[0].text, "!"))
		return shell_status_not(test_status(words + 1, n - 1, depth + 1));
	if (n == 1)
		return test_two(STR("-n"), words[0]);
	if (n == 2)
		return test_two(words[0].text, words[1]);
	if (n == 3)
		return test_three(words[0], words[1].text, words[2]);
	return n == 0 ? FAILS : MAYBE;
}

/* dpkg(1), --compare-versions: an empty version is earlier than any, for the "-nl" operators later
 * than any. */
static enum shell_status compare_versions(const struct shell_command *c)
{
	static const struct {
		const char *op;
		enum shell_status status;
	} of_empty[] = {
		{ "lt", WORKS },    { "le", WORKS },    { "eq", FAILS },    { "ne", WORKS },
		{ "ge", FAILS },    { "gt", FAILS },    { "lt-nl", FAILS }, { "le-nl", FAILS },
		{ "ge-nl", WORKS }, { "gt-nl", WORKS },
	};

	if (c->words.n != 5 || !c->words.p[2].known || c->words.p[2].text.n > 0 ||
	    c->words.p[4].text.n == 0)
		return MAYBE;
	for (size_t i = 0; i < sizeof(of_empty) / sizeof(of_empty[0]); i++)
		if (str_eqz(c->words.p[3].text, of_empty[i].op))
			return of_empty[i].status;
	return MAYBE;
}

enum shell_status shell_command_status(const struct shell_command *c)
{
	const struct shell_word *words = c->words.p;
	size_t n = c->words.n;

	if (shell_word_is(c, 0, "true") || shell_word_is(c, 0, ":"))
		return WORKS;
	if (shell_word_is(c, 0, "false"))
		return FAILS;
	if (shell_word_is(c, 0, "test"))
		return test_status(words + 1, n - 1, 0);
	if (shell_word_is(c, 0, "[") && shell_word_is(c, n - 1, "]"))
		return test_status(words + 1, n - 2, 0);
	if (shell_word_is(c, 0, "dpkg") && shell_word_is(c, 1, "--compare-versions"))
		return compare_versions(c);
	return MAYBE;
}
