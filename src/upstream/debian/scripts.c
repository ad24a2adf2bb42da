/* SPDX-License-Identifier: MIT */
#include "upstream/debian/scripts.h"

#include <stdlib.h>

#include "upstream/debian/coverage.h"

enum { LINES_QUOTED_MAX = 6, LINE_SHOWN_MAX = 120 };

/* A command that nothing covers. */
struct uncovered {
	unsigned line;
	struct str text;
};

struct check {
	struct arena *a;
	struct coverage coverage;
	VEC(struct uncovered) uncovered; /* of the script being looked at */
};

static int check_command(void *arg, const struct shell_command *cmd, struct err *e)
{
	struct check *c = arg;
	struct buf text = { .a = c->a };

	(void)e;
	if (coverage_command(&c->coverage, cmd))
		return 0;
	vec_each(word, &cmd->words)
		buf_printf(&text, "%.*s ", STR_FMT(word->text));
	vec_each(target, &cmd->writes)
		buf_printf(&text, "> %.*s ", STR_FMT(target->text));
	vec_push(c->a, &c->uncovered) =
		(struct uncovered){ cmd->line,
				    str_trim((struct str){ (const char *)text.v.p, text.v.n }) };
	return 0;
}

/* ---- one script ---- */

/* Blanks out blocks that debhelper added and a glob covers; lines keep their numbers. */
static struct str blocks_cut(const struct check *c, struct str script)
{
	struct buf b = { .a = c->a };
	bool inside = false;

	while (script.n > 0) {
		struct str line = str_cut(&script, '\n');

		if (str_starts(line, "# Automatically added by ") &&
		    coverage_glob(&c->coverage, line))
			inside = true;
		if (!inside)
			buf_put(&b, line.p, line.n);
		buf_u8(&b, '\n');
		if (str_starts(line, "# End automatically added section"))
			inside = false;
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static struct str line_at(struct str text, unsigned number)
{
	struct str line = { 0 };

	for (unsigned i = 0; i < number; i++)
		line = str_cut(&text, '\n');
	return str_head(str_trim(line), LINE_SHOWN_MAX);
}

static int uncovered_compare(const void *x, const void *y)
{
	const struct uncovered *m = x, *n = y;

	return m->line != n->line ? (m->line < n->line ? -1 : 1) : str_cmp(m->text, n->text);
}

/* By line, each once: loops and functions are walked several times. */
static void uncovered_sort(struct check *c)
{
	struct uncovered *u = c->uncovered.p;
	size_t n = 0;

	if (c->uncovered.n > 1)
		qsort(u, c->uncovered.n, sizeof(*u), uncovered_compare);
	for (size_t i = 0; i < c->uncovered.n; i++)
		if (n == 0 || uncovered_compare(&u[n - 1], &u[i]) != 0)
			u[n++] = u[i];
	c->uncovered.n = n;
}

/* "12: touch /x; 14: foo; and 3 more", each line of the script once. */
static struct str uncovered_lines(struct check *c, struct str script)
{
	struct buf b = { .a = c->a };
	unsigned shown = 0, more = 0, last = 0;

	vec_each(u, &c->uncovered) {
		if (u->line == last)
			continue;
		last = u->line;
		if (shown < LINES_QUOTED_MAX)
			buf_printf(&b, "%s%u: %.*s", shown++ > 0 ? "; " : "", u->line,
				   STR_FMT(line_at(script, u->line)));
		else
			more++;
	}
	if (more > 0)
		buf_printf(&b, "; and %u more", more);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

/* Of "#!/bin/sh -e" the shell; of "#!/usr/bin/env -S bash -e", the shell that env finds. */
static struct str interpreter(struct str script)
{
	struct str line = str_cut(&script, '\n'), program;

	if (!str_starts(line, "#!"))
		return (struct str){ 0 };
	line = str_trim(str_from(line, 2));
	program = str_word(&line);
	if (!str_eqz(program, "/usr/bin/env") && !str_eqz(program, "/bin/env"))
		return program;
	/* options, and variables that it is to set */
	do
		program = str_word(&line);
	while (str_starts(program, "-") || str_find(program, '=') >= 0);
	return program;
}

static bool is_shell(struct str script)
{
	static const char *const shells[] = { "sh", "bash", "dash" }, *const folders[] = {
		"/usr/bin/", "/bin/", "/usr/local/bin/"
	};
	struct str program = interpreter(script);

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (str_starts(program, folders[i])) {
			program = str_from(program, strlen(folders[i]));
			break;
		}
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (str_eqz(program, shells[i]))
			return true;
	return false;
}

static int script_walk(struct check *c, const char *name, struct str script, const struct str *args,
		       size_t n_args, struct err *e)
{
	if (!is_shell(script))
		return err_set(e, -EOPNOTSUPP, "%s is no shell script", name);
	return shell_walk(c->a, blocks_cut(c, script), args, n_args, check_command, c, e);
}

/* The names after "interest", "interest-noawait" and "interest-await": deb-triggers(5). */
static struct str triggers_of(struct arena *a, struct str text)
{
	struct buf b = { .a = a };

	while (text.n > 0) {
		struct str line = str_cut(&text, '\n'), word = str_word(&line),
			   name = str_word(&line);

		if (str_starts(word, "interest"))
			buf_printf(&b, "%s%.*s", b.v.n > 0 ? " " : "", STR_FMT(name));
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

/* Each "activate X" is work for another package's script: covered when a glob says so. */
static void triggers_read(struct check *c, struct str text)
{
	for (unsigned line = 1; text.n > 0; line++) {
		struct str row = str_trim(str_cut(&text, '\n'));

		if (str_starts(row, "activate") && !coverage_glob(&c->coverage, row))
			vec_push(c->a, &c->uncovered) = (struct uncovered){ line, row };
	}
}

/* Finds what of a script is not covered, into c->uncovered. */
static int script_read(struct check *c, const char *name, struct str script, struct err *e)
{
	const struct str install[] = { STR("install") },
			 configure[] = { STR("configure"), STR("") };
	struct str triggered[] = {
		STR("triggered"), triggers_of(c->a, deb_control_file(c->coverage.deb, "triggers"))
	};
	bool postinst = strcmp(name, "postinst") == 0;
	int rc = 0;

	c->uncovered.n = 0;
	if (strcmp(name, "triggers") == 0)
		triggers_read(c, script);
	else
		rc = script_walk(c, name, script, postinst ? configure : install, postinst ? 2 : 1,
				 e);
	if (rc == 0 && postinst && triggered[1].n > 0)
		rc = script_walk(c, name, script, triggered, 2, e);
	uncovered_sort(c);
	return rc;
}

/* ---- a package ---- */

static const struct conf_scripts *scripts_entry(const struct conf_package *conf, const char *name)
{
	vec_each(entry, &conf->scripts)
		if (str_eqz(entry->script, name))
			return entry;
	return NULL;
}

/* Of what is not covered, as the walk expanded it, one command a line; of the whole script where
 * that cannot be read. */
static struct str uncovered_digest(struct check *c, int rc, struct str script)
{
	struct buf b = { .a = c->a };

	if (rc < 0)
		return sha256_hex(c->a, script.p, script.n);
	vec_each(u, &c->uncovered)
		buf_printf(&b, "%.*s\n", STR_FMT(u->text));
	return sha256_hex(c->a, b.v.p, b.v.n);
}

static int script_check(struct check *c, const char *name, struct str script, struct err *e)
{
	const struct conf_scripts *entry = scripts_entry(c->coverage.conf, name);
	struct str digest, lines;
	int rc;

	if (script.n == 0)
		return entry ? err_set(e, -ENOENT, "package.yaml: scripts: the package has no %s",
				       name)
			     : 0;
	rc = script_read(c, name, script, e);
	lines = uncovered_lines(c, script);
	digest = uncovered_digest(c, rc, script);
	if (entry && entry->sha256.n > 0 && !str_eq(entry->sha256, digest))
		return err_set(
			e, -ESTALE,
			"%s does something else than package.yaml was written for: look at it again, then set its "
			"sha256 to %.*s: %.*s",
			name, STR_FMT(digest), STR_FMT(lines));
	if (entry || (rc == 0 && c->uncovered.n == 0))
		return 0;
	if (rc < 0)
		return err_wrap(
			e, rc,
			"%s cannot be understood; list it in package.yaml under 'scripts' with a reason",
			name);
	return err_set(
		e, -EOPNOTSUPP,
		"%s does what nothing covers; say it in package.yaml, or list the script there under 'scripts' with "
		"a reason and sha256 %.*s: %.*s",
		name, STR_FMT(digest), STR_FMT(lines));
}

/* An entry for what is never looked at would mislead whoever reads it. */
static int entries_check(const struct conf_package *conf, struct err *e)
{
	vec_each(entry, &conf->scripts)
		if (!str_eqz(entry->script, "preinst") && !str_eqz(entry->script, "postinst") &&
		    !str_eqz(entry->script, "triggers"))
			return err_set(
				e, -EINVAL,
				"package.yaml: scripts: '%.*s' is never looked at; want preinst, postinst or triggers",
				STR_FMT(entry->script));
	return 0;
}

int scripts_check(struct arena *a, const struct deb *deb, const struct conf_package *conf,
		  const struct conf_upstream *upstream, vec_divert *ret, struct err *e)
{
	static const char *const names[] = { "preinst", "postinst", "triggers" };
	_cleanup_arena_ struct arena scratch = { 0 };
	struct check c = { .a = &scratch };
	int rc = entries_check(conf, e);

	*ret = (vec_divert){ 0 };
	coverage_init(&c.coverage, &scratch, deb, conf, upstream);
	c.coverage.diversions = (struct diversions){ .a = a, .conf = conf, .found = ret };
	for (size_t i = 0; rc == 0 && i < sizeof(names) / sizeof(names[0]); i++)
		rc = script_check(&c, names[i], deb_control_file(deb, names[i]), e);
	return rc;
}
