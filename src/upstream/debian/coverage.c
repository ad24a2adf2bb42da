/* SPDX-License-Identifier: MIT */
#include "upstream/debian/coverage.h"

#include "upstream/debian/shell_status.h"

enum { COMMAND_WRAPS_MAX = 4 };

/* ---- what is declared ---- */

static void declare(struct coverage *c, struct map *m, struct str key)
{
	map_put(c->a, m, key, 0);
}

static void declare_member(struct coverage *c, struct str user, struct str group)
{
	declare(c, &c->members, str_printf(c->a, "%.*s %.*s", STR_FMT(user), STR_FMT(group)));
}

/* sysusers.d(5): "u name ...", "g name ...", "m user group". */
static void sysusers_read(struct coverage *c, struct str text)
{
	while (text.n > 0) {
		struct str line = str_cut(&text, '\n'), type = str_word(&line),
			   name = str_word(&line);

		if (str_starts(type, "u") || str_starts(type, "g"))
			declare(c, &c->users, name);
		else if (str_starts(type, "m"))
			declare_member(c, name, str_word(&line));
	}
}

/* tmpfiles.d(5): type, path, mode ... */
static void tmpfiles_read(struct coverage *c, struct str text)
{
	while (text.n > 0) {
		struct str line = str_cut(&text, '\n'), type = str_word(&line),
			   path = str_word(&line);

		if (type.n == 0 || type.p[0] == '#')
			continue;
		if (str_ends(path, "/") && path.n > 1)
			path.n--;
		declare(c, &c->paths, path);
		declare(c, &c->modes, path);
	}
}

static void declared_by_files(struct coverage *c)
{
	vec_each(f, &c->deb->files) {
		if (str_starts(f->path, "/usr/lib/sysusers.d/"))
			sysusers_read(c, f->data);
		if (str_starts(f->path, "/usr/lib/tmpfiles.d/"))
			tmpfiles_read(c, f->data);
	}
}

static void declared_by_definition(struct coverage *c)
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

static bool is_option(struct shell_word word)
{
	return word.known && word.text.n > 1 && word.text.p[0] == '-';
}

/* /run and /tmp are empty at each boot, and the kernel and udev fill the others. */
static bool path_is_volatile(struct str path)
{
	static const char *const folders[] = { "/run/", "/var/run/", "/tmp/",
					       "/dev/", "/proc/",    "/sys/" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (str_starts(path, folders[i]))
			return true;
	return false;
}

static bool path_declared(const struct coverage *c, const struct map *m, struct shell_word word)
{
	struct str path = word.text;

	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return word.known && (path_is_volatile(path) || map_get(m, path_usrmerge(c->a, path)));
}

static bool path_packaged(const struct coverage *c, struct shell_word word)
{
	struct str path = word.text;

	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return word.known && files_find(&c->deb->files, path_usrmerge(c->a, path));
}

/* mkdir, touch: what the package has already needs no making. */
static bool covers_make(const struct coverage *c, const struct shell_command *cmd)
{
	for (size_t i = 1; i < cmd->words.n; i++)
		if (!is_option(cmd->words.p[i]) && !path_declared(c, &c->paths, cmd->words.p[i]) &&
		    !path_packaged(c, cmd->words.p[i]))
			return false;
	return cmd->words.n > 1;
}

/* cp, mv, ln, install: the last word is what they make. */
static bool covers_put(const struct coverage *c, const struct shell_command *cmd)
{
	return cmd->words.n > 2 && path_declared(c, &c->paths, cmd->words.p[cmd->words.n - 1]);
}

/* rm, rmdir: on a first installation there is nothing to remove but what packages brought. */
static bool covers_remove(const struct coverage *c, const struct shell_command *cmd)
{
	for (size_t i = 1; i < cmd->words.n; i++)
		if (!cmd->words.p[i].known || path_packaged(c, cmd->words.p[i]))
			return false;
	return true;
}

/* chown, chgrp, chmod: options, the owner or mode, then paths. */
static bool covers_mode(const struct coverage *c, const struct shell_command *cmd)
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
static bool covers_statoverride(const struct coverage *c, const struct shell_command *cmd)
{
	for (size_t i = 1; i < cmd->words.n; i++)
		if (shell_word_is(cmd, i, "--list"))
			return true;
	return cmd->words.n > 4 && path_declared(c, &c->modes, cmd->words.p[cmd->words.n - 1]);
}

/* setcap(8): CAPABILITIES PATH */
static bool covers_setcap(const struct coverage *c, const struct shell_command *cmd)
{
	struct shell_word path = word_at(cmd, cmd->words.n - 1);

	vec_each(caps, &c->conf->caps)
		if (path.known &&
		    str_eq(path_usrmerge(c->a, path.text), path_usrmerge(c->a, caps->path)))
			return true;
	return false;
}

/* adduser, addgroup, useradd, groupadd: the last word is the new name, or a user's new group behind
 * that user. */
static bool covers_user(const struct coverage *c, const struct shell_command *cmd)
{
	struct shell_word last = word_at(cmd, cmd->words.n - 1),
			  before = word_at(cmd, cmd->words.n - 2);

	if (cmd->words.n < 2 || !last.known || !map_get(&c->users, last.text))
		return false;
	if (cmd->words.n == 2 || !before.known || !map_get(&c->users, before.text))
		return true;
	return map_get(&c->members,
		       str_printf(c->a, "%.*s %.*s", STR_FMT(before.text), STR_FMT(last.text)));
}

static bool alternative_declared(const struct coverage *c, const struct shell_word *words)
{
	struct str link = path_usrmerge(c->a, words[0].text),
		   path = path_usrmerge(c->a, words[2].text);

	if (!words[0].known || !words[1].known || !words[2].known)
		return false;
	/* A manual page under another name too: nothing works less without it. */
	if (str_starts(link, "/usr/share/man/"))
		return true;
	vec_each(alternative, &c->conf->alternatives)
		if (str_eq(path_usrmerge(c->a, alternative->link), link) &&
		    str_eq(alternative->name, words[1].text) &&
		    str_eq(path_usrmerge(c->a, alternative->path), path))
			return true;
	return false;
}

/* update-alternatives(1): --install LINK NAME PATH PRIORITY [--slave LINK NAME PATH]... */
static bool covers_alternatives(const struct coverage *c, const struct shell_command *cmd)
{
	bool found = false;

	for (size_t i = 1; i < cmd->words.n; i++) {
		if (shell_word_is(cmd, i, "--remove"))
			return true;
		if (!shell_word_is(cmd, i, "--install") && !shell_word_is(cmd, i, "--slave"))
			continue;
		if (i + 3 >= cmd->words.n || !alternative_declared(c, &cmd->words.p[i + 1]))
			return false;
		found = true;
		i += 3;
	}
	return found;
}

/* "-i", and "i" among other letters of one word: "-ni"; what follows "e" or "f" is no option any
 * more. */
static bool edits_in_place(struct str option)
{
	size_t i = 1;

	while (i < option.n && strchr("nErsuz", option.p[i]))
		i++;
	return option.n > i && option.p[0] == '-' && option.p[i] == 'i';
}

/* sed only reads, unless told to edit in place. */
static bool covers_sed(const struct coverage *c, const struct shell_command *cmd)
{
	(void)c;
	for (size_t i = 1; i < cmd->words.n; i++)
		if (edits_in_place(cmd->words.p[i].text) ||
		    str_starts(cmd->words.p[i].text, "--in-place"))
			return false;
	return true;
}

static bool covers_find(const struct coverage *c, const struct shell_command *cmd)
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
static bool covers_awk(const struct coverage *c, const struct shell_command *cmd)
{
	(void)c;
	for (size_t i = 1; i < cmd->words.n; i++)
		if (str_has(cmd->words.p[i].text, ">") || str_has(cmd->words.p[i].text, "|") ||
		    str_has(cmd->words.p[i].text, "system"))
			return false;
	return true;
}

/* dpkg(1), when it only answers. */
static bool covers_dpkg(const struct coverage *c, const struct shell_command *cmd)
{
	static const char *const asking[] = { "--compare-versions",
					      "--print-architecture",
					      "--status",
					      "--list",
					      "--listfiles",
					      "--search",
					      "-s",
					      "-l",
					      "-L",
					      "-S" };

	(void)c;
	for (size_t i = 0; i < sizeof(asking) / sizeof(asking[0]); i++)
		if (shell_word_is(cmd, 1, asking[i]))
			return true;
	return false;
}

static bool covers_divert(const struct coverage *c, const struct shell_command *cmd)
{
	return diversion_read(&c->diversions, cmd);
}

static bool covers_nothing_to_do(const struct coverage *c, const struct shell_command *cmd)
{
	(void)c;
	(void)cmd;
	return true;
}

static bool covers_printf(const struct coverage *c, const struct shell_command *cmd)
{
	(void)c;
	/* "-v" sets a variable, which the walk does not follow. */
	return !shell_word_is(cmd, 1, "-v");
}

/* Commands of the shell and of POSIX, and the few whose work definitions declare. What other
 * programs mean to an image is for upstreams.yaml. */
static const struct {
	const char *names;
	bool (*covers)(const struct coverage *c, const struct shell_command *cmd);
} rules[] = {
	{ " : true false test [ echo set shift local export readonly unset umask read exit return break continue type hash "
	  "which pwd cd wait sleep kill ",
	  covers_nothing_to_do },
	{ " basename cat cksum cmp cut date df diff dirname du egrep expr fgrep file getent getopt grep head hostname id "
	  "ls md5sum mktemp od pgrep pidof ps readlink realpath sha256sum sort stat tail tr tty uname uniq wc who whoami "
	  "runlevel dpkg-query ",
	  covers_nothing_to_do },
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
	{ " dpkg-divert ", covers_divert },
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

bool coverage_glob(const struct coverage *c, struct str text)
{
	vec_each(glob, &c->upstream->script_covered)
		if (str_glob(*glob, text))
			return true;
	return false;
}

static bool command_covered(const struct coverage *c, const struct shell_command *cmd,
			    unsigned wraps)
{
	struct str name = str_printf(c->a, " %.*s ", STR_FMT(cmd->words.p[0].text));
	struct shell_command inner = *cmd;

	if (coverage_glob(c, command_text(c->a, cmd)))
		return true;
	if (!cmd->words.p[0].known || str_find(cmd->words.p[0].text, ' ') >= 0)
		return false;
	if (shell_word_is(cmd, 0, "command") &&
	    (shell_word_is(cmd, 1, "-v") || shell_word_is(cmd, 1, "-V")))
		return true;
	/* "command x", "exec x" run x */
	if ((shell_word_is(cmd, 0, "command") || shell_word_is(cmd, 0, "exec")) &&
	    cmd->words.n > 1 && wraps < COMMAND_WRAPS_MAX) {
		inner.words.p++;
		inner.words.n--;
		return command_covered(c, &inner, wraps + 1);
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (str_has(str_c(rules[i].names), str_z(c->a, name)))
			return rules[i].covers(c, cmd);
	return false;
}

static bool write_covered(const struct coverage *c, struct shell_word target)
{
	return path_declared(c, &c->paths, target) ||
	       (target.known && str_eqz(target.text, "/dev/null"));
}

bool coverage_command(const struct coverage *c, const struct shell_command *cmd)
{
	vec_each(target, &cmd->writes)
		if (!write_covered(c, *target))
			return false;
	return cmd->words.n == 0 || command_covered(c, cmd, 0);
}

void coverage_init(struct coverage *c, struct arena *a, const struct deb *deb,
		   const struct conf_package *conf, const struct conf_upstream *upstream)
{
	*c = (struct coverage){ .a = a, .deb = deb, .conf = conf, .upstream = upstream };
	declared_by_files(c);
	declared_by_definition(c);
}
