/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

#define O(member) offsetof(struct common_options, member)

const struct option_def common_option_defs[] = {
	{ "out", 0, OPTION_TEXT, "DIR", "put results in DIR (default: out)", O(out), true },
	{ "cache", 0, OPTION_TEXT, "DIR",
	  "keep downloads and converted packages in DIR (default: $XDG_CACHE_HOME/ashlar)",
	  O(cache), true },
	{ "keys", 0, OPTION_TEXT, "DIR", "sign with the keys in DIR (default: keys)", O(keys),
	  true },
	{ "distro", 0, OPTION_TEXT, "DIR", "read definitions from DIR (default: distro)", O(distro),
	  true },
	{ "arch", 0, OPTION_TEXT, "ARCH", "build for x86_64 or aarch64 (default: this machine's)",
	  O(arch_name), true },
	{ "jobs", 'j', OPTION_NUMBER, "N", "use N threads (default: one for each processor)",
	  O(jobs), true },
	{ "json", 0, OPTION_FLAG, NULL, "report as one JSON object a line on standard output",
	  O(json), true },
	{ "quiet", 'q', OPTION_FLAG, NULL, "print errors only", O(quiet), true },
	{ "help", 'h', OPTION_FLAG, NULL, "print this help", O(help), false },
	{ 0 },
};

static int option_set(const struct option_def *d, void *options, const char *value,
		      const char *where, struct err *e)
{
	char *field = (char *)options + d->offset;
	uint64_t number;

	switch (d->type) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_TEXT:
		if (value[0] == '\0')
			return err_set(e, -EINVAL, "%s is empty; want %s", where, d->arg);
		memcpy(field, &value, sizeof(value));
		return 0;
	case OPTION_NUMBER:
		if (!str_u64(str_c(value), 1u << 30, &number))
			return err_set(e, -EINVAL, "%s is '%s'; want a number", where, value);
		memcpy(field, &number, sizeof(number));
		return 0;
	case OPTION_SIZE:
		if (!str_size(str_c(value), &number))
			return err_set(e, -EINVAL, "%s is '%s'; want a size like 4GiB", where,
				       value);
		memcpy(field, &number, sizeof(number));
		return 0;
	}
	return 0;
}

static const struct option_def *option_find(const struct verb *verb, struct str name, char letter)
{
	const struct option_def *tables[] = { verb->options, common_option_defs };

	for (size_t i = 0; i < 2; i++)
		for (const struct option_def *d = tables[i]; d && d->name; d++)
			if (letter ? d->letter == letter : str_eqz(name, d->name))
				return d;
	return NULL;
}

static int option_unknown(struct arena *a, const struct verb *verb, const char *given,
			  struct str name, struct err *e)
{
	const struct option_def *tables[] = { verb->options, common_option_defs };
	const struct str *near;
	vec_str names = { 0 };

	for (size_t i = 0; i < 2; i++)
		for (const struct option_def *d = tables[i]; d && d->name; d++)
			vec_push(a, &names) = str_c(d->name);
	near = str_nearest(names.p, names.n, name);
	if (near)
		return err_set(e, -EINVAL, "%s: no option '%s'; did you mean '--%.*s'?", verb->name,
			       given, STR_FMT(*near));
	return err_set(e, -EINVAL, "%s: no option '%s'; 'ashlar %s --help' lists them", verb->name,
		       given, verb->name);
}

/* One option at argv[0]; returns how many arguments it took. */
static int option_take(struct arena *a, const struct verb *verb, char **argv, void *options,
		       struct err *e)
{
	const char *arg = argv[0], *value = NULL;
	bool is_long = arg[1] == '-';
	struct str name = str_c(arg + (is_long ? 2 : 1));
	const struct option_def *d;
	int taken = 1, r;

	if (is_long) {
		struct str rest = name;

		name = str_cut(&rest, '=');
		if (name.n < strlen(arg + 2))
			value = rest.p;
		d = option_find(verb, name, 0);
	} else {
		d = option_find(verb, name, arg[1]);
		if (arg[2] != '\0')
			value = arg + 2;
	}
	if (!d)
		return option_unknown(a, verb, arg, name, e);
	if (d->type == OPTION_FLAG && value)
		return err_set(e, -EINVAL, "%s: '--%s' takes no value", verb->name, d->name);
	if (d->type != OPTION_FLAG && !value) {
		value = argv[1];
		taken = 2;
		if (!value)
			return err_set(e, -EINVAL, "%s: '--%s' needs %s", verb->name, d->name,
				       d->arg);
	}
	r = option_set(d, options, value,
		       str_z(a, str_printf(a, "%s: '--%s'", verb->name, d->name)), e);
	return r < 0 ? r : taken;
}

/* As definitions write a switch, and as shells do. */
static int switch_parse(const char *name, const char *value, bool *ret, struct err *e)
{
	static const char *const on[] = { "1", "yes", "true", "on" }, *const off[] = { "0", "no",
										       "false",
										       "off" };

	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++) {
		if (strcmp(value, on[i]) != 0 && strcmp(value, off[i]) != 0)
			continue;
		*ret = strcmp(value, on[i]) == 0;
		return 0;
	}
	return err_set(e, -EINVAL, "%s is '%s'; want yes or no", name, value);
}

static int options_from_environment(struct arena *a, void *options, struct err *e)
{
	for (const struct option_def *d = common_option_defs; d->name; d++) {
		char *name = str_z(a, str_printf(a, "ASHLAR_%s", d->name));
		const char *value;
		int r;

		for (char *c = name; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		value = d->shared ? getenv(name) : NULL;
		if (!value || value[0] == '\0')
			continue;
		if (d->type == OPTION_FLAG) {
			r = switch_parse(name, value, (bool *)((char *)options + d->offset), e);
			if (r < 0)
				return r;
			continue;
		}
		r = option_set(d, options, value, name, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static const char *default_cache(struct arena *a)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (xdg && xdg[0] == '/')
		return path_join(a, xdg, "ashlar");
	return path_join(a, home && home[0] == '/' ? home : "/root", ".cache/ashlar");
}

static int options_default(struct arena *a, struct common_options *c, struct err *e)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (!c->out)
		c->out = "out";
	if (!c->cache)
		c->cache = default_cache(a);
	if (!c->keys)
		c->keys = "keys";
	if (!c->distro)
		c->distro = "distro";
	c->arch = c->arch_name ? arch_find(str_c(c->arch_name)) : arch_native();
	if (!c->arch)
		return err_set(e, -EINVAL, "'--arch' is '%s'; want %.*s", c->arch_name,
			       STR_FMT(arch_names(a)));
	if (c->jobs == 0)
		c->jobs = processors > 0 ? (uint64_t)processors : 1;
	if (c->jobs > 256)
		c->jobs = 256;
	return 0;
}

int options_parse(struct arena *a, const struct verb *verb, char **argv, void *options,
		  char ***ret_args, struct err *e)
{
	struct common_options *common = options;
	VEC(char *) args = { 0 };
	int r = options_from_environment(a, options, e), n;

	if (r < 0)
		return r;
	while (*argv) {
		if (!strcmp(*argv, "--")) {
			for (argv++; *argv; argv++)
				vec_push(a, &args) = *argv;
			break;
		}
		if ((*argv)[0] != '-' || (*argv)[1] == '\0') {
			vec_push(a, &args) = *argv++;
			continue;
		}
		n = option_take(a, verb, argv, options, e);
		if (n < 0)
			return n;
		argv += n;
	}
	n = (int)args.n;
	vec_push(a, &args) = NULL;
	if (!common->help && (n < verb->min_args || (verb->max_args >= 0 && n > verb->max_args)))
		return err_set(e, -EINVAL, "want 'ashlar %s %s'", verb->name, verb->args);
	*ret_args = args.p;
	return options_default(a, common, e);
}
