/* SPDX-License-Identifier: MIT */
#include "upstream/scripts.h"

#include <stdlib.h>

#include "upstream/shell.h"

enum { LINES_QUOTED_MAX = 6, LINE_SHOWN_MAX = 120, COMMAND_WRAPS_MAX = 4 };

/* A command that nothing covers. */
struct uncovered {
	unsigned line;
	struct str text;
};

/* What the check of one package knows. */
struct check {
	struct arena *a;
	const struct deb *deb;
	const struct conf_package *conf;
	const struct conf_upstream *upstream;
	struct map users;   /* users and groups declared by sysusers.d or the definition */
	struct map members; /* "user group" */
	struct map paths;   /* declared by tmpfiles.d, or files and links of the definition */
	struct map modes;   /* whose owner and mode tmpfiles.d or the definition sets */
	VEC(struct uncovered) uncovered; /* of the script being looked at */
};

/* ---- what is declared ---- */

static void declare(struct check *c, struct map *m, struct str key)
{
	map_put(c->a, m, key, 0);
}

static void declare_member(struct check *c, struct str user, struct str group)
{
	declare(c, &c->members, str_printf(c->a, "%.*s %.*s", STR_FMT(user), STR_FMT(group)));
}

/* sysusers.d(5): "u name ...", "g name ...", "m user group". */
static void sysusers_read(struct check *c, struct str text)
{
	while (text.n > 0) {
		struct str line = str_cut(&text, '\n'), type = str_word(&line), name = str_word(&line);

		if (str_starts(type, "u") || str_starts(type, "g"))
			declare(c, &c->users, name);
		else if (str_starts(type, "m"))
			declare_member(c, name, str_word(&line));
	}
}

/* tmpfiles.d(5): type, path, mode ... */
static void tmpfiles_read(struct check *c, struct str text)
{
	while (text.n > 0) {
		struct str line = str_cut(&text, '\n'), type = str_word(&line), path = str_word(&line);

		if (type.n == 0 || type.p[0] == '#')
			continue;
		if (str_ends(path, "/") && path.n > 1)
			path.n--;
		declare(c, &c->paths, path);
		declare(c, &c->modes, path);
	}
}

static void declared_by_files(struct check *c)
{
	vec_each(f, &c->deb->files) {
		if (str_starts(f->path, "/usr/lib/sysusers.d/"))
			sysusers_read(c, f->data);
		if (str_starts(f->path, "/usr/lib/tmpfiles.d/"))
			tmpfiles_read(c, f->data);
	}
}

static void declared_by_definition(struct check *c)
{
	vec_each(user, &c->conf->users)
		declare(c, &c->users, user->name);
	vec_each(group, &c->conf->groups)
		declare(c, &c->users, group->name);
	vec_each(member, &c->conf->members)
		declare_member(c, member->user, member->group);
	vec_each(file, &c->conf->files) {
		declare(c, &c->paths, path_usrmerge(c->a, file->path));
		declare(c, &c->modes, path_usrmerge(c->a, file->path));
	}
	vec_each(link, &c->conf->links)
		declare(c, &c->paths, path_usrmerge(c->a, link->path));
	vec_each(mode, &c->conf->modes)
		declare(c, &c->modes, path_usrmerge(c->a, mode->path));
}

/* ---- commands whose work something declared does ---- */

static struct shell_word word_at(const struct shell_command *cmd, size_t i)
{
	return i < cmd->words.n ? cmd->words.p[i] : (struct shell_word){ 0 };
}

static bool word_is(const struct shell_command *cmd, size_t i, const char *text)
{
	struct shell_word word = word_at(cmd, i);

	return word.known && str_eqz(word.text, text);
}

static bool is_option(struct shell_word word)
{
	return word.known && word.text.n > 1 && word.text.p[0] == '-';
}

/* /run and /tmp are empty at each boot, and the kernel and udev fill the others. */
static bool path_is_volatile(struct str path)
{
	static const char *const folders[] = { "/run/", "/var/run/", "/tmp/", "/dev/", "/proc/", "/sys/" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (str_starts(path, folders[i]))
			return true;
	return false;
}

static bool path_declared(const struct check *c, const struct map *m, struct shell_word word)
{
	struct str path = word.text;

	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return word.known && (path_is_volatile(path) || map_get(m, path_usrmerge(c->a, path)));
}

static bool path_packaged(const struct check *c, struct shell_word word)
{
	struct str path = word.text;

	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return word.known && files_find(&c->deb->files, path_usrmerge(c->a, path));
}

/* mkdir, touch: what the package has already needs no making. */
static bool covers_make(const struct check *c, const struct shell_command *cmd)
{
	for (size_t i = 1; i < cmd->words.n; i++)
		if (!is_option(cmd->words.p[i]) && !path_declared(c, &c->paths, cmd->words.p[i]) &&
		    !path_packaged(c, cmd->words.p[i]))
			return false;
	return cmd->words.n > 1;
}

/* cp, mv, ln, install: the last word is what they make. */
static bool covers_put(const struct check *c, const struct shell_command *cmd)
{
	return cmd->words.n > 2 && path_declared(c, &c->paths, cmd->words.p[cmd->words.n - 1]);
}

/* rm, rmdir: on a first installation there is nothing to remove but what packages brought. */
static bool covers_remove(const struct check *c, const struct shell_command *cmd)
{
	for (size_t i = 1; i < cmd->words.n; i++)
		if (!cmd->words.p[i].known || path_packaged(c, cmd->words.p[i]))
			return false;
	return true;
}

/* chown, chgrp, chmod: options, the owner or mode, then paths. */
static bool covers_mode(const struct check *c, const struct shell_command *cmd)
{
	bool seen = false;

	for (size_t i = 1; i < cmd->words.n; i++) {
		if (is_option(cmd->words.p[i]))
			continue;
		if (seen && !path_declared(c, &c->modes, cmd->words.p[i]))
			return false;
		seen = true;
	}
	return seen;
}

/* dpkg-statoverride(1): --add USER GROUP MODE PATH */
static bool covers_statoverride(const struct check *c, const struct shell_command *cmd)
{
	for (size_t i = 1; i < cmd->words.n; i++)
		if (word_is(cmd, i, "--list"))
			return true;
	return cmd->words.n > 4 && path_declared(c, &c->modes, cmd->words.p[cmd->words.n - 1]);
}

/* setcap(8): CAPABILITIES PATH */
static bool covers_setcap(const struct check *c, const struct shell_command *cmd)
{
	struct shell_word path = word_at(cmd, cmd->words.n - 1);

	vec_each(caps, &c->conf->caps)
		if (path.known && str_eq(path_usrmerge(c->a, path.text), path_usrmerge(c->a, caps->path)))
			return true;
	return false;
}

/* adduser, addgroup, useradd, groupadd: the last word is the new name, or a user's new group behind that user. */
static bool covers_user(const struct check *c, const struct shell_command *cmd)
{
	struct shell_word last = word_at(cmd, cmd->words.n - 1), before = word_at(cmd, cmd->words.n - 2);

	if (cmd->words.n < 2 || !last.known || !map_get(&c->users, last.text))
		return false;
	if (cmd->words.n == 2 || !before.known || !map_get(&c->users, before.text))
		return true;
	return map_get(&c->members, str_printf(c->a, "%.*s %.*s", STR_FMT(before.text), STR_FMT(last.text)));
}

static bool alternative_declared(const struct check *c, const struct shell_word *words)
{
	struct str link = path_usrmerge(c->a, words[0].text), path = path_usrmerge(c->a, words[2].text);

	if (!words[0].known || !words[1].known || !words[2].known)
		return false;
	/* A manual page under another name too: nothing works less without it. */
	if (str_starts(link, "/usr/share/man/"))
		return true;
	vec_each(alternative, &c->conf->alternatives)
		if (str_eq(path_usrmerge(c->a, alternative->link), link) && str_eq(alternative->name, words[1].text) &&
		    str_eq(path_usrmerge(c->a, alternative->path), path))
			return true;
	return false;
}

/* update-alternatives(1): --install LINK NAME PATH PRIORITY [--slave LINK NAME PATH]... */
static bool covers_alternatives(const struct check *c, const struct shell_command *cmd)
{
	bool found = false;

	for (size_t i = 1; i < cmd->words.n; i++) {
		if (word_is(cmd, i, "--remove"))
			return true;
		if (!word_is(cmd, i, "--install") && !word_is(cmd, i, "--slave"))
			continue;
		if (i + 3 >= cmd->words.n || !alternative_declared(c, &cmd->words.p[i + 1]))
			return false;
		found = true;
		i += 3;
	}
	return found;
}

/* "-i", and "i" among other letters of one word: "-ni"; what follows "e" or "f" is no option any more. */
static bool edits_in_place(struct str option)
{
	size_t i = 1;

	while (i < option.n && strchr("nErsuz", option.p[i]))
		i++;
	return option.n > i && option.p[0] == '-' && option.p[i] == 'i';
}

/* sed only reads, unless told to edit in place. */
static bool covers_sed(const struct check *c, const struct shell_command *cmd)
{
	(void)c;
	for (size_t i = 1; i < cmd->words.n; i++)
		if (edits_in_place(cmd->words.p[i].text) || str_starts(cmd->words.p[i].text, "--in-place"))
			return false;
	return true;
}

static bool covers_find(const struct check *c, const struct shell_command *cmd)
{
	static const char *const acting[] = { "-delete", "-exec", "-ok", "-fprint", "-fls" };

	(void)c;
	for (size_t i = 1; i < cmd->words.n; i++)
		for (size_t k = 0; k < sizeof(acting) / sizeof(acting[0]); k++)
			if (!cmd->words.p[i].known || str_starts(cmd->words.p[i].text, acting[k]))
				return false;
	return true;
}

/* An awk program may write to files and run commands. */
static bool covers_awk(const struct check *c, const struct shell_command *cmd)
{
	(void)c;
	for (size_t i = 1; i < cmd->words.n; i++)
		if (str_has(cmd->words.p[i].text, ">") || str_has(cmd->words.p[i].text, "|") ||
		    str_has(cmd->words.p[i].text, "system"))
			return false;
	return true;
}

/* dpkg(1), when it only answers. */
static bool covers_dpkg(const struct check *c, const struct shell_command *cmd)
{
	static const char *const asking[] = { "--compare-versions", "--print-architecture", "--status", "--list",
					      "--listfiles", "--search", "-s", "-l", "-L", "-S" };

	(void)c;
	for (size_t i = 0; i < sizeof(asking) / sizeof(asking[0]); i++)
		if (word_is(cmd, 1, asking[i]))
			return true;
	return false;
}

static bool covers_nothing_to_do(const struct check *c, const struct shell_command *cmd)
{
	(void)c;
	(void)cmd;
	return true;
}

static bool covers_printf(const struct check *c, const struct shell_command *cmd)
{
	(void)c;
	/* "-v" sets a variable, which the walk does not follow. */
	return !word_is(cmd, 1, "-v");
}

/* Commands of the shell and of POSIX, and the few whose work definitions declare. What other programs mean to an image
 * is for upstreams.yaml. */
static const struct {
	const char *names;
	bool (*covers)(const struct check *c, const struct shell_command *cmd);
} rules[] = {
	{ " : true false test [ echo set shift local export readonly unset umask read exit return break continue type hash "
	  "which pwd cd wait sleep kill ", covers_nothing_to_do },
	{ " basename cat cksum cmp cut date df diff dirname du egrep expr fgrep file getent getopt grep head hostname id "
	  "ls md5sum mktemp od pgrep pidof ps readlink realpath sha256sum sort stat tail tr tty uname uniq wc who whoami "
	  "runlevel dpkg-query ", covers_nothing_to_do },
	{ " printf ", covers_printf },
	{ " sed ", covers_sed },
	{ " find ", covers_find },
	{ " awk gawk mawk ", covers_awk },
	{ " dpkg ", covers_dpkg },
	{ " mkdir touch ", covers_make },
	{ " cp mv ln install ", covers_put },
	{ " rm rmdir unlink ", covers_remove },
	{ " chown chgrp chmod ", covers_mode },
	{ " dpkg-statoverride ", covers_statoverride },
	{ " setcap ", covers_setcap },
	{ " adduser addgroup useradd groupadd ", covers_user },
	{ " update-alternatives ", covers_alternatives },
};

/* The command as one line, for the globs of upstreams.yaml. */
static struct str command_text(struct arena *a, const struct shell_command *cmd)
{
	struct buf b = { .a = a };

	vec_each(word, &cmd->words) {
		if (b.v.n > 0)
			buf_u8(&b, ' ');
		buf_put(&b, word->text.p, word->text.n);
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static bool glob_covers(const struct check *c, struct str text)
{
	vec_each(glob, &c->upstream->script_covered)
		if (str_glob(*glob, text))
			return true;
	return false;
}

static bool command_covered(const struct check *c, const struct shell_command *cmd, unsigned wraps)
{
	struct str name = str_printf(c->a, " %.*s ", STR_FMT(cmd->words.p[0].text));
	struct shell_command inner = *cmd;

	if (glob_covers(c, command_text(c->a, cmd)))
		return true;
	if (!cmd->words.p[0].known || str_find(cmd->words.p[0].text, ' ') >= 0)
		return false;
	if (word_is(cmd, 0, "command") && (word_is(cmd, 1, "-v") || word_is(cmd, 1, "-V")))
		return true;
	/* "command x", "exec x" run x */
	if ((word_is(cmd, 0, "command") || word_is(cmd, 0, "exec")) && cmd->words.n > 1 && wraps < COMMAND_WRAPS_MAX) {
		inner.words.p++;
		inner.words.n--;
		return command_covered(c, &inner, wraps + 1);
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (str_has(str_c(rules[i].names), str_z(c->a, name)))
			return rules[i].covers(c, cmd);
	return false;
}

static bool write_covered(const struct check *c, struct shell_word target)
{
	return path_declared(c, &c->paths, target) || (target.known && str_eqz(target.text, "/dev/null"));
}

static int check_command(void *arg, const struct shell_command *cmd, struct err *e)
{
	struct check *c = arg;
	bool covered = cmd->words.n == 0 || command_covered(c, cmd, 0);
	struct buf text = { .a = c->a };

	(void)e;
	vec_each(target, &cmd->writes)
		covered = covered && write_covered(c, *target);
	if (covered)
		return 0;
	vec_each(word, &cmd->words)
		buf_printf(&text, "%.*s ", STR_FMT(word->text));
	vec_each(target, &cmd->writes)
		buf_printf(&text, "> %.*s ", STR_FMT(target->text));
	vec_push(c->a, &c->uncovered) =
		(struct uncovered){ cmd->line, str_trim((struct str){ (const char *)text.v.p, text.v.n }) };
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

		if (str_starts(line, "# Automatically added by ") && glob_covers(c, line))
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
			buf_printf(&b, "%s%u: %.*s", shown++ > 0 ? "; " : "", u->line, STR_FMT(line_at(script, u->line)));
		else
			more++;
	}
	if (more > 0)
		buf_printf(&b, "; and %u more", more);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static bool is_shell(struct str script)
{
	static const char *const shells[] = { "/bin/sh", "/bin/bash", "/bin/dash", "/usr/bin/sh", "/usr/bin/bash" };
	struct str line = str_cut(&script, '\n'), program;

	if (!str_starts(line, "#!"))
		return false;
	line = str_from(line, 2);
	program = str_word(&line);
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (str_eqz(program, shells[i]))
			return true;
	return false;
}

static int script_walk(struct check *c, const char *name, struct str script, const struct str *args, size_t n_args,
		       struct err *e)
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
		struct str line = str_cut(&text, '\n'), word = str_word(&line), name = str_word(&line);

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

		if (str_starts(row, "activate") && !glob_covers(c, row))
			vec_push(c->a, &c->uncovered) = (struct uncovered){ line, row };
	}
}

/* Finds what of a script is not covered, into c->uncovered. */
static int script_read(struct check *c, const char *name, struct str script, struct err *e)
{
	const struct str install[] = { STR("install") }, configure[] = { STR("configure"), STR("") };
	struct str triggered[] = { STR("triggered"), triggers_of(c->a, deb_control_file(c->deb, "triggers")) };
	bool postinst = strcmp(name, "postinst") == 0;
	int rc = 0;

	c->uncovered.n = 0;
	if (strcmp(name, "triggers") == 0)
		triggers_read(c, script);
	else
		rc = script_walk(c, name, script, postinst ? configure : install, postinst ? 2 : 1, e);
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

/* Of what is not covered, as the walk expanded it, one command a line; of the whole script where that cannot be read. */
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
	const struct conf_scripts *entry = scripts_entry(c->conf, name);
	struct str digest, lines;
	int rc;

	if (script.n == 0)
		return entry ? err_set(e, -ENOENT, "package.yaml: scripts: the package has no %s", name) : 0;
	rc = script_read(c, name, script, e);
	lines = uncovered_lines(c, script);
	digest = uncovered_digest(c, rc, script);
	if (entry && entry->sha256.n > 0 && !str_eq(entry->sha256, digest))
		return err_set(e, -ESTALE,
			       "%s does something else than package.yaml was written for: look at it again, then set its "
			       "sha256 to %.*s: %.*s",
			       name, STR_FMT(digest), STR_FMT(lines));
	if (entry || (rc == 0 && c->uncovered.n == 0))
		return 0;
	if (rc < 0)
		return err_wrap(e, rc, "%s cannot be understood; list it in package.yaml under 'scripts' with a reason",
				name);
	return err_set(e, -EOPNOTSUPP,
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
			return err_set(e, -EINVAL,
				       "package.yaml: scripts: '%.*s' is never looked at; want preinst, postinst or triggers",
				       STR_FMT(entry->script));
	return 0;
}

int scripts_check(const struct deb *deb, const struct conf_package *conf, const struct conf_upstream *upstream,
		  struct err *e)
{
	static const char *const names[] = { "preinst", "postinst", "triggers" };
	_cleanup_arena_ struct arena scratch = { 0 };
	struct check c = { .a = &scratch, .deb = deb, .conf = conf, .upstream = upstream };
	int rc = entries_check(conf, e);

	declared_by_files(&c);
	declared_by_definition(&c);
	for (size_t i = 0; rc == 0 && i < sizeof(names) / sizeof(names[0]); i++)
		rc = script_check(&c, names[i], deb_control_file(deb, names[i]), e);
	return rc;
}
