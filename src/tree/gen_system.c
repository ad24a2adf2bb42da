/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "base/trace.h"
#include "tree/gen.h"
#include "tree/generators.h"

/* Where the kernel, systemd and people mount and write. A folder that a package brings keeps its
 * mode. */
static const struct {
	const char *path;
	uint32_t mode;
} folders[] = {
	{ "/dev", 0755 }, { "/home", 0755 }, { "/mnt", 0755 }, { "/proc", 0555 }, { "/root", 0700 },
	{ "/run", 0755 }, { "/srv", 0755 },  { "/sys", 0555 }, { "/tmp", 01777 }, { "/var", 0755 },
};

static int put_folders(struct tree *t, struct err *e)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		uint32_t id = tree_find(t, str_c(folders[i].path));
		int r;

		if (id != TREE_NONE && t->nodes.p[id].owner != TREE_OWNER_IMPLIED)
			continue;
		r = tree_put(t, str_c(folders[i].path), S_IFDIR | folders[i].mode,
			     (struct str){ 0 }, TREE_OWNER_GENERATOR, NULL, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* os-release(5): as a shell assigns, so in double quotes four characters mean more than themselves.
 */
static void assign(struct buf *b, const char *key, struct str value)
{
	if (value.n == 0)
		return;
	buf_printf(b, "%s=\"", key);
	for (size_t i = 0; i < value.n; i++) {
		if (strchr("\"\\$`", value.p[i]) && value.p[i] != 0)
			buf_u8(b, '\\');
		buf_u8(b, (uint8_t)value.p[i]);
	}
	buf_printf(b, "\"\n");
}

/* Without ID_LIKE: what reads it (scanners, installers of third parties) would look for the package
 * manager and compare with the version numbers of another distribution. */
static int put_os_release(struct tree *t, const struct conf_release *rel,
			  const struct conf_image *image, const char *version, struct str pretty,
			  bool development_keys, struct err *e)
{
	struct buf b = { .a = t->a };
	int r;

	assign(&b, "NAME", rel->name);
	assign(&b, "ID", rel->id);
	assign(&b, "VERSION_ID", rel->version);
	assign(&b, "VERSION_CODENAME", rel->codename);
	assign(&b, "PRETTY_NAME", pretty);
	assign(&b, "VENDOR_NAME", rel->vendor);
	assign(&b, "HOME_URL", rel->home_url);
	assign(&b, "BUG_REPORT_URL", rel->bug_url);
	assign(&b, "IMAGE_ID", image->name);
	assign(&b, "IMAGE_VERSION", str_c(version));
	if (development_keys)
		assign(&b, "ASHLAR_DEVELOPMENT_KEYS", STR("1"));
	r = gen_put(t, STR("/usr/lib/os-release"), S_IFREG | 0644,
		    (struct str){ (const char *)b.v.p, b.v.n }, e);
	return r == 0 ? gen_link(t, STR("/etc/os-release"), STR("../usr/lib/os-release"), e) : r;
}

/* machine-id(5), FIRST BOOT SEMANTICS: "uninitialized" makes a boot a first boot until systemd has
 * written an id. An empty file would give an id, too, but then no boot would ever be the first, and
 * nothing would provision a new machine. Its price: while /etc is kept in memory, each boot is a
 * first boot and applies presets again (which changes nothing, see gen_units.c;
 * systemd.condition_first_boot=no on the kernel's command line saves that), and systemd-firstboot
 * would ask on the console unless told systemd.firstboot=no.
 *
 * /etc/.updated, with the time of the build, tells ConditionNeedsUpdate=/etc
 * (systemd-update-done.service(8)) that users, caches and the hardware database are those of this
 * /usr, so that no boot makes them again.
 *
 * /usr/lib/clock-epoch, with that time, too, is when it cannot be earlier than: systemd sets a
 * clock that says so, as one without a battery does, before anything looks at a certificate
 * (systemd-timesyncd.service(8)). */
static int put_state(struct tree *t, struct err *e)
{
	int r = gen_put(t, STR("/etc/machine-id"), S_IFREG | 0444, STR("uninitialized\n"), e);

	if (r == 0)
		r = gen_put(t, STR("/etc/.updated"), S_IFREG | 0644,
			    STR("# /etc was made with this /usr.\n"), e);
	if (r == 0)
		r = gen_put(t, STR("/usr/lib/clock-epoch"), S_IFREG | 0644, STR(""), e);
	return r;
}

static int put_texts(struct tree *t, const struct conf_image *image, struct str pretty,
		     struct err *e)
{
	int r = gen_put(t, STR("/etc/locale.conf"), S_IFREG | 0644, STR("LANG=C.UTF-8\n"), e);

	if (r == 0 && image->hostname.n > 0)
		r = gen_put(t, STR("/etc/hostname"), S_IFREG | 0644,
			    str_cat(t->a, image->hostname, STR("\n")), e);
	if (r == 0)
		r = gen_put(t, STR("/etc/issue"), S_IFREG | 0644,
			    str_cat(t->a, pretty, STR(" \\n \\l\n\n")), e);
	if (r == 0)
		r = gen_put(t, STR("/etc/issue.net"), S_IFREG | 0644,
			    str_cat(t->a, pretty, STR("\n")), e);
	return r;
}

/* Links that stand only where what they lead to is part of the image. Without /etc/localtime the
 * time is UTC as well (localtime(5)). */
static const struct {
	const char *link, *target, *needs;
} links[] = {
	{ "/etc/mtab", "../proc/self/mounts", "/" },
	{ "/etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf",
	  "/usr/lib/systemd/systemd-resolved" },
	{ "/etc/localtime", "../usr/share/zoneinfo/UTC", "/usr/share/zoneinfo/UTC" },
};

static int put_links(struct tree *t, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]) && r == 0; i++)
		if (tree_find(t, str_c(links[i].needs)) != TREE_NONE)
			r = gen_link(t, str_c(links[i].link), str_c(links[i].target), e);
	return r;
}

int gen_system(struct tree *t, const struct conf_release *release, const struct conf_image *image,
	       const char *version, bool development_keys, struct err *e)
{
	TRACE("system");
	struct str pretty =
		str_printf(t->a, "%.*s %.*s", STR_FMT(release->name), STR_FMT(release->version));
	int r;

	if (release->codename.n > 0)
		pretty = str_printf(t->a, "%.*s (%.*s)", STR_FMT(pretty),
				    STR_FMT(release->codename));
	r = put_folders(t, e);
	if (r == 0)
		r = put_os_release(t, release, image, version, pretty, development_keys, e);
	if (r == 0)
		r = put_state(t, e);
	if (r == 0)
		r = put_texts(t, image, pretty, e);
	return r == 0 ? put_links(t, e) : r;
}
