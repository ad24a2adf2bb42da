/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>
#include <time.h>

#include "base/trace.h"
#include "image/steps.h"
#include "tree/generators.h"
#include "tree/prune.h"

struct keep {
	const struct conf_image *image;
	const struct stored_package *packages;
	bool **not_installed; /* for each package, one for each file in header order */
};

/* "/x/" means all below /x; with all that gone, the folder goes too. */
static bool dropped(const vec_str *globs, const struct rpm_file *f)
{
	vec_each(glob, globs) {
		bool folder = S_ISDIR(f->mode) && str_ends(*glob, "/");

		if (str_glob(*glob, f->path) ||
		    (folder && str_glob(str_head(*glob, glob->n - 1), f->path)))
			return true;
	}
	return false;
}

static bool lang_kept(const struct conf_image *image, struct str lang)
{
	if (lang.n == 0)
		return true;
	vec_each(kept, &image->locales)
		if (str_eq(*kept, lang))
			return true;
	return false;
}

/* Called once for every file. Licences stay: most of them ask for that. */
static bool keep_file(void *arg, size_t package, const struct rpm_file *f)
{
	const struct keep *k = arg;
	size_t i = (size_t)(f - k->packages[package].package.files.p);
	bool doc = f->flags & FILE_DOC && !(f->flags & FILE_LICENSE);
	bool kept = (!doc || k->image->documentation) && lang_kept(k->image, f->lang) &&
		    !dropped(&k->image->drop_files, f);

	k->not_installed[package][i] = !kept;
	return kept;
}

/* A damaged pack leaves the cache, so that the next try makes it again. */
static int packed_read(struct arena *a, const struct pack_file *f, struct str *ret, struct err *e)
{
	int r = pack_read(a, f, ret, e);

	if (r < 0)
		pack_discard(f->pack);
	return r < 0 ? -ESTALE : 0;
}

/* A file as its package has it, even if the image leaves it out. */
static int package_file(struct build *b, struct str path, const char *what, struct str *ret,
			struct err *e)
{
	for (size_t i = 0; i < b->res.n; i++)
		vec_each(f, &b->packages[i].package.files)
			if (f->packed && str_eq(f->path, path))
				return packed_read(b->a, f->packed, ret, e);
	return err_set(
		e, -ENOENT,
		"no chosen package has '%.*s', which is needed as %s; add the package that has it",
		STR_FMT(path), what);
}

static int kernels_find(struct build *b, struct assembled *as, struct err *e)
{
	uint32_t modules = tree_find(&as->tree, STR("/usr/lib/modules"));
	vec_id versions = { 0 };

	if (modules != TREE_NONE)
		tree_children(b->a, &as->tree, modules, &versions);
	if (versions.n != 1)
		return err_set(
			e, -EINVAL,
			"%zu kernels in /usr/lib/modules; want one: choose one kernel package",
			versions.n);
	vec_each(id, &versions) {
		struct image_kernel k = { .version = as->tree.nodes.p[*id].name };
		struct str path = str_printf(b->a, "/boot/vmlinuz-%.*s", STR_FMT(k.version));
		int r = package_file(b, path, "kernel", &k.image, e);

		if (r < 0)
			return r;
		vec_push(b->a, &as->kernels) = k;
	}
	return 0;
}

static int boot_files(struct build *b, struct assembled *as, struct err *e)
{
	TRACE("read boot files");
	const char *efi = b->o->arch->efi;
	struct str stub = str_printf(b->a, "/usr/lib/systemd/boot/efi/linux%s.efi.stub", efi),
		   loader = str_printf(b->a, "/usr/lib/systemd/boot/efi/systemd-boot%s.efi", efi);
	int r = kernels_find(b, as, e);

	if (r == 0)
		r = package_file(b, stub, "UKI stub", &as->stub, e);
	return r < 0 ? r : package_file(b, loader, "boot loader", &as->boot_loader, e);
}

static void finish(struct arena *a, struct assembled *as)
{
	vec_id ids;

	tree_walk(a, &as->tree, &ids);
	vec_each(id, &ids) {
		struct tree_node *node = &as->tree.nodes.p[*id];

		if (node->mtime_sec == 0 || node->mtime_sec > as->source_date_epoch)
			node->mtime_sec = as->source_date_epoch;
		if (S_ISREG(node->mode) && node->link_to == TREE_NONE)
			as->files_bytes += tree_size(&as->tree, *id);
	}
}

static struct str image_version(struct arena *a, const struct conf_release *release, uint64_t epoch)
{
	time_t t = (time_t)epoch;
	struct tm tm;

	gmtime_r(&t, &tm);
	return str_printf(a, "%.*s.%04d%02d%02d", STR_FMT(release->version), tm.tm_year + 1900,
			  tm.tm_mon + 1, tm.tm_mday);
}

/* The packages' files in one tree, and which are not. */
static int merge(struct build *b, struct assembled *as, bool **not_installed, struct err *e)
{
	struct rpm_package *list = arena_array(b->a, b->res.n, sizeof(*list));
	struct keep keep = { &b->res.image, b->packages, not_installed };
	int r;

	for (size_t i = 0; i < b->res.n; i++) {
		list[i] = b->packages[i].package;
		not_installed[i] = arena_array(b->a, list[i].files.n, sizeof(bool));
		if (list[i].build_time_sec > as->source_date_epoch)
			as->source_date_epoch = list[i].build_time_sec;
	}
	as->version = image_version(b->a, &b->res.release, as->source_date_epoch);
	tree_init(b->a, &as->tree);
	r = tree_merge(&as->tree, list, b->res.n, keep_file, &keep, e);
	if (r == 0)
		r = boot_files(b, as, e);
	if (r == 0)
		prune_emptied(b->a, &as->tree, list, not_installed, b->res.n);
	return r;
}

int image_assemble(struct build *b, struct err *e)
{
	bool **not_installed = arena_array(b->a, b->res.n, sizeof(*not_installed));
	struct assembled *as = &b->as;
	uint32_t id;
	int r = merge(b, as, not_installed, e);

	if (r == 0)
		r = image_generate(b, e);
	if (r == 0)
		r = image_rpmdb(b, not_installed, e);
	if (r == 0)
		r = gen_var(&as->tree, e);
	if (r == 0)
		r = tree_resolve_owners(&as->tree, e);
	if (r < 0)
		return r;
	finish(b->a, as);
	id = tree_find(&as->tree, STR("/usr/lib/os-release"));
	return id == TREE_NONE ? 0 : tree_read(b->a, &as->tree, id, &as->os_release, e);
}
