/* SPDX-License-Identifier: MIT */
#include "agent/init/loader.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"

enum { MODALIAS_BYTES_MAX = 4096 };

/* A device that vanishes meanwhile, or has no modalias, asks for nothing. An ACPI device may have
 * two lines. */
static void modalias_read(struct arena *a, struct modules *m, const char *dir)
{
	struct err ignored;
	struct str text;

	if (file_read(a, path_join(a, dir, "modalias"), MODALIAS_BYTES_MAX, &text, &ignored) < 0)
		return;
	while (text.n > 0)
		modules_want(m, str_z(a, str_cut(&text, '\n')));
}

static void bus_scan(struct arena *a, struct modules *m, const char *devices)
{
	struct err ignored;
	vec_str names;

	if (dir_list(a, devices, &names, &ignored) < 0)
		return;
	vec_each(name, &names)
		modalias_read(a, m, path_join(a, devices, str_z(a, *name)));
}

int loader_scan(struct loader *l, const char *sys, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *bus = path_join(&a, sys, "bus");
	vec_str names;
	int r;

	r = dir_list(&a, bus, &names, e);
	if (r < 0)
		return r;
	vec_each(name, &names)
		bus_scan(&a, &l->modules,
			 str_z(&a, str_printf(&a, "%s/%.*s/devices", bus, STR_FMT(*name))));
	/* The processor's features: SHA-256 instructions for dm-verity. */
	modalias_read(&a, &l->modules, path_join(&a, sys, "devices/system/cpu"));
	return 0;
}

/* What is built in or loaded already is no error. */
static int kernel_load(const char *path, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open");
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		return err_sys(e, "load");
	return 0;
}

static int module_load(struct loader *l, struct module *mod, struct err *e)
{
	mod->tried = true;
	return l->load(str_z(l->a, str_printf(l->a, "%s/%s.ko", l->dir, mod->name)), e);
}

static void failure_note(struct loader *l, const struct module *mod, const struct err *why)
{
	l->failed = str_printf(l->a, "%.*s%s%s: %s", STR_FMT(l->failed),
			       l->failed.n > 0 ? "; " : "", mod->name, why->msg);
}

static int load_always(struct loader *l, struct err *e)
{
	modules_want_always(&l->modules);
	for (struct module *mod = l->modules.p; mod < l->modules.p + l->modules.n; mod++) {
		struct err why;
		int r = mod->wanted ? module_load(l, mod, &why) : 0;

		if (r < 0 && mod->always)
			return err_set(e, r, "kernel module %s: %s%s%.*s", mod->name, why.msg,
				       l->failed.n > 0 ? "; before it: " : "", STR_FMT(l->failed));
		if (r < 0)
			failure_note(l, mod, &why);
	}
	return 0;
}

int loader_start(struct arena *a, const char *dir, int (*load)(const char *path, struct err *e),
		 struct loader *ret, struct err *e)
{
	struct loader l = { .a = a, .dir = dir, .load = load ? load : kernel_load };
	struct str text;
	int r;

	r = file_read(a, path_join(a, dir, "modules.list"), MODULES_BYTES_MAX, &text, e);
	if (r == 0)
		r = modules_parse(a, text, &l.modules, e);
	if (r == 0)
		r = load_always(&l, e);
	if (r == 0)
		*ret = l;
	return r;
}

bool loader_step(struct loader *l)
{
	for (struct module *mod = l->modules.p; mod < l->modules.p + l->modules.n; mod++) {
		struct err why;

		if (!mod->wanted || mod->tried)
			continue;
		if (module_load(l, mod, &why) < 0)
			failure_note(l, mod, &why);
		if (mod->n_aliases > 0)
			return true;
	}
	return false;
}
