/* SPDX-License-Identifier: MIT */
#include "rpm/rpmfile.h"

#include <gelf.h>
#include <libelf.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/trace.h"

/* Per file. The largest honest one has a few hundred (libc: its versions); a hostile one could have
 * millions. */
enum { ELF_DEPS_MAX = 16384 };

/* One ELF file, as rpm tools/elfdeps.c looks at it. */
struct elf {
	struct arena *a;
	Elf *elf;
	bool is_dso, is_executable, has_interp, has_debug, has_hash, has_gnu_hash;
	const char *marker; /* "(64bit)" or NULL */
	const char *soname;
	vec_str requires, provides;
};

static void elf_init_once(void)
{
	elf_version(EV_CURRENT);
}

static void elf_done(struct elf *f)
{
	elf_end(f->elf);
}

/* Whether other packages may name it: "lib*.so*" or the dynamic linker. */
static bool soname_is_sane(const char *soname)
{
	struct str s = str_c(soname);

	return str_has(s, ".so") &&
	       (str_starts(s, "lib") || str_starts(s, "ld.") || str_starts(s, "ld-") ||
		str_starts(s, "ld64.") || str_starts(s, "ld64-"));
}

static void dep_add(struct elf *f, vec_str *deps, const char *soname, const char *version)
{
	struct str s = str_c(soname);

	if (!soname_is_sane(soname))
		return;
	if (*version || f->marker)
		s = str_printf(f->a, "%s(%s)%s", soname, version, f->marker ? f->marker : "");
	vec_push(f->a, deps) = str_dup(f->a, s);
}

/* A program (it names an interpreter) that may not be executed is data. */
static bool wants_requires(const struct elf *f)
{
	return f->is_executable || !f->has_interp;
}

/* Versions that the file defines; the first, the base, is the soname they belong to. */
static void verdef_read(struct elf *f, Elf_Data *data, size_t strings)
{
	const char *soname = NULL;
	int offset = 0;
	GElf_Verdef def;
	GElf_Verdaux aux;

	do {
		const char *s;

		if (f->provides.n > ELF_DEPS_MAX || !gelf_getverdef(data, offset, &def) ||
		    !gelf_getverdaux(data, offset + (int)def.vd_aux, &aux))
			return;
		s = elf_strptr(f->elf, strings, aux.vda_name);
		if (s && (def.vd_flags & VER_FLG_BASE))
			soname = s;
		else if (s && soname)
			dep_add(f, &f->provides, soname, s);
		offset += (int)def.vd_next;
	} while (def.vd_next > 0);
}

/* The versions of one library that the file needs. */
static void vernaux_read(struct elf *f, Elf_Data *data, size_t strings, int offset,
			 const char *soname)
{
	GElf_Vernaux aux;

	do {
		const char *version;

		if (f->requires.n > ELF_DEPS_MAX || !gelf_getvernaux(data, offset, &aux))
			return;
		version = elf_strptr(f->elf, strings, aux.vna_name);
		if (version && wants_requires(f))
			dep_add(f, &f->requires, soname, version);
		offset += (int)aux.vna_next;
	} while (aux.vna_next > 0);
}

static void verneed_read(struct elf *f, Elf_Data *data, size_t strings)
{
	int offset = 0;
	GElf_Verneed need;

	do {
		const char *soname;

		if (f->requires.n > ELF_DEPS_MAX || !gelf_getverneed(data, offset, &need))
			return;
		soname = elf_strptr(f->elf, strings, need.vn_file);
		if (soname && need.vn_cnt > 0)
			vernaux_read(f, data, strings, offset + (int)need.vn_aux, soname);
		offset += (int)need.vn_next;
	} while (need.vn_next > 0);
}

static void dynamic_read(struct elf *f, Elf_Data *data, size_t strings)
{
	GElf_Dyn dyn;

	for (int i = 0; gelf_getdyn(data, i, &dyn); i++) {
		const char *s = NULL;

		f->has_hash = f->has_hash || dyn.d_tag == DT_HASH;
		f->has_gnu_hash = f->has_gnu_hash || dyn.d_tag == DT_GNU_HASH;
		f->has_debug = f->has_debug || dyn.d_tag == DT_DEBUG;
		if (dyn.d_tag == DT_SONAME || dyn.d_tag == DT_NEEDED)
			s = elf_strptr(f->elf, strings, dyn.d_un.d_val);
		if (s && dyn.d_tag == DT_SONAME)
			f->soname = s;
		else if (s && wants_requires(f))
			dep_add(f, &f->requires, s, "");
	}
}

static void sections_read(struct elf *f)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(f->elf, section));) {
		GElf_Shdr head;
		Elf_Data *data;

		if (!gelf_getshdr(section, &head))
			return;
		if (head.sh_type != SHT_GNU_verdef && head.sh_type != SHT_GNU_verneed &&
		    head.sh_type != SHT_DYNAMIC)
			continue;
		data = elf_getdata(section, NULL);
		if (!data)
			continue;
		if (head.sh_type == SHT_GNU_verdef)
			verdef_read(f, data, head.sh_link);
		else if (head.sh_type == SHT_GNU_verneed)
			verneed_read(f, data, head.sh_link);
		else
			dynamic_read(f, data, head.sh_link);
	}
}

static bool interp_find(struct elf *f)
{
	size_t n = 0;
	GElf_Phdr head;

	if (elf_getphdrnum(f->elf, &n) < 0)
		return false;
	for (size_t i = 0; i < n && gelf_getphdr(f->elf, (int)i, &head); i++)
		if (head.p_type == PT_INTERP)
			return true;
	return false;
}

static const char *basename_of(struct arena *a, struct str path)
{
	struct str name = { 0 };

	while (path.n > 0)
		name = str_cut(&path, '/');
	return str_z(a, name);
}

/* The whole of elfdeps for one file; what is no ELF program or library has no dependencies. */
static void file_read_deps(struct elf *f, const struct rpm_file *file)
{
	GElf_Ehdr head;

	f->elf = elf_memory((char *)(uintptr_t)file->data.p, file->data.n);
	if (!f->elf || elf_kind(f->elf) != ELF_K_ELF || !gelf_getehdr(f->elf, &head) ||
	    (head.e_type != ET_DYN && head.e_type != ET_EXEC))
		return;
	f->marker = head.e_ident[EI_CLASS] == ELFCLASS64 && head.e_machine != EM_ALPHA ? "(64bit)"
										       : NULL;
	f->is_dso = head.e_type == ET_DYN;
	f->is_executable = file->mode & (S_IXUSR | S_IXGRP | S_IXOTH);
	f->has_interp = interp_find(f);
	sections_read(f);
	if (wants_requires(f) && f->has_gnu_hash && !f->has_hash)
		vec_push(f->a, &f->requires) = STR("rtld(GNU_HASH)");
	/* A library without a soname is known by its file's name. Programs are told apart by
	 * DT_DEBUG. */
	if (f->is_dso && !f->has_debug)
		dep_add(f, &f->provides, f->soname ? f->soname : basename_of(f->a, file->path), "");
}

static int name_cmp(const void *x, const void *y)
{
	return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* Adds, sorted, those of @names that *deps does not have yet. */
static void deps_merge(struct arena *a, vec_dep *deps, vec_str *names)
{
	size_t n_before = deps->n;
	struct map known = { 0 };

	for (size_t i = 0; i < n_before; i++)
		if (deps->p[i].op == DEP_ANY)
			map_put(a, &known, deps->p[i].name, 1);
	if (names->n > 0)
		qsort(names->p, names->n, sizeof(*names->p), name_cmp);
	for (size_t i = 0; i < names->n; i++) {
		struct str name = names->p[i];

		if ((i > 0 && str_eq(names->p[i - 1], name)) || map_get(&known, name))
			continue;
		vec_push(a, deps) = (struct dep){ .name = str_dup(a, name) };
	}
}

int elf_deps(struct arena *a, struct rpm_package *p, struct err *e)
{
	TRACE("ELF dependencies");
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_arena_ struct arena work = { 0 };
	vec_str requires = { 0 }, provides = { 0 };

	pthread_once(&once, elf_init_once);
	vec_each(file, &p->files) {
		__attribute__((cleanup(elf_done))) struct elf f = { .a = &work };

		if (!S_ISREG(file->mode) || (file->flags & FILE_GHOST) ||
		    !str_starts(file->data, ELFMAG))
			continue;
		file_read_deps(&f, file);
		if (f.requires.n > ELF_DEPS_MAX || f.provides.n > ELF_DEPS_MAX)
			return err_set(e, -EFBIG, "'%.*s': more than %d ELF dependencies",
				       STR_FMT(file->path), ELF_DEPS_MAX);
		vec_each(s, &f.requires)
			vec_push(&work, &requires) = *s;
		vec_each(s, &f.provides)
			vec_push(&work, &provides) = *s;
	}
	deps_merge(a, &p->meta.requires, &requires);
	deps_merge(a, &p->meta.provides, &provides);
	return 0;
}
