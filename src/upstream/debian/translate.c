/* SPDX-License-Identifier: MIT */
#include "upstream/debian/translate.h"

#include "base/arch.h"
#include "upstream/debian/relation.h"
#include "upstream/debian/version.h"
#include "upstream/upstream.h"

/* @arch: Debian's name of the one that the index is for. */
static int arch_translate(struct str debian, struct str arch, struct str *ret, struct err *e)
{
	if (str_eqz(debian, "all")) {
		*ret = STR("noarch");
		return 0;
	}
	for (size_t i = 0; i < ARCHS; i++)
		if (str_eq(debian, arch) && str_eqz(debian, archs[i]->debian)) {
			*ret = str_c(archs[i]->name);
			return 0;
		}
	return err_set(e, -EBADMSG, "architecture '%.*s' in an index of '%.*s'", STR_FMT(debian),
		       STR_FMT(arch));
}

/* "Source: name (version)"; without it, the package itself (Policy 5.6.1). */
static void source_translate(const struct stanza *s, struct rpm_meta *m)
{
	struct str text = stanza_get(s, "Source"), name = str_word(&text);

	text = str_trim(text);
	m->source_name = name.n > 0 ? name : m->origin_name;
	m->source_version = text.n > 2 && text.p[0] == '(' ? str_head(str_from(text, 1), text.n - 2)
							   : m->origin_version;
}

/* The path is put behind a mirror's URL and its digest is checked, but it also ends in messages and
 * in locks, whose fields are words. */
static int file_translate(const struct stanza *s, struct rpm_meta *m, struct err *e)
{
	uint64_t kib = 0;

	m->location = stanza_get(s, "Filename");
	if (m->location.n == 0 || str_has(m->location, "..") || m->location.p[0] == '/')
		return err_set(e, -EBADMSG, "Filename '%.*s' is not a path below the mirror",
			       STR_FMT(m->location));
	for (size_t i = 0; i < m->location.n; i++)
		if (m->location.p[i] <= ' ' || m->location.p[i] == 0x7f)
			return err_set(e, -EBADMSG, "Filename '%.*s' has blanks",
				       STR_FMT(m->location));
	if (!str_u64(stanza_get(s, "Size"), 1ULL << 40, &m->size_bytes))
		return err_set(e, -EBADMSG, "Size '%.*s' is not a number of bytes",
			       STR_FMT(stanza_get(s, "Size")));
	if (!hex_decode(stanza_get(s, "SHA256"), m->sha256, sizeof(m->sha256)))
		return err_set(e, -EBADMSG, "SHA256 '%.*s' is not a digest",
			       STR_FMT(stanza_get(s, "SHA256")));
	if (stanza_get(s, "Installed-Size").n > 0 &&
	    !str_u64(stanza_get(s, "Installed-Size"), 1ULL << 40, &kib))
		return err_set(e, -EBADMSG, "Installed-Size '%.*s' is not a number",
			       STR_FMT(stanza_get(s, "Installed-Size")));
	m->installed_bytes = kib * 1024;
	return 0;
}

/* Also the provision of itself. */
static int identity_translate(struct arena *a, const struct stanza *s, struct str arch,
			      struct rpm_meta *m, struct err *e)
{
	struct rpm_version v;
	int rc;

	m->name = m->origin_name = stanza_get(s, "Package");
	if (!package_name_valid(m->name))
		return err_set(e, -EBADMSG, "this is not the name of a package");
	rc = version_parse(a, stanza_get(s, "Version"), &v, e);
	if (rc < 0)
		return rc;
	m->origin_version = stanza_get(s, "Version");
	m->origin_arch = stanza_get(s, "Architecture");
	m->epoch = v.epoch;
	m->version = v.version;
	m->release = v.release;
	m->provides.p = arena_new(a, struct dep);
	m->provides.p[0] = (struct dep){ .name = m->name, .evr = v.evr, .op = DEP_EQUAL };
	m->provides.n = m->provides.cap = 1;
	return arch_translate(m->origin_arch, arch, &m->arch, e);
}

static void text_translate(const struct stanza *s, struct rpm_meta *m)
{
	struct str text = stanza_get(s, "Description");

	m->summary = str_trim(str_cut(&text, '\n'));
	m->description = text;
	m->url = stanza_get(s, "Homepage");
	m->group = stanza_get(s, "Section");
	m->essential = str_eqz(stanza_get(s, "Essential"), "yes");
}

static bool relation_names(const struct relation *r, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(r[i].name, name))
			return true;
	return false;
}

typedef VEC(struct relation) vec_relation;

static int relations_read(struct arena *a, struct str field, vec_relation *ret, struct err *e)
{
	struct relation_group group;
	int rc;

	while ((rc = relation_next(&field, &group, e)) > 0)
		vec_push(a, ret) = group.items[0];
	return rc;
}

/* A package takes another's place (Policy 7.6.2) when it replaces it up to a version, conflicts
 * with it or breaks it, and provides it. Replaces alone, or with Breaks only, means that files
 * moved. Without a version, the same three fields say that any provider of a virtual package
 * excludes the others: nothing is obsolete then. */
static int obsoletes_translate(struct arena *a, const struct stanza *s, struct rpm_meta *m,
			       struct err *e)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	vec_relation replaces = { 0 }, excludes = { 0 }, provides = { 0 };
	int rc;

	if (stanza_get(s, "Replaces").n == 0 || stanza_get(s, "Provides").n == 0)
		return 0;
	rc = relations_read(&scratch, stanza_get(s, "Replaces"), &replaces, e);
	if (rc >= 0)
		rc = relations_read(&scratch, stanza_get(s, "Provides"), &provides, e);
	if (rc >= 0)
		rc = relations_read(&scratch, stanza_get(s, "Conflicts"), &excludes, e);
	if (rc >= 0)
		rc = relations_read(&scratch, stanza_get(s, "Breaks"), &excludes, e);
	vec_each(r, &replaces) {
		struct rpm_version v;

		if (rc < 0)
			return rc;
		if (!(r->op & DEP_LESS) || str_eq(r->name, m->name) ||
		    !relation_names(provides.p, provides.n, r->name) ||
		    !relation_names(excludes.p, excludes.n, r->name))
			continue;
		rc = version_parse(a, r->version, &v, e);
		if (rc >= 0)
			vec_push(a, &m->obsoletes) =
				(struct dep){ .name = r->name, .evr = v.evr, .op = r->op };
	}
	return rc;
}

static int relations_translate(struct arena *a, const struct stanza *s, struct str arch,
			       struct rpm_meta *m, struct err *e)
{
	static const struct {
		const char *name;
		int (*add)(struct arena *, struct str, struct str, vec_dep *, struct err *);
		size_t offset;
	} fields[] = {
		{ "Pre-Depends", relation_requires, offsetof(struct rpm_meta, requires) },
		{ "Depends", relation_requires, offsetof(struct rpm_meta, requires) },
		{ "Conflicts", relation_conflicts, offsetof(struct rpm_meta, conflicts) },
		{ "Breaks", relation_conflicts, offsetof(struct rpm_meta, conflicts) },
		{ "Recommends", relation_requires, offsetof(struct rpm_meta, recommends) },
		{ "Suggests", relation_requires, offsetof(struct rpm_meta, suggests) },
	};
	int rc;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		vec_dep *to = (vec_dep *)(void *)((char *)m + fields[i].offset);

		rc = fields[i].add(a, stanza_get(s, fields[i].name), arch, to, e);
		if (rc < 0)
			return err_wrap(e, rc, "%s", fields[i].name);
	}
	rc = relation_provides(a, stanza_get(s, "Provides"), &m->provides, e);
	if (rc < 0)
		return err_wrap(e, rc, "Provides");
	rc = obsoletes_translate(a, s, m, e);
	return rc < 0 ? err_wrap(e, rc, "Replaces") : 0;
}

bool stanza_foreign(const struct stanza *s, struct str arch)
{
	struct str is = stanza_get(s, "Architecture");

	return is.n > 0 && !str_eq(is, arch) && !str_eqz(is, "all");
}

int meta_translate(struct arena *a, const struct stanza *s, struct str arch, struct rpm_meta *ret,
		   struct err *e)
{
	struct str name = stanza_get(s, "Package");
	struct rpm_meta m = { 0 };
	int rc = identity_translate(a, s, arch, &m, e);

	if (rc >= 0)
		rc = file_translate(s, &m, e);
	if (rc >= 0)
		rc = relations_translate(a, s, arch, &m, e);
	if (rc < 0)
		return err_wrap(e, rc, "package '%.*s'", STR_FMT(name));
	source_translate(s, &m);
	text_translate(s, &m);
	*ret = m;
	return 0;
}

static void requires_drop(struct arena *a, struct rpm_meta *m, const vec_str *drop)
{
	size_t n = 0;

	vec_each(d, &m->requires)
		if (dep_without(a, d, drop))
	m->requires.p[n++] = *d;
	m->requires.n = n;
}

static void deps_add(struct arena *a, vec_dep *to, const vec_str *texts)
{
	vec_each(text, texts) {
		struct dep d = { .name = *text };

		/* What is no dependency stays as a name, which nothing provides, so that the solver
		 * will quote it. */
		if (!dep_parse(*text, &d))
			d = (struct dep){ .name = *text };
		vec_push(a, to) = d;
	}
}

void meta_apply(struct arena *a, struct rpm_meta *m, const struct conf_upstream *upstream,
		const struct conf_package *package)
{
	if (upstream)
		requires_drop(a, m, &upstream->drop_requires);
	if (!package)
		return;
	requires_drop(a, m, &package->drop_requires);
	deps_add(a, &m->requires, &package->add_requires);
	deps_add(a, &m->provides, &package->add_provides);
}
