/* SPDX-License-Identifier: MIT */
#include "upstream/upstream.h"

#include "base/io.h"
#include "disk/codec.h"
#include "upstream/apt.h"
#include "upstream/debian/release.h"
#include "upstream/debian/translate.h"
#include "upstream/fetch.h"
#include "upstream/transfer.h"

#include <time.h>

enum { KEYRING_BYTES_MAX = 16 << 20, INDEX_BYTES_MAX = 1 << 30 };
#define STATE_MAGIC "ashlar release 1"

/* One suite's release file on its way. */
struct refresh {
	struct arena *a;
	struct upstream_release *release;
	struct str name, url;
	struct buf body;
	/* Of the verified one in the cache, when it is of the same URL and keyring; else empty. */
	struct str etag, modified, text;
	struct str in_release_sha256;
	char *path;
	const char *keyring;
	struct str keyring_sha256;
};

static int body_begin(void *arg, struct err *e)
{
	struct refresh *f = arg;

	(void)e;
	f->body.v.n = 0;
	return 0;
}

static int body_data(void *arg, const void *p, size_t n, struct err *e)
{
	struct refresh *f = arg;

	if (n > RELEASE_BYTES_MAX - f->body.v.n)
		return err_set(e, -EFBIG, "a release file of more than %d bytes",
			       RELEASE_BYTES_MAX);
	buf_put(&f->body, p, n);
	return 0;
}

static int body_end(void *arg, struct err *e)
{
	(void)arg;
	(void)e;
	return 0;
}

static const struct fetch_sink body_sink = { body_begin, body_data, body_end };

/* In the cache: lines "KEY VALUE", an empty one, the signed text. One file, so that it is all of
 * one time. */
static struct str state_text(const struct refresh *f)
{
	struct buf b = { .a = f->a };
	struct str digest = sha256_hex(f->a, f->text.p, f->text.n);

	buf_printf(&b, STATE_MAGIC "\nurl %.*s\nkeyring %.*s\nin-release %.*s\ntext %.*s\n",
		   STR_FMT(f->url), STR_FMT(f->keyring_sha256), STR_FMT(f->in_release_sha256),
		   STR_FMT(digest));
	buf_printf(&b, "etag %.*s\nmodified %.*s\n\n", STR_FMT(f->etag), STR_FMT(f->modified));
	buf_put(&b, f->text.p, f->text.n);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static struct str state_value(struct str *text, const char *key)
{
	struct str row = str_cut(text, '\n');

	return str_eqz(str_cut(&row, ' '), key) ? row : (struct str){ 0 };
}

/* What the cache holds counts only when it is whole and was verified with this keyring; it is made
 * again otherwise. */
static void state_load(struct refresh *f)
{
	struct str all, digest, etag, modified, in_release;
	struct err e;

	if (file_read(f->a, f->path, RELEASE_BYTES_MAX, &all, &e) < 0 ||
	    !str_eqz(str_cut(&all, '\n'), STATE_MAGIC))
		return;
	if (!str_eq(state_value(&all, "url"), f->url) ||
	    !str_eq(state_value(&all, "keyring"), f->keyring_sha256))
		return;
	in_release = state_value(&all, "in-release");
	digest = state_value(&all, "text");
	etag = state_value(&all, "etag");
	modified = state_value(&all, "modified");
	str_cut(&all, '\n');
	if (!str_eq(sha256_hex(f->a, all.p, all.n), digest))
		return;
	f->in_release_sha256 = in_release;
	f->etag = etag;
	f->modified = modified;
	f->text = all;
}

static int release_accept(struct refresh *f, const struct fetch *fetch, struct err *e)
{
	struct str body = { (const char *)f->body.v.p, f->body.v.n }, digest, state;
	int rc;

	if (fetch->unchanged)
		return 0;
	digest = sha256_hex(f->a, body.p, body.n);
	/* Servers without validators send the same bytes again. */
	if (f->text.n > 0 && str_eq(digest, f->in_release_sha256))
		return 0;
	rc = release_verify(f->a, body, f->keyring, &f->text, e);
	if (rc < 0)
		return rc;
	f->in_release_sha256 = digest;
	f->etag = fetch->etag;
	f->modified = fetch->modified;
	state = state_text(f);
	return file_write_cache(f->path, 0644, state.p, state.n, e);
}

static int mirrors_resolve(struct arena *a, const struct conf_upstream *conf,
			   struct upstream_release *releases, struct err *e)
{
	vec_apt_source sources = { 0 };
	bool read = false;

	for (size_t i = 0; i < conf->suites.n; i++) {
		const struct conf_suite *s = &conf->suites.p[i];
		struct str mirror = s->mirror.n > 0 ? s->mirror : conf->mirror;
		int rc = 0;

		releases[i].suite = s->name;
		while (str_ends(mirror, "/"))
			mirror.n--;
		releases[i].mirror_url = mirror;
		if (!str_eqz(mirror, "system"))
			continue;
		if (!read)
			rc = apt_sources_read(a, "/etc/apt", &sources, e);
		read = true;
		if (rc >= 0)
			rc = apt_mirror(a, &sources, s->name, &releases[i].mirror_url, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A suite's name as a file's: "buster/updates" has a slash. */
static char *state_path(struct arena *a, const char *dir, struct str suite)
{
	char *name = str_z(a, str_printf(a, "%.*s.release", STR_FMT(suite)));

	for (char *p = name; *p; p++)
		if (*p == '/')
			*p = '_';
	return path_join(a, dir, name);
}

static int keyring_digest(struct arena *a, const char *keyring, struct str *ret, struct err *e)
{
	struct str bytes;
	int rc = file_read(a, keyring, KEYRING_BYTES_MAX, &bytes, e);

	if (rc < 0)
		return err_wrap(e, rc, "keyring (Debian's is in package debian-archive-keyring)");
	*ret = sha256_hex(a, bytes.p, bytes.n);
	return 0;
}

/* The one place that asks what time it is: a release file's validity is about the world, not about
 * the output. */
static int releases_check(const struct conf_upstream *conf, struct upstream_state *state,
			  bool check_valid_until, struct err *e)
{
	for (size_t i = 0; i < state->n_releases; i++) {
		struct upstream_release *r = &state->releases[i];
		struct release parsed;
		int rc = release_parse(r->text, &parsed, e);

		if (rc >= 0)
			rc = release_check(&parsed, conf->suites.p[i].name, (uint64_t)time(NULL),
					   check_valid_until, e);
		if (rc < 0)
			return err_wrap(e, rc, "suite '%.*s': InRelease of %.*s", STR_FMT(r->suite),
					STR_FMT(r->mirror_url));
		if (parsed.time_sec > state->time_sec)
			state->time_sec = parsed.time_sec;
	}
	return 0;
}

static void state_digest(struct upstream_state *s)
{
	struct sha256 h;
	uint8_t digest[SHA256_BYTES], version = TRANSLATION_VERSION;

	sha256_init(&h);
	sha256_update(&h, &version, 1);
	sha256_update(&h, s->arch, strlen(s->arch) + 1);
	for (size_t i = 0; i < s->n_releases; i++) {
		sha256(s->releases[i].text.p, s->releases[i].text.n, digest);
		sha256_update(&h, digest, sizeof(digest));
		/* The mirror is part of each package's description. */
		sha256_update(&h, s->releases[i].mirror_url.p, s->releases[i].mirror_url.n);
		sha256_update(&h, "", 1);
	}
	vec_each(c, &s->conf->components) {
		sha256_update(&h, c->p, c->n);
		sha256_update(&h, "", 1);
	}
	/* For who keeps the packages as meta_apply() leaves them. */
	vec_each(name, &s->conf->drop_requires) {
		sha256_update(&h, name->p, name->n);
		sha256_update(&h, "", 1);
	}
	sha256_final(&h, s->digest);
}

/* One upstream on its way. */
struct refreshing {
	struct upstream_state state;
	struct refresh *suites; /* state.n_releases */
};

static int refreshing_begin(struct arena *a, const struct conf_upstream *conf, const char *arch,
			    const char *cache, struct refreshing *ret, struct err *e)
{
	struct upstream_state *state = &ret->state;
	const char *dir = str_z(a, str_printf(a, "%s/upstream/%.*s", cache, STR_FMT(conf->name)));
	const char *keyring = str_z(a, conf->keyring);
	struct str keyring_sha256;
	int rc;

	*state = (struct upstream_state){
		.n_releases = conf->suites.n, .conf = conf, .arch = arch, .cache = cache
	};
	if (debian_arch(arch).n == 0)
		return err_set(e, -EINVAL, "architecture '%s': want 'x86_64' or 'aarch64'", arch);
	state->releases = arena_array(a, state->n_releases, sizeof(*state->releases));
	rc = keyring_digest(a, keyring, &keyring_sha256, e);
	if (rc >= 0)
		rc = mirrors_resolve(a, conf, state->releases, e);
	if (rc >= 0)
		rc = dir_make(dir, e);
	if (rc < 0)
		return rc;
	dir_clean_temps(dir);
	ret->suites = arena_array(a, state->n_releases, sizeof(*ret->suites));
	for (size_t i = 0; i < state->n_releases; i++) {
		struct upstream_release *r = &state->releases[i];

		ret->suites[i] = (struct refresh){
			.a = a,
			.release = r,
			.name = str_printf(a, "upstream '%.*s': suite '%.*s'", STR_FMT(conf->name),
					   STR_FMT(r->suite)),
			.url = str_printf(a, "%.*s/dists/%.*s/InRelease", STR_FMT(r->mirror_url),
					  STR_FMT(r->suite)),
			.body = { .a = a },
			.keyring = keyring,
			.path = state_path(a, dir, r->suite),
			.keyring_sha256 = keyring_sha256,
		};
		state_load(&ret->suites[i]);
	}
	return 0;
}

static int refreshing_end(struct refreshing *u, bool check_valid_until, struct err *e)
{
	int rc;

	for (size_t i = 0; i < u->state.n_releases; i++)
		u->state.releases[i].text = u->suites[i].text;
	rc = releases_check(u->state.conf, &u->state, check_valid_until, e);
	if (rc >= 0)
		state_digest(&u->state);
	return rc;
}

static int begin_all(struct arena *a, const struct conf_upstream *confs, size_t n, const char *arch,
		     const char *cache, struct refreshing *ret, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		int rc = refreshing_begin(a, &confs[i], arch, cache, &ret[i], e);

		if (rc < 0)
			return err_wrap(e, rc, "upstream '%.*s'", STR_FMT(confs[i].name));
	}
	return 0;
}

/* The suites of all upstreams at once: together they take as long as the slowest. */
static int fetch_suites(struct arena *a, struct refreshing *upstreams, size_t n,
			const struct apt_conf *apt, struct progress *progress, struct err *e)
{
	VEC(struct fetch) fetches = { 0 };
	int rc;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < upstreams[i].state.n_releases; k++) {
			struct refresh *f = &upstreams[i].suites[k];

			vec_push(a, &fetches) = (struct fetch){ .url = f->url,
								.name = f->name,
								.sink = &body_sink,
								.arg = f,
								.etag = f->etag,
								.modified = f->modified };
		}
	rc = fetch_all(a, fetches.p, fetches.n, FETCH_FIRST_DELAY_MS, apt, progress, e);
	for (size_t i = 0; i < fetches.n && rc >= 0; i++) {
		rc = release_accept(fetches.p[i].arg, &fetches.p[i], e);
		if (rc < 0)
			rc = err_wrap(e, rc, "%.*s: %.*s", STR_FMT(fetches.p[i].name),
				      STR_FMT(fetches.p[i].url));
	}
	return rc;
}

static bool valid_until_wanted(const struct conf_upstream *conf, const struct apt_conf *apt)
{
	return conf->check_valid_until == VALID_UNTIL_YES ||
	       (conf->check_valid_until == VALID_UNTIL_SYSTEM && apt_conf_valid_until(apt));
}

int upstream_refresh(struct arena *a, const struct conf_upstream *confs, size_t n, const char *arch,
		     const char *cache, struct progress *progress, struct upstream_state *ret,
		     struct err *e)
{
	struct refreshing *upstreams = arena_array(a, n, sizeof(*upstreams));
	struct apt_conf apt;
	int rc = begin_all(a, confs, n, arch, cache, upstreams, e);

	if (rc >= 0)
		rc = apt_conf_read(a, &apt, e);
	if (rc >= 0)
		rc = fetch_suites(a, upstreams, n, &apt, progress, e);
	for (size_t i = 0; i < n && rc >= 0; i++) {
		rc = refreshing_end(&upstreams[i], valid_until_wanted(&confs[i], &apt), e);
		if (rc < 0)
			rc = err_wrap(e, rc, "upstream '%.*s'", STR_FMT(confs[i].name));
	}
	for (size_t i = 0; i < n && rc >= 0; i++)
		ret[i] = upstreams[i].state;
	return rc;
}

bool upstream_recall(struct arena *a, const struct conf_upstream *confs, size_t n, const char *arch,
		     const char *cache, struct upstream_state *ret)
{
	struct refreshing *upstreams = arena_array(a, n, sizeof(*upstreams));
	struct err ignored;

	if (begin_all(a, confs, n, arch, cache, upstreams, &ignored) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct refreshing *u = &upstreams[i];

		for (size_t k = 0; k < u->state.n_releases; k++)
			if (u->suites[k].text.n == 0)
				return false;
		/* apt is not asked here whether it takes old ones: then they are fetched first */
		if (refreshing_end(u, confs[i].check_valid_until != VALID_UNTIL_NO, &ignored) < 0)
			return false;
		ret[i] = u->state;
	}
	return true;
}

/* One index of packages. */
struct index {
	const struct upstream_release *release;
	struct str origin;
	struct str what; /* for messages: "suite 'trixie': main/binary-amd64/Packages.xz" */
	char *path;      /* in the cache */
};

typedef VEC(struct index) vec_index;
typedef VEC(struct transfer) vec_transfer;

/* The folder of an index's digest keeps it reachable while the mirror changes (Debian's
 * Acquire-By-Hash). */
static struct str index_url(struct arena *a, const struct upstream_release *r,
			    const struct release *parsed, const struct release_index *index)
{
	struct str folder = index->path;

	if (!parsed->by_hash)
		return str_printf(a, "%.*s/dists/%.*s/%.*s", STR_FMT(r->mirror_url),
				  STR_FMT(r->suite), STR_FMT(index->path));
	while (folder.n > 0 && folder.p[folder.n - 1] != '/')
		folder.n--;
	return str_printf(a, "%.*s/dists/%.*s/%.*sby-hash/SHA256/%.*s", STR_FMT(r->mirror_url),
			  STR_FMT(r->suite), STR_FMT(folder),
			  STR_FMT(hex_encode(a, index->sha256, SHA256_BYTES)));
}

static int index_add(struct arena *a, const struct upstream_state *state,
		     const struct upstream_release *r, const struct release *parsed,
		     struct str component, struct str arch, vec_index *indexes,
		     vec_transfer *transfers, struct err *e)
{
	struct release_index index;
	struct str what;
	int rc = release_index(a, parsed, component, arch, &index, e);

	if (rc < 0)
		return err_wrap(e, rc, "suite '%.*s': InRelease of %.*s", STR_FMT(r->suite),
				STR_FMT(r->mirror_url));
	what = str_printf(a, "suite '%.*s': %.*s", STR_FMT(r->suite), STR_FMT(index.path));
	vec_push(a, indexes) = (struct index){
		.release = r,
		.origin = parsed->origin,
		.what = what,
		.path = transfer_path(a, state->cache, index.sha256),
	};
	vec_push(a, transfers) = (struct transfer){
		.url = index_url(a, r, parsed, &index),
		.name = what,
		.size_bytes = index.size_bytes,
	};
	memcpy(transfers->p[transfers->n - 1].sha256, index.sha256, SHA256_BYTES);
	return 0;
}

static int indexes_list(struct arena *a, const struct upstream_state *state, vec_index *indexes,
			vec_transfer *transfers, struct err *e)
{
	for (size_t i = 0; i < state->n_releases; i++) {
		const struct upstream_release *r = &state->releases[i];
		struct release parsed;
		int rc = release_parse(r->text, &parsed, e);

		if (rc < 0)
			return rc;
		vec_each(c, &state->conf->components) {
			rc = index_add(a, state, r, &parsed, *c, debian_arch(state->arch), indexes,
				       transfers, e);
			if (rc >= 0 && parsed.arch_all)
				rc = index_add(a, state, r, &parsed, *c, STR("all"), indexes,
					       transfers, e);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static void index_there(void *arg, size_t i, const char *path)
{
	(void)arg;
	(void)i;
	(void)path;
}

static int index_text(struct arena *a, const struct index *index, struct str *ret, struct err *e)
{
	_cleanup_arena_ struct arena compressed = { 0 };
	struct str bytes;
	int rc = file_read(&compressed, index->path, INDEX_BYTES_MAX, &bytes, e);

	if (rc >= 0)
		rc = decompress(a, bytes, INDEX_BYTES_MAX, ret, e);
	if (rc < 0)
		return err_wrap(e, rc, "%.*s", STR_FMT(index->what));
	if (ret->p == bytes.p) /* plain: borrowed */
		*ret = str_dup(a, bytes);
	return 0;
}

static size_t stanzas_count(struct str text)
{
	size_t n = 1;

	for (const char *p = text.p; (p = memmem(p, text.n - (size_t)(p - text.p), "\n\n", 2));
	     p += 2)
		n++;
	return n;
}

static int index_translate(struct arena *a, const struct upstream_state *state,
			   const struct index *index, struct str text, vec_rpm_meta *ret,
			   struct err *e)
{
	struct str arch = debian_arch(state->arch);
	struct stanza s;
	int rc;

	while ((rc = stanza_next(&text, &s, e)) > 0) {
		struct rpm_meta m;

		rc = meta_translate(a, &s, arch, &m, e);
		if (rc < 0)
			break;
		m.upstream = state->conf->name;
		m.vendor = index->origin;
		m.mirror = index->release->mirror_url;
		vec_push(a, ret) = m;
	}
	return rc < 0 ? err_wrap(e, rc, "%.*s", STR_FMT(index->what)) : 0;
}

/* Of the same package in several suites, the first stays. */
static void duplicates_drop(vec_rpm_meta *metas)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct map seen = { 0 };
	size_t n = 0;

	vec_each(m, metas) {
		struct str key = str_printf(&a, "%.*s %.*s %.*s", STR_FMT(m->origin_name),
					    STR_FMT(m->origin_version), STR_FMT(m->origin_arch));

		if (map_get(&seen, key))
			continue;
		map_put(&a, &seen, key, 0);
		metas->p[n++] = *m;
	}
	metas->n = n;
}

static int indexes_read(struct arena *a, const struct upstream_state *state,
			const vec_index *indexes, vec_rpm_meta *ret, struct err *e)
{
	struct str *texts = arena_array(a, indexes->n, sizeof(*texts));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < indexes->n; i++) {
		rc = index_text(a, &indexes->p[i], &texts[i], e);
		if (rc < 0)
			return rc;
		n += stanzas_count(texts[i]);
	}
	vec_reserve(a, ret, n);
	for (size_t i = 0; i < indexes->n && rc >= 0; i++)
		rc = index_translate(a, state, &indexes->p[i], texts[i], ret, e);
	return rc;
}

int upstream_packages(struct arena *a, const struct upstream_state *state,
		      struct progress *progress, vec_rpm_meta *ret, struct err *e)
{
	vec_index indexes = { 0 };
	vec_transfer transfers = { 0 };
	vec_rpm_meta metas = { 0 };
	int rc = indexes_list(a, state, &indexes, &transfers, e);

	if (rc >= 0)
		rc = transfer_all(transfers.p, transfers.n, state->cache, progress, index_there,
				  NULL, e);
	if (rc >= 0)
		rc = indexes_read(a, state, &indexes, &metas, e);
	if (rc < 0)
		return rc;
	duplicates_drop(&metas);
	*ret = metas;
	return 0;
}
