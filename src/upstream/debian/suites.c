/* SPDX-License-Identifier: MIT */
#include "upstream/debian/suites.h"

#include "base/io.h"
#include "upstream/debian/date.h"
#include "upstream/debian/release.h"
#include "upstream/debian/release_state.h"
#include "upstream/debian/translate.h"
#include "upstream/mirror.h"
#include "upstream/seen.h"

#include <time.h>

/* A file on its way into memory. */
struct file {
	struct fetch fetch;
	struct buf body;
};

/* One suite's release file on its way: InRelease, or, where that is missing, Release with
 * Release.gpg. */
struct suite_fetch {
	struct arena *a;
	struct file in_release, release, signature;
	enum { ASK_FIRST, ASKED_IN_RELEASE, ASKED_RELEASE, ASKED_ALL } at;
	struct release_state state; /* of the cache, then of now */
	struct seen seen;
	char *path;
	const char *cache;
	const struct keyring *keyring;
	const struct conf_upstream *upstream;
	const struct conf_suite *conf;
};

static int body_begin(void *arg, struct err *e)
{
	struct file *f = arg;

	(void)e;
	f->body.v.n = 0;
	return 0;
}

static int body_data(void *arg, const void *p, size_t n, struct err *e)
{
	struct file *f = arg;

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

static struct str body(const struct file *f)
{
	return (struct str){ (const char *)f->body.v.p, f->body.v.n };
}

static void file_begin(const struct suite_fetch *f, const struct debian_suite *suite,
		       const char *name, struct file *ret)
{
	*ret = (struct file){
		.body = { .a = f->a },
		.fetch = { .url = str_printf(f->a, "%.*s/%s", STR_FMT(suite->url), name),
			   .name = str_printf(f->a, "upstream '%.*s': suite '%.*s'",
					      STR_FMT(f->upstream->name), STR_FMT(suite->name)),
			   .sink = &body_sink,
			   .arg = ret,
			   .may_miss = true },
	};
}

/* The time is asked for where it is about the world, not about the output. */
static struct release_want want_of(const struct suite_fetch *f)
{
	return (struct release_want){ .suite = f->conf->name,
				      .codename = f->conf->codename,
				      .now_sec = (uint64_t)time(NULL),
				      .check_date = f->upstream->check_date != CHECK_DATE_NO };
}

/* Signatures do not tell whether a mirror plays back what was true once. */
static int check_age(const struct suite_fetch *f, const struct release *r, struct err *e)
{
	struct str date = release_time_text(f->a, r->time_sec);
	uint64_t since;

	if (r->time_sec >= f->seen.time_sec ||
	    (f->conf->accept_older.n > 0 && date_iso_parse(f->conf->accept_older, &since) &&
	     r->time_sec >= since))
		return 0;
	return err_set(
		e, -EBADMSG,
		"it is dated %.*s, older than that of %.*s, which this mirror gave before; is it a mirror "
		"that lags behind, or does somebody hold back updates? Ask again later, or take it with "
		"'accept-older: %.*s' for this suite in upstreams.yaml",
		STR_FMT(date), STR_FMT(release_time_text(f->a, f->seen.time_sec)), STR_FMT(date));
}

/* A suite such as "stable" may become another distribution overnight; that is for people to decide.
 * Its name counts where there is no codename. */
static int check_renamed(const struct suite_fetch *f, const struct release *r, struct err *e)
{
	bool by_codename = f->seen.codename.n > 0 && r->codename.n > 0;
	struct str was = by_codename ? f->seen.codename : f->seen.suite;
	struct str is = by_codename ? r->codename : r->suite;

	if (f->seen.time_sec == 0 || f->conf->codename.n > 0 || str_eq(is, f->conf->name) ||
	    str_eq(was, is) || (!by_codename && (r->codename.n > 0 || f->seen.codename.n > 0)))
		return 0;
	return err_set(
		e, -EBADMSG,
		"it calls itself '%.*s' now, and '%.*s' before: is it another release? When that is "
		"wanted, say 'codename: %.*s' for this suite in upstreams.yaml",
		STR_FMT(is), STR_FMT(was), STR_FMT(is));
}

/* Whether the signed text is what is wanted, by its own words. */
static int text_check(const struct suite_fetch *f, struct str text, const struct release_want *want,
		      struct release *ret, struct err *e)
{
	int rc = release_parse(text, ret, e);

	if (rc >= 0)
		rc = release_check(ret, want, e);
	if (rc >= 0)
		rc = check_age(f, ret, e);
	return rc < 0 ? rc : check_renamed(f, ret, e);
}

/* Nothing enters the cache that was not believed. */
static int text_take(struct suite_fetch *f, struct str text, struct str signature, struct err *e)
{
	const struct release_want want = want_of(f);
	struct release_state now = f->state;
	struct str came = str_cat(f->a, text, signature);
	struct release parsed;
	int rc;

	now.came_sha256 = sha256_hex(f->a, came.p, came.n);
	/* Servers without validators send the same bytes again. */
	if (f->state.text.n > 0 && str_eq(now.came_sha256, f->state.came_sha256))
		return 0;
	rc = release_verify(f->a, text, signature, f->keyring, &now.text, e);
	if (rc >= 0)
		rc = text_check(f, now.text, &want, &parsed, e);
	if (rc < 0)
		return rc;
	now.etag = signature.n > 0 ? STR("") : f->in_release.fetch.etag;
	now.modified = signature.n > 0 ? STR("") : f->in_release.fetch.modified;
	f->state = now;
	return release_state_save(f->path, &now, e);
}

static int in_release_take(struct suite_fetch *f, struct err *e)
{
	int rc;

	if (f->in_release.fetch.unchanged)
		return 0;
	rc = text_take(f, body(&f->in_release), STR(""), e);
	return rc < 0 ? err_wrap(e, rc, "%.*s", STR_FMT(f->in_release.fetch.url)) : 0;
}

static int release_take(struct suite_fetch *f, struct err *e)
{
	int rc;

	if (f->release.fetch.missing)
		return err_set(e, -ENOENT, "%.*s; there is no Release either",
			       STR_FMT(f->in_release.fetch.missing_why));
	if (f->signature.fetch.missing)
		return err_set(e, -ENOENT,
			       "%.*s; without a signature anybody could have written it",
			       STR_FMT(f->signature.fetch.missing_why));
	if (f->signature.body.v.n == 0)
		return err_set(e, -EBADMSG, "%.*s: is empty", STR_FMT(f->signature.fetch.url));
	rc = text_take(f, body(&f->release), body(&f->signature), e);
	return rc < 0 ? err_wrap(e, rc, "%.*s", STR_FMT(f->release.fetch.url)) : 0;
}

static int suite_ask(struct arena *a, struct suite_fetch *f, vec_fetch *ret, struct err *e)
{
	switch (f->at) {
	case ASK_FIRST:
		f->in_release.fetch.etag = f->state.etag;
		f->in_release.fetch.modified = f->state.modified;
		vec_push(a, ret) = &f->in_release.fetch;
		f->at = ASKED_IN_RELEASE;
		return 0;
	case ASKED_IN_RELEASE:
		if (!f->in_release.fetch.missing) {
			f->at = ASKED_ALL;
			return in_release_take(f, e);
		}
		vec_push(a, ret) = &f->release.fetch;
		vec_push(a, ret) = &f->signature.fetch;
		f->at = ASKED_RELEASE;
		return 0;
	case ASKED_RELEASE:
		f->at = ASKED_ALL;
		return release_take(f, e);
	case ASKED_ALL:
		break;
	}
	return 0;
}

int suites_ask(struct arena *a, struct upstream_state *s, vec_fetch *ret, struct err *e)
{
	struct debian_suites *suites = s->own;

	for (size_t i = 0; i < suites->n; i++) {
		struct debian_suite *suite = &suites->p[i];
		int rc = suite_ask(a, suite->fetch, ret, e);

		if (rc < 0)
			return err_wrap(e, rc, "suite '%.*s'", STR_FMT(suite->name));
		suite->text = suite->fetch->state.text;
	}
	return 0;
}

/* "NAME.release", with "%2F" for '/'. Of several suites of one name, as of several flat
 * repositories, each has its own. */
static char *state_path(struct arena *a, const char *dir, const struct conf_upstream *conf,
			size_t i)
{
	struct str name = conf->suites.p[i].name;
	struct buf b = { .a = a };
	bool again = false;

	for (size_t k = 0; k < name.n; k++)
		buf_printf(&b, name.p[k] == '/' ? "%%2F" : "%c", name.p[k]);
	for (size_t k = 0; k < i; k++)
		again |= str_eq(conf->suites.p[k].name, name);
	if (again)
		buf_printf(&b, "@%zu", i);
	return path_join(a, dir, str_printf(a, "%.*s.release", (int)b.v.n, (char *)b.v.p).p);
}

static struct str suite_url(struct arena *a, struct str mirror, struct str name)
{
	struct str url = str_printf(a, "%.*s/%s%.*s", STR_FMT(mirror),
				    suite_flat(name) ? "" : "dists/", STR_FMT(name));

	while (str_ends(url, "/") || str_ends(url, "/."))
		url.n--;
	return url;
}

/* @like: what all suites share. */
static struct suite_fetch *suite_begin(const struct suite_fetch *like, struct str keyring_sha256,
				       const struct debian_suite *suite)
{
	struct suite_fetch *f = arena_new(like->a, struct suite_fetch);

	*f = *like;
	f->state.url = suite->url;
	f->state.keyring_sha256 = keyring_sha256;
	file_begin(f, suite, "InRelease", &f->in_release);
	file_begin(f, suite, "Release", &f->release);
	file_begin(f, suite, "Release.gpg", &f->signature);
	release_state_load(f->a, f->path, &f->state);
	seen_read(f->a, f->cache, seen_place(f->a, suite->url), &f->seen);
	return f;
}

static int dirs_make(struct arena *a, const char *cache, const char *dir, struct err *e)
{
	const char *seen = path_join(a, cache, "upstream/seen");
	int rc = dir_make(dir, e);

	return rc < 0 ? rc : dir_make(seen, e);
}

static void suites_fill(struct arena *a, const struct upstream_state *s, const char *dir,
			const struct str *urls, const struct keyring *keyring,
			struct debian_suites *ret)
{
	struct str digest = sha256_hex(a, keyring->packets.p, keyring->packets.n);

	for (size_t i = 0; i < ret->n; i++) {
		const struct conf_suite *conf = &s->conf->suites.p[i];
		const struct suite_fetch like = { .a = a,
						  .path = state_path(a, dir, s->conf, i),
						  .cache = s->cache,
						  .keyring = keyring,
						  .upstream = s->conf,
						  .conf = conf };
		struct debian_suite *suite = &ret->p[i];

		suite->name = conf->name;
		suite->mirror_url = urls[i];
		suite->url = suite_url(a, urls[i], conf->name);
		suite->fetch = suite_begin(&like, digest, suite);
		suite->text = suite->fetch->state.text;
	}
}

int suites_begin(struct arena *a, struct upstream_state *s, vec_auth *auth, struct err *e)
{
	const struct conf_upstream *conf = s->conf;
	const char *dir =
		str_z(a, str_printf(a, "%s/upstream/%.*s", s->cache, STR_FMT(conf->name)));
	struct keyring *keyring = arena_new(a, struct keyring);
	struct debian_suites *suites = arena_new(a, struct debian_suites);
	struct str *urls = arena_array(a, conf->suites.n, sizeof(*urls));
	int rc = keyring_read(a, conf, keyring, e);

	suites->n = conf->suites.n;
	suites->p = arena_array(a, suites->n, sizeof(*suites->p));
	if (rc >= 0)
		rc = mirrors_resolve(a, conf, urls, auth, e);
	if (rc >= 0)
		rc = dirs_make(a, s->cache, dir, e);
	if (rc < 0)
		return rc;
	suites_fill(a, s, dir, urls, keyring, suites);
	s->own = suites;
	return 0;
}

/* Where apt was not asked whether it takes old ones, they are fetched first. */
static bool valid_until_wanted(const struct conf_upstream *conf, const struct apt_conf *apt)
{
	return conf->check_valid_until == VALID_UNTIL_YES ||
	       (conf->check_valid_until == VALID_UNTIL_SYSTEM &&
		(!apt || apt_conf_valid_until(apt)));
}

/* What is taken, but worth knowing. */
static void suite_notes(const struct suite_fetch *f, const struct release *r,
			const struct release_want *want, struct progress *progress)
{
	if (f->upstream->check_valid_until == VALID_UNTIL_SYSTEM && !want->check_valid_until &&
	    r->valid_until_sec > 0 && r->valid_until_sec < want->now_sec)
		progress_note(progress,
			      "suite '%.*s' was valid until %.*s; taken, as this machine's apt has "
			      "Acquire::Check-Valid-Until off",
			      STR_FMT(f->conf->name),
			      STR_FMT(release_time_text(f->a, r->valid_until_sec)));
	if (f->seen.time_sec > 0 && !str_eq(f->seen.suite, r->suite))
		progress_note(progress, "suite '%.*s' calls itself '%.*s' now, and '%.*s' before",
			      STR_FMT(f->conf->name), STR_FMT(r->suite), STR_FMT(f->seen.suite));
}

/* After an update of the mirror, and when an older one was taken by hand. */
static int seen_keep(const struct suite_fetch *f, const struct debian_suite *suite,
		     const struct release *r, struct err *e)
{
	const struct seen now = { r->time_sec, r->suite, r->codename };

	if (now.time_sec == f->seen.time_sec && str_eq(now.suite, f->seen.suite) &&
	    str_eq(now.codename, f->seen.codename))
		return 0;
	return seen_write(f->cache, seen_place(f->a, suite->url), &now, e);
}

static int suite_end(const struct debian_suite *suite, const struct apt_conf *apt,
		     struct progress *progress, uint64_t *ret_time_sec, struct err *e)
{
	const struct suite_fetch *f = suite->fetch;
	struct release_want want = want_of(f);
	struct release parsed = { 0 };
	int rc;

	want.check_valid_until = valid_until_wanted(f->upstream, apt);
	rc = suite->text.n > 0 ? text_check(f, suite->text, &want, &parsed, e)
			       : err_set(e, -ENOENT, "it is not known yet");
	if (rc < 0)
		return err_wrap(e, rc, "suite '%.*s': release file of %.*s", STR_FMT(suite->name),
				STR_FMT(suite->mirror_url));
	*ret_time_sec = parsed.time_sec;
	if (!apt) /* nobody was asked */
		return 0;
	suite_notes(f, &parsed, &want, progress);
	return seen_keep(f, suite, &parsed, e);
}

static void state_digest(struct upstream_state *s)
{
	const struct debian_suites *suites = s->own;
	struct sha256 h;
	uint8_t digest[SHA256_BYTES], version = TRANSLATION_VERSION;

	sha256_init(&h);
	sha256_update(&h, &version, 1);
	sha256_update(&h, s->arch->name, strlen(s->arch->name) + 1);
	for (size_t i = 0; i < suites->n; i++) {
		const struct debian_suite *suite = &suites->p[i];

		sha256(suite->text.p, suite->text.n, digest);
		sha256_update(&h, digest, sizeof(digest));
		/* The mirror is part of each package's description. */
		sha256_update(&h, suite->mirror_url.p, suite->mirror_url.n);
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

int suites_end(struct upstream_state *s, const struct apt_conf *apt, struct progress *progress,
	       struct err *e)
{
	const struct debian_suites *suites = s->own;

	for (size_t i = 0; i < suites->n; i++) {
		uint64_t time_sec = 0;
		int rc = suite_end(&suites->p[i], apt, progress, &time_sec, e);

		if (rc < 0)
			return rc;
		if (time_sec > s->time_sec)
			s->time_sec = time_sec;
	}
	state_digest(s);
	return 0;
}
