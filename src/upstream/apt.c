/* SPDX-License-Identifier: MIT */
#include "upstream/apt.h"

#include "base/io.h"
#include "base/proc.h"
#include "base/url.h"
#include "upstream/stanza.h"

#include <strings.h>

enum { SOURCES_BYTES_MAX = 1 << 20, MIRROR_FILE_MAX = 64 << 10, AUTH_BYTES_MAX = 1 << 20 };

static void words_add(struct arena *a, struct str text, vec_str *ret)
{
	while (text.n > 0) {
		struct str line = str_trim(str_cut(&text, '\n')), word;

		while ((word = str_word(&line)).n > 0)
			vec_push(a, ret) = word;
	}
}

/* "[ signed-by=/path arch=amd64 ]": the text between the brackets. */
static struct str option_get(struct str options, const char *name)
{
	struct str word;

	while ((word = str_word(&options)).n > 0) {
		struct str key = str_cut(&word, '=');

		if (str_eqz(key, name))
			return word;
	}
	return (struct str){ 0 };
}

static int line_parse(struct arena *a, struct str line, vec_apt_source *ret)
{
	struct apt_source s = { 0 };
	struct str type = str_word(&line), options;

	line = str_trim(line);
	if (str_starts(line, "[")) {
		line = str_from(line, 1);
		options = str_cut(&line, ']');
		s.signed_by = option_get(options, "signed-by");
	}
	s.uri = str_word(&line);
	if (str_eqz(type, "deb-src"))
		return 0;
	if (!str_eqz(type, "deb") || s.uri.n == 0)
		return -EBADMSG;
	vec_push(a, &s.suites) = str_word(&line);
	words_add(a, line, &s.components);
	if (s.suites.p[0].n == 0)
		return -EBADMSG;
	vec_push(a, ret) = s;
	return 0;
}

/* A line may hold a password. */
static struct str row_shown(struct str row)
{
	return str_head(row, str_find(row, '@') < 0 ? 100 : (size_t)str_find(row, ':') + 1);
}

int apt_list_parse(struct arena *a, struct str text, const char *name, vec_apt_source *ret,
		   struct err *e)
{
	for (unsigned n = 1; text.n > 0; n++) {
		struct str line = str_cut(&text, '\n'), row = str_trim(str_cut(&line, '#'));

		if (row.n > 0 && line_parse(a, row, ret) < 0)
			return err_set(e, -EBADMSG,
				       "%s:%u: '%.*s'; want 'deb URI SUITE COMPONENTS'", name, n,
				       STR_FMT(row_shown(row)));
	}
	return 0;
}

/* Lines that begin with '#' may stand anywhere, also inside a field. */
static struct str comments_drop(struct arena *a, struct str text)
{
	struct buf b = { .a = a };

	while (text.n > 0) {
		struct str line = str_cut(&text, '\n');

		if (str_starts(line, "#"))
			continue;
		buf_put(&b, line.p, line.n);
		buf_put(&b, "\n", 1);
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static bool words_have(struct arena *a, struct str text, const char *word)
{
	vec_str words = { 0 };

	words_add(a, text, &words);
	vec_each(w, &words)
		if (str_eqz(*w, word))
			return true;
	return false;
}

int apt_sources_parse(struct arena *a, struct str text, const char *name, vec_apt_source *ret,
		      struct err *e)
{
	struct stanza *stanza = arena_new(a, struct stanza);
	int rc;

	text = comments_drop(a, text);
	while ((rc = stanza_next(&text, stanza, e)) > 0) {
		struct apt_source s = { .signed_by = stanza_get(stanza, "Signed-By") };
		vec_str uris = { 0 };

		if (str_eqz(stanza_get(stanza, "Enabled"), "no") ||
		    !words_have(a, stanza_get(stanza, "Types"), "deb"))
			continue;
		words_add(a, stanza_get(stanza, "URIs"), &uris);
		words_add(a, stanza_get(stanza, "Suites"), &s.suites);
		words_add(a, stanza_get(stanza, "Components"), &s.components);
		if (uris.n == 0 || s.suites.n == 0)
			return err_set(e, -EBADMSG, "%s: a stanza of type 'deb' has no %s", name,
				       uris.n == 0 ? "URIs" : "Suites");
		vec_each(uri, &uris) {
			s.uri = *uri;
			vec_push(a, ret) = s;
		}
	}
	return rc < 0 ? err_wrap(e, rc, "%s", name) : 0;
}

static int file_add(struct arena *a, const char *path, bool deb822, vec_apt_source *ret,
		    struct err *e)
{
	struct str text;
	int rc = file_read(a, path, SOURCES_BYTES_MAX, &text, e);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	return deb822 ? apt_sources_parse(a, text, path, ret, e)
		      : apt_list_parse(a, text, path, ret, e);
}

int apt_sources_read(struct arena *a, const char *dir, vec_apt_source *ret, struct err *e)
{
	const char *parts = path_join(a, dir, "sources.list.d");
	vec_str names = { 0 };
	int rc = file_add(a, path_join(a, dir, "sources.list"), false, ret, e);

	if (rc < 0 || !file_exists(parts))
		return rc;
	rc = dir_list(a, parts, &names, e);
	if (rc < 0)
		return rc;
	vec_each(name, &names) {
		bool deb822 = str_ends(*name, ".sources");

		if (!deb822 && !str_ends(*name, ".list"))
			continue;
		rc = file_add(a, path_join(a, parts, str_z(a, *name)), deb822, ret, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The first mirror of a list such as cloud images have: one URI a line, with metadata behind a tab.
 */
static int mirror_file(struct arena *a, struct str path, struct str *ret, struct err *e)
{
	struct str text;
	int rc = file_read(a, str_z(a, path), MIRROR_FILE_MAX, &text, e);

	if (rc < 0)
		return err_wrap(e, rc, "apt's source 'mirror+file:%.*s'", STR_FMT(path));
	while (text.n > 0) {
		struct str line = str_cut(&text, '\n'), uri = str_word(&line);

		if (uri.n > 0 && uri.p[0] != '#') {
			*ret = uri;
			return 0;
		}
	}
	return err_set(e, -EBADMSG, "apt's source 'mirror+file:%.*s': the file names no mirror",
		       STR_FMT(path));
}

static int uri_resolve(struct arena *a, struct str uri, struct str *ret, struct err *e)
{
	static const char *const prefixes[] = { "mirror+file://", "mirror+file:" };

	*ret = uri;
	for (size_t i = 0; i < 2; i++)
		if (str_starts(uri, prefixes[i]))
			return mirror_file(a, str_from(uri, strlen(prefixes[i])), ret, e);
	return 0;
}

static bool path_has(struct str uri, const char *folder)
{
	struct str part;

	/* scheme, empty, host */
	for (int i = 0; i < 3 && uri.n > 0 && !str_starts(uri, "file:"); i++)
		part = str_cut(&uri, '/');
	while (uri.n > 0) {
		part = str_cut(&uri, '/');
		if (str_eqz(part, folder))
			return true;
	}
	return false;
}

/* "trixie", "trixie-updates"; not "bookworm/database-org/7.0", "./" or "bookworm-pgdg". The
 * security archive's suites were once called "buster/updates". */
static bool suite_plain(struct str suite)
{
	static const char *const tails[] = { "", "updates", "security", "backports", "proposed" };
	struct str name = str_cut(&suite, '-'), tail = str_cut(&suite, '-');

	for (size_t i = 0; i < name.n; i++)
		if ((name.p[i] < 'a' || name.p[i] > 'z') && !str_ends(name, "/updates"))
			return false;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++)
		if (str_eqz(tail, tails[i]))
			return name.n > 0;
	return false;
}

/* 0: not Debian's; else how sure. */
static unsigned source_rank(const struct apt_source *s, struct str uri, bool security)
{
	bool main = false, keyring = str_has(s->signed_by, "debian-archive");

	vec_each(c, &s->components)
		main |= str_eqz(*c, "main");
	vec_each(suite, &s->suites)
		if (!suite_plain(*suite))
			return 0;
	if (!main || (s->signed_by.n > 0 && !keyring))
		return 0;
	if (!path_has(uri, security ? "debian-security" : "debian") ||
	    path_has(uri, "debian-security") != security)
		return 0;
	return keyring ? 2 : 1;
}

static bool scheme_known(struct str uri)
{
	return str_starts(uri, "http://") || str_starts(uri, "https://") ||
	       str_starts(uri, "file:/");
}

int apt_mirror(struct arena *a, const vec_apt_source *sources, struct str suite, struct str *ret,
	       struct err *e)
{
	bool security = str_ends(suite, "-security");
	struct str best = { 0 };
	unsigned best_rank = 0;

	vec_each(s, sources) {
		struct str uri = { 0 };
		unsigned rank;
		int rc = uri_resolve(a, s->uri, &uri, e);

		if (rc < 0)
			return rc;
		rank = source_rank(s, uri, security);
		if (rank <= best_rank)
			continue;
		best_rank = rank;
		best = uri;
	}
	if (best_rank == 0)
		return err_set(
			e, -ENOENT,
			"suite '%.*s': mirror 'system', but the machine's apt sources name no mirror of Debian's %s "
			"archive; give the suite's mirror as a URL in upstreams.yaml",
			STR_FMT(suite), security ? "security" : "main");
	if (!scheme_known(best))
		return err_set(
			e, -ENOTSUP,
			"suite '%.*s': mirror 'system' is '%.*s' in the machine's apt sources, which is neither http, "
			"https, file nor mirror+file; give the suite's mirror as a URL in upstreams.yaml",
			STR_FMT(suite), STR_FMT(url_shown(a, best)));
	while (str_ends(best, "/"))
		best.n--;
	*ret = str_dup(a, best);
	return 0;
}

static void auth_add(struct arena *a, const char *path, struct apt_conf *ret)
{
	struct str text;
	struct err e;
	int rc = file_read(a, path, AUTH_BYTES_MAX, &text, &e);

	if (rc >= 0)
		auth_parse(a, text, &ret->auth);
	else if (rc == -EACCES && ret->auth_unread.n == 0)
		ret->auth_unread = str_dup(a, str_c(path));
}

void apt_auth_read(struct arena *a, const char *file, const char *folder, struct apt_conf *ret)
{
	vec_str names = { 0 };
	struct err e;

	auth_add(a, file, ret);
	if (dir_list(a, folder, &names, &e) < 0)
		return;
	vec_each(name, &names)
		/* as apt: with this ending, or with none */
		if (str_ends(*name, ".conf") || str_find(*name, '.') < 0)
			auth_add(a, path_join(a, folder, str_z(a, *name)), ret);
}

char *apt_conf_path(struct arena *a, const struct apt_conf *conf, struct str key,
		    const char *otherwise)
{
	struct str value = apt_conf_get(conf, key), parent = key;

	if (conf->text.n == 0)
		return str_z(a, str_c(otherwise));
	if (str_starts(value, "/"))
		return str_z(a, value);
	while (parent.n > 0 && parent.p[parent.n - 1] != ':')
		parent.n--;
	if (parent.n < 2)
		return str_z(a, str_c("/"));
	parent.n -= 2;
	return path_join(a, apt_conf_path(a, conf, parent, "/"), str_z(a, value));
}

int apt_conf_read(struct arena *a, struct apt_conf *ret, struct err *e)
{
	static const char *const argv[] = { "apt-config", "dump", NULL };
	struct proc_result r;
	struct err missing;

	*ret = (struct apt_conf){ 0 };
	/* No apt, no configuration of it; but its logins are of use. */
	if (proc_run(a, argv, (struct str){ 0 }, NULL, &r, &missing) >= 0) {
		if (r.status != 0)
			return err_set(e, -EIO, "apt-config dump: exit status %d: %.*s", r.status,
				       STR_FMT(str_trim(r.err)));
		ret->text = r.out;
	}
	apt_auth_read(a, apt_conf_path(a, ret, STR("Dir::Etc::netrc"), "/etc/apt/auth.conf"),
		      apt_conf_path(a, ret, STR("Dir::Etc::netrcparts"), "/etc/apt/auth.conf.d"),
		      ret);
	return 0;
}

/* Lines are: KEY "VALUE"; */
struct str apt_conf_get(const struct apt_conf *conf, struct str key)
{
	struct str text = conf->text, found = { 0 };

	while (text.n > 0) {
		struct str line = str_cut(&text, '\n'), name = str_cut(&line, ' ');

		if (name.n == key.n && strncasecmp(name.p, key.p, key.n) == 0 && line.n >= 3 &&
		    line.p[0] == '"')
			found = str_head(str_from(line, 1), line.n - 3);
	}
	return found;
}

/* Acquire::SCHEME::NAME::HOST, or Acquire::SCHEME::NAME. */
static struct str of_host(struct arena *a, const struct apt_conf *conf, const char *scheme,
			  const char *name, struct str host)
{
	struct str value = apt_conf_get(conf, str_printf(a, "Acquire::%s::%s::%.*s", scheme, name,
							 STR_FMT(host)));

	return value.n > 0 ? value
			   : apt_conf_get(conf, str_printf(a, "Acquire::%s::%s", scheme, name));
}

struct str apt_conf_proxy(struct arena *a, const struct apt_conf *conf, struct str text)
{
	struct str proxy = { 0 };
	struct url u;

	if (!url_parse(text, &u) || str_eqz(u.scheme, "file"))
		return STR("DIRECT");
	/* As apt's https method: what http says, unless it has its own. */
	if (str_eqz(u.scheme, "https"))
		proxy = of_host(a, conf, "https", "Proxy", u.host);
	if (proxy.n == 0)
		proxy = of_host(a, conf, "http", "Proxy", u.host);
	return proxy.n == 6 && strncasecmp(proxy.p, "DIRECT", 6) == 0 ? STR("DIRECT") : proxy;
}

struct str apt_conf_https(struct arena *a, const struct apt_conf *conf, const char *name,
			  struct str text)
{
	struct url u;
	struct str value;

	if (!url_parse(text, &u))
		return (struct str){ 0 };
	/* Acquire::https::HOST::NAME, of old, and as the proxies are written */
	value = apt_conf_get(conf,
			     str_printf(a, "Acquire::https::%.*s::%s", STR_FMT(u.host), name));
	return value.n > 0 ? value : of_host(a, conf, "https", name, u.host);
}

bool apt_conf_valid_until(const struct apt_conf *conf)
{
	static const char *const off[] = { "false", "no", "0", "off", "without", "disable" };
	struct str value = apt_conf_get(conf, STR("Acquire::Check-Valid-Until"));

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		if (str_eqz(value, off[i]))
			return false;
	return true;
}
