/* SPDX-License-Identifier: MIT */
#include "upstream/debian/suites.h"

#include "base/io.h"
#include "upstream/debian/release.h"
#include "upstream/debian/translate.h"
#include "upstream/mirror.h"

#include <time.h>

enum { KEYRING_BYTES_MAX = 16 << 20 };
#define STATE_MAGIC "ashlar release 1"

/* One suite's release file on its way. */
struct suite_fetch {
	struct arena *a;
	struct fetch fetch;
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
	struct suite_fetch *f = arg;

	(void)e;
	f->body.v.n = 0;
	return 0;
}

static int body_data(void *arg, const void *p, size_t n, struct err *e)
{
	struct suite_fetch *f = arg;

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
static struct str state_text(const struct suite_fetch *f)
{
	struct buf b = { .a = f->a };
	struct str digest = sha256_hex(f->a, f->text.p, f->text.n);

	buf_printf(&b, STATE_MAGIC "\nurl %.*s\nkeyring %.*s\nin-release %.*s\ntext %.*s\n",
		   STR_FMT(f->fetch.url), STR_FMT(f->keyring_sha256), STR_FMT(f->in_release_sha256),
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
static void state_load(struct suite_fetch *f)
{
	struct str all, digest, etag, modified, in_release;
	struct err e;

	if (file_read(f->a, f->path, RELEASE_BYTES_MAX, &all, &e) < 0 ||
	    !str_eqz(str_cut(&all, '\n'), STATE_MAGIC))
		return;
	if (!str_eq(state_value(&all, "url"), f->fetch.url) ||
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

static int release_accept(struct suite_fetch *f, struct err *e)
{
	struct str body = { (const char *)f->body.v.p, f->body.v.n }, digest, state;
	int rc;

	if (f->fetch.unchanged)
		return 0;
	digest = sha256_hex(f->a, body.p, body.n);
	/* Servers without validators send the same bytes again. */
	if (f->text.n > 0 && str_eq(digest, f->in_release_sha256))
		return 0;
	rc = release_verify(f->a, body, f->keyring, &f->text, e);
	if (rc < 0)
		return rc;
	f->in_release_sha256 = digest;
	f->etag = f->fetch.etag;
	f->modified = f->fetch.modified;
	state = state_text(f);
	return file_write_cache(f->path, 0644, state.p, state.n, e);
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

/* @like: what all suites share. */
static struct suite_fetch *suite_begin(const struct suite_fetch *like, const char *dir,
				       const struct conf_upstream *conf,
				       const struct debian_suite *suite)
{
	struct arena *a = like->a;
	struct suite_fetch *f = arena_new(a, struct suite_fetch);

	*f = *like;
	f->body.a = a;
	f->path = state_path(a, dir, suite->name);
	f->fetch = (struct fetch){
		.url = str_printf(a, "%.*s/dists/%.*s/InRelease", STR_FMT(suite->mirror_url),
				  STR_FMT(suite->name)),
		.name = str_printf(a, "upstream '%.*s': suite '%.*s'", STR_FMT(conf->name),
				   STR_FMT(suite->name)),
		.sink = &body_sink,
		.arg = f,
	};
	state_load(f);
	return f;
}

int suites_begin(struct arena *a, struct upstream_state *s, vec_auth *auth, struct err *e)
{
	const struct conf_upstream *conf = s->conf;
	const char *dir =
		str_z(a, str_printf(a, "%s/upstream/%.*s", s->cache, STR_FMT(conf->name)));
	struct suite_fetch like = { .a = a, .keyring = str_z(a, conf->keyring) };
	struct debian_suites *suites = arena_new(a, struct debian_suites);
	struct str *urls = arena_array(a, conf->suites.n, sizeof(*urls));
	int rc;

	suites->n = conf->suites.n;
	suites->p = arena_array(a, suites->n, sizeof(*suites->p));
	rc = keyring_digest(a, like.keyring, &like.keyring_sha256, e);
	if (rc >= 0)
		rc = mirrors_resolve(a, conf, urls, auth, e);
	if (rc >= 0)
		rc = dir_make(dir, e);
	if (rc < 0)
		return rc;
	dir_clean_temps(dir);
	for (size_t i = 0; i < suites->n; i++) {
		suites->p[i].name = conf->suites.p[i].name;
		suites->p[i].mirror_url = urls[i];
		suites->p[i].fetch = suite_begin(&like, dir, conf, &suites->p[i]);
		suites->p[i].text = suites->p[i].fetch->text;
	}
	s->own = suites;
	return 0;
}

static int suite_take(struct debian_suite *suite, struct err *e)
{
	struct suite_fetch *f = suite->fetch;
	int rc = release_accept(f, e);

	if (rc < 0)
		return err_wrap(e, rc, "suite '%.*s': %.*s", STR_FMT(suite->name),
				STR_FMT(f->fetch.url));
	suite->text = f->text;
	return 0;
}

int suites_ask(struct arena *a, struct upstream_state *s, vec_fetch *ret, struct err *e)
{
	struct debian_suites *suites = s->own;

	for (size_t i = 0; i < suites->n; i++) {
		struct suite_fetch *f = suites->p[i].fetch;

		if (!suites->asked) {
			f->fetch.etag = f->etag;
			f->fetch.modified = f->modified;
			vec_push(a, ret) = &f->fetch;
		} else {
			int rc = suite_take(&suites->p[i], e);

			if (rc < 0)
				return rc;
		}
	}
	suites->asked = true;
	return 0;
}

/* The one place that asks what time it is: a release file's validity is about the world, not about
 * the output. */
static int suite_check(const struct debian_suite *suite, bool check_valid_until,
		       uint64_t *ret_time_sec, struct err *e)
{
	struct release parsed;
	int rc = suite->text.n > 0 ? release_parse(suite->text, &parsed, e)
				   : err_set(e, -ENOENT, "it is not known yet");

	if (rc >= 0)
		rc = release_check(&parsed, suite->name, (uint64_t)time(NULL), check_valid_until,
				   e);
	if (rc < 0)
		return err_wrap(e, rc, "suite '%.*s': InRelease of %.*s", STR_FMT(suite->name),
				STR_FMT(suite->mirror_url));
	*ret_time_sec = parsed.time_sec;
	return 0;
}

/* Where apt was not asked whether it takes old ones, they are fetched first. */
static bool valid_until_wanted(const struct conf_upstream *conf, const struct apt_conf *apt)
{
	return conf->check_valid_until == VALID_UNTIL_YES ||
	       (conf->check_valid_until == VALID_UNTIL_SYSTEM &&
		(!apt || apt_conf_valid_until(apt)));
}

int suites_end(struct upstream_state *s, const struct apt_conf *apt, struct err *e)
{
	const struct debian_suites *suites = s->own;
	bool check_valid_until = valid_until_wanted(s->conf, apt);

	for (size_t i = 0; i < suites->n; i++) {
		uint64_t time_sec = 0;
		int rc = suite_check(&suites->p[i], check_valid_until, &time_sec, e);

		if (rc < 0)
			return rc;
		if (time_sec > s->time_sec)
			s->time_sec = time_sec;
	}
	state_digest(s);
	return 0;
}
