/* SPDX-License-Identifier: MIT */
#include "upstream/debian/diversion.h"

#include "rpm/claims.h"
#include "upstream/debian/tarball.h"

/* One command line, read. */
struct line {
	bool asks, known, rename, local;
	struct shell_word package, file, to;
};

static bool word_has(struct shell_word word, const char *option)
{
	return word.known && str_eqz(word.text, option);
}

/* "--name VALUE" and "--name=VALUE". */
static bool option_value(const struct shell_command *cmd, size_t *i, const char *name,
			 struct shell_word *ret)
{
	struct shell_word word = cmd->words.p[*i];

	if (word_has(word, name)) {
		*ret = *i + 1 < cmd->words.n ? cmd->words.p[++*i] : (struct shell_word){ 0 };
		return true;
	}
	if (!str_starts(word.text, name) || word.text.n <= strlen(name) ||
	    word.text.p[strlen(name)] != '=')
		return false;
	*ret = (struct shell_word){ str_from(word.text, strlen(name) + 1), word.known };
	return true;
}

static void flag_read(struct line *line, struct shell_word word)
{
	static const char *const asking[] = { "--remove",  "--list", "--listpackage", "--truename",
					      "--version", "--help", "--test" },
				 *const idle[] = { "--add", "--quiet", "--no-rename" };

	for (size_t i = 0; i < sizeof(asking) / sizeof(asking[0]); i++)
		if (word_has(word, asking[i])) {
			line->asks = true;
			return;
		}
	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
		if (word_has(word, idle[i]))
			return;
	if (word_has(word, "--rename"))
		line->rename = true;
	else if (word_has(word, "--local"))
		line->local = true;
	else if (line->file.text.n > 0 || str_starts(word.text, "-"))
		line->known = false; /* an option of another root, or a later one */
	else
		line->file = word;
}

static struct line line_read(const struct shell_command *cmd)
{
	struct line line = { .known = true };

	for (size_t i = 1; i < cmd->words.n; i++)
		if (!option_value(cmd, &i, "--package", &line.package) &&
		    !option_value(cmd, &i, "--divert", &line.to))
			flag_read(&line, cmd->words.p[i]);
	return line;
}

/* Whose script it is stands in a variable, too, which the walk does not know. */
static bool is_own_name(struct str as_written)
{
	static const char *const forms[] = { "$DPKG_MAINTSCRIPT_PACKAGE",
					     "\"$DPKG_MAINTSCRIPT_PACKAGE\"",
					     "${DPKG_MAINTSCRIPT_PACKAGE}",
					     "\"${DPKG_MAINTSCRIPT_PACKAGE}\"" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (str_eqz(as_written, forms[i]))
			return true;
	return false;
}

static bool package_of(const struct diversions *d, const struct line *line, struct str *ret)
{
	struct str name = line->package.text;

	*ret = (struct str){ 0 };
	if (line->local)
		return true;
	if (name.n == 0 || (!line->package.known && is_own_name(name))) {
		*ret = d->conf->name;
		return true;
	}
	*ret = str_cut(&name, ':'); /* an architecture says nothing here */
	return line->package.known;
}

/* Where a merged /usr has what the path is outside. */
static struct str merged(struct arena *a, struct str path)
{
	struct str folder = path_usrmerge(a, str_cat(a, path, STR("/")));

	return str_head(folder, folder.n - 1);
}

static bool same(const struct rpm_divert *x, const struct rpm_divert *y)
{
	return str_eq(x->package, y->package) && str_eq(x->from, y->from) && str_eq(x->to, y->to);
}

static void note(const struct diversions *d, const struct rpm_divert *divert)
{
	vec_each(declared, &d->conf->diversions)
		if (str_eq(merged(d->a, declared->path), divert->from))
			return;
	vec_each(known, d->found)
		if (same(known, divert))
			return;
	vec_push(d->a, d->found) = *divert;
}

bool diversion_read(const struct diversions *d, const struct shell_command *cmd)
{
	struct line line = line_read(cmd);
	struct rpm_divert divert;
	struct str to;

	if (line.asks)
		return true;
	if (!line.known || !line.file.known || (line.to.text.n > 0 && !line.to.known) ||
	    !package_of(d, &line, &divert.package))
		return false;
	divert.package = str_dup(d->a, divert.package);
	divert.from = str_dup(d->a, merged(d->a, line.file.text));
	to = line.to.text.n > 0 ? line.to.text
				: str_printf(d->a, "%.*s.distrib", STR_FMT(line.file.text));
	divert.to = str_dup(d->a, merged(d->a, to));
	if (!claim_path_valid(divert.from) || !claim_path_valid(divert.to))
		return false;
	if (line.rename || str_eq(divert.from, line.file.text))
		note(d, &divert);
	return true;
}

int diversions_declared(struct arena *a, const struct conf_package *conf, vec_divert *ret,
			struct err *e)
{
	vec_each(declared, &conf->diversions) {
		struct rpm_divert divert = { conf->name, merged(a, declared->path),
					     merged(a, declared->to) };

		if (!claim_path_valid(divert.from) || !claim_path_valid(divert.to))
			return err_set(
				e, -EINVAL,
				"diversions: '%.*s' to '%.*s': want paths without blanks and colons",
				STR_FMT(divert.from), STR_FMT(divert.to));
		vec_push(a, ret) = divert;
	}
	return 0;
}
