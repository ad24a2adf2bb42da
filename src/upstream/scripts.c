/* SPDX-License-Identifier: MIT */
#include "upstream/scripts.h"

#include <stdio.h>
#include <stdlib.h>

#include "upstream/shell.h"

enum { LINES_QUOTED_MAX = 6, LINE_SHOWN_MAX = 120, COMMAND_WRAPS_MAX = 4 };

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
	struct map uncovered; /* lines of the script being looked at */
	VEC(unsigned) lines;
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

/* sed and its like only read, unless told to edit in place. */
static bool covers_reader(const struct check *c, const struct shell_command *cmd)
{
	static const char *const writing[] = { "-i", "--in-place", "-delete", "-exec", "-execdir", "-ok", "-fprint" };

	(void)c;
	for (size_t i = 1; i < cmd->words.n; i++)
		for (size_t k = 0; k < sizeof(writing) / sizeof(writing[0]); k++)
			if (str_starts(cmd->words.p[i].text, writing[k]))
				return false;
	/* "-Ei", "-ni" */
	for (size_t i = 1; word_is(cmd, 0, "sed") && i < cmd->words.n; i++)
		if (is_option(cmd->words.p[i]) && cmd->words.p[i].text.p[1] != '-' &&
		    str_find(cmd->words.p[i].text, 'i') >= 0)
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
	{ " sed awk find ", covers_reader },
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
	struct str key = str_printf(c->a, "%u", cmd->line);

	(void)e;
	vec_each(target, &cmd->writes)
		covered = covered && write_covered(c, *target);
	if (covered || map_get(&c->uncovered, key))
		return 0;
	declare(c, &c->uncovered, key);
	vec_push(c->a, &c->lines) = cmd->line;
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

static int lines_compare(const void *x, const void *y)
{
	unsigned m = *(const unsigned *)x, n = *(const unsigned *)y;

	return m < n ? -1 : m > n;
}

static int lines_report(struct check *c, const char *name, struct str script, struct err *e)
{
	struct buf b = { .a = c->a };

	qsort(c->lines.p, c->lines.n, sizeof(c->lines.p[0]), lines_compare);
	for (size_t i = 0; i < c->lines.n && i < LINES_QUOTED_MAX; i++)
		buf_printf(&b, "%s%u: %.*s", i > 0 ? "; " : "", c->lines.p[i], STR_FMT(line_at(script, c->lines.p[i])));
	if (c->lines.n > LINES_QUOTED_MAX)
		buf_printf(&b, "; and %zu more", c->lines.n - LINES_QUOTED_MAX);
	return err_set(e, -EOPNOTSUPP,
		       "%s does what nothing covers; say it in package.yaml, or list the script there under 'scripts' with "
		       "a reason: %.*s",
		       name, STR_FMT(((struct str){ (const char *)b.v.p, b.v.n })));
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
	int rc;

	if (!is_shell(script))
		return err_set(e, -EOPNOTSUPP,
			       "%s is no shell script, so nobody knows what it does; list it in package.yaml under "
			       "'scripts' with a reason",
			       name);
	rc = shell_walk(c->a, blocks_cut(c, script), args, n_args, check_command, c, e);
	return rc < 0 ? err_wrap(e, rc, "%s", name) : 0;
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
static int triggers_check(const struct check *c, struct str text, struct err *e)
{
	while (text.n > 0) {
		struct str line = str_trim(str_cut(&text, '\n'));

		if (str_starts(line, "activate") && !glob_covers(c, line))
			return err_set(e, -EOPNOTSUPP,
				       "triggers asks for what nothing covers; list it in package.yaml under 'scripts' "
				       "with a reason: %.*s",
				       STR_FMT(str_head(line, LINE_SHOWN_MAX)));
	}
	return 0;
}

static int script_check(struct check *c, const char *name, struct str script, struct err *e)
{
	const struct str install[] = { STR("install") }, configure[] = { STR("configure"), STR("") };
	struct str triggered[] = { STR("triggered"), triggers_of(c->a, deb_control_file(c->deb, "triggers")) };
	bool postinst = strcmp(name, "postinst") == 0;
	int rc;

	c->uncovered = (struct map){ 0 };
	c->lines.n = 0;
	if (script.n == 0)
		return 0;
	if (strcmp(name, "triggers") == 0)
		return triggers_check(c, script, e);
	rc = script_walk(c, name, script, postinst ? configure : install, postinst ? 2 : 1, e);
	if (rc == 0 && postinst && triggered[1].n > 0)
		rc = script_walk(c, name, script, triggered, 2, e);
	if (rc < 0)
		return rc;
	return c->lines.n > 0 ? lines_report(c, name, script, e) : 0;
}

/* ---- a package ---- */

static const struct conf_scripts *scripts_entry(const struct conf_package *conf, const char *name)
{
	vec_each(entry, &conf->scripts)
		if (str_eqz(entry->script, name))
			return entry;
	return NULL;
}

/* The definition covers a whole script: of these bytes only, where it names them. */
static int entry_check(struct arena *a, const struct conf_scripts *entry, struct str script, struct err *e)
{
	struct str digest = sha256_hex(a, script.p, script.n);

	if (entry->sha256.n > 0 && !str_eq(entry->sha256, digest))
		return err_set(e, -ESTALE,
			       "%.*s has changed since package.yaml was written for it: look at it again; its SHA-256 was "
			       "%.*s and is %.*s",
			       STR_FMT(entry->script), STR_FMT(entry->sha256), STR_FMT(digest));
	return 0;
}

/* An entry for what is not there, or not looked at, would mislead whoever reads it. */
static int entries_check(const struct deb *deb, const struct conf_package *conf, struct err *e)
{
	vec_each(entry, &conf->scripts) {
		bool known = str_eqz(entry->script, "preinst") || str_eqz(entry->script, "postinst") ||
			     str_eqz(entry->script, "triggers");
		char name[16];

		if (!known)
			return err_set(e, -EINVAL, "package.yaml: scripts: '%.*s' is never looked at; want preinst, postinst "
				       "or triggers", STR_FMT(entry->script));
		snprintf(name, sizeof(name), "%.*s", STR_FMT(entry->script));
		if (deb_control_file(deb, name).n == 0)
			return err_set(e, -ENOENT, "package.yaml: scripts: the package has no %s", name);
	}
	return 0;
}

int scripts_check(const struct deb *deb, const struct conf_package *conf,
		  const struct conf_upstream *upstream, struct err *e)
{
	static const char *const names[] = { "preinst", "postinst", "triggers" };
	_cleanup_arena_ struct arena scratch = { 0 };
	struct check c = { .a = &scratch, .deb = deb, .conf = conf, .upstream = upstream };
	int rc = entries_check(deb, conf, e);

	declared_by_files(&c);
	declared_by_definition(&c);
	for (size_t i = 0; rc == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		struct str script = deb_control_file(deb, names[i]);
		const struct conf_scripts *entry = scripts_entry(conf, names[i]);

		rc = entry ? entry_check(&scratch, entry, script, e) : script_check(&c, names[i], script, e);
	}
	return rc;
}
