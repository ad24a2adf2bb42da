/* SPDX-License-Identifier: MIT */
#include "image/store.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/thread_pool.h"
#include "base/trace.h"
#include "upstream/convert.h"
#include "upstream/upstream.h"

enum { PACKAGE_BYTES_MAX = 1 << 30, PAYLOAD_BYTES_MAX = 2047 << 20, ZSTD_LEVEL = 9 };

struct store {
	struct thread_pool *pool;
	struct arena a;
};

/* One package on its way through the store. */
struct item {
	const struct image_options *o;
	const struct rpm_meta *meta;
	const struct conf_package *conf;
	const struct conf_upstream *upstream;
	const struct openpgp_key *key;
	const char *path, *deb;
	struct stored_package *out;
	unsigned stage;
	bool missing;
};

struct store *store_new(unsigned jobs)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->pool = thread_pool_new(jobs);
	return s;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	pool_end(s->pool);
	arena_done(&s->a);
	free(s);
}

/* Everything that a converted package's bytes depend on. */
static struct str store_key(struct arena *a, const struct rpm_meta *m, const uint8_t *conf_digest,
			    const struct openpgp_key *key)
{
	uint8_t fingerprint[20];
	struct buf b = { .a = a };

	openpgp_fingerprint(key, fingerprint);
	buf_printf(&b, "converted %d %d\n", CONVERT_VERSION, ZSTD_LEVEL);
	buf_put(&b, m->sha256, SHA256_BYTES);
	buf_put(&b, conf_digest, SHA256_BYTES);
	buf_put(&b, fingerprint, sizeof(fingerprint));
	return sha256_hex(a, b.v.p, b.v.n);
}

static int item_load(struct item *item, struct arena *a, struct err *e)
{
	TRACE_OF("load", item->meta->name);
	struct stored_package p = { .path = item->path };
	int r = file_read(a, item->path, PACKAGE_BYTES_MAX, &p.rpm, e);

	if (r == 0)
		r = rpm_read(a, p.rpm, item->key, PAYLOAD_BYTES_MAX, &p.package, e);
	/* ours and whole, but of this name in the cache? */
	if (r == 0 && memcmp(p.package.meta.sha256, item->meta->sha256, SHA256_BYTES) != 0)
		r = err_set(e, -EBADMSG, "holds '%.*s', made from another file",
			    STR_FMT(rpm_nevra(a, &p.package.meta)));
	if (r < 0)
		return r;
	sha256(p.rpm.p, p.rpm.n, p.sha256);
	*item->out = p;
	/* the index tells more than a header has room for, the header knows the licence */
	item->out->package.meta = *item->meta;
	item->out->package.meta.license = p.package.meta.license;
	return 0;
}

/* A task that finds nothing, or damage, only says so: the package is then made. */
static int task_load(void *arg, struct arena *a, struct err *e)
{
	struct item *item = arg;
	int r = item_load(item, a, e);

	if (r < 0 && r != -ENOENT)
		progress_note(item->o->progress, "cache: package '%.*s': %s; made again",
			      STR_FMT(item->meta->name), e->msg);
	item->missing = r < 0;
	if (r == 0)
		progress_add(item->o->progress, item->stage, 1);
	return 0;
}

static int convert(struct item *item, struct err *e)
{
	TRACE_OF("convert", item->meta->name);
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_package p;
	struct str deb, rpm;
	int r = file_read(&a, item->deb, PACKAGE_BYTES_MAX, &deb, e);

	if (r == 0)
		r = deb_convert(&a, deb, item->meta, item->conf, item->upstream, &p, e);
	if (r == 0)
		r = elf_deps(&a, &p, e);
	if (r == 0)
		r = rpm_write(&a, &p, item->key, ZSTD_LEVEL, &rpm, e);
	if (r == 0)
		r = file_write(item->path, 0644, rpm.p, rpm.n, e);
	return r;
}

static int task_convert(void *arg, struct arena *a, struct err *e)
{
	struct item *item = arg;
	int r = convert(item, e);

	if (r == 0)
		r = item_load(item, a, e);
	if (r < 0)
		return err_wrap(e, r, "package '%.*s'", STR_FMT(item->meta->name));
	progress_add(item->o->progress, item->stage, 1);
	return 0;
}

struct fetching {
	struct store *s;
	struct item **items;
};

static void fetched(void *arg, size_t index, const char *path)
{
	struct fetching *f = arg;
	struct item *item = f->items[index];

	item->deb =
		str_z(&f->s->a, str_c(path)); /* @path goes before the last conversion is done */
	thread_pool_submit(f->s->pool, task_convert, item);
}

/* The largest first: the one whose conversion takes longest is not the last to begin. */
static int item_cmp(const void *x, const void *y)
{
	const struct rpm_meta *p = (*(struct item *const *)x)->meta,
			      *q = (*(struct item *const *)y)->meta;

	return p->size_bytes != q->size_bytes ? (p->size_bytes < q->size_bytes ? 1 : -1)
					      : str_cmp(p->name, q->name);
}

static struct item **missing_list(struct store *s, struct item *items, size_t n, size_t *ret_n)
{
	struct item **missing = arena_array(&s->a, n, sizeof(*missing));
	size_t n_missing = 0;

	for (size_t i = 0; i < n; i++)
		if (items[i].missing)
			missing[n_missing++] = &items[i];
	qsort(missing, n_missing, sizeof(*missing), item_cmp);
	*ret_n = n_missing;
	return missing;
}

static struct transfer transfer_of(struct store *s, const struct rpm_meta *m)
{
	struct transfer t = {
		.url = str_printf(&s->a, "%.*s/%.*s", STR_FMT(m->mirror), STR_FMT(m->location)),
		.name = m->name,
		.size_bytes = m->size_bytes,
	};

	memcpy(t.sha256, m->sha256, SHA256_BYTES);
	return t;
}

static int fetch_missing(struct store *s, const struct image_options *o, struct item *items,
			 size_t n, struct err *e)
{
	struct transfer *transfers;
	struct fetching f = { .s = s, .items = missing_list(s, items, n, &n) };
	struct err convert_err = { 0 };
	unsigned stage;
	int r, c;

	if (n == 0)
		return 0;
	stage = progress_begin(o->progress, "convert", "packages", n);
	transfers = arena_array(&s->a, n, sizeof(*transfers));
	for (size_t i = 0; i < n; i++) {
		transfers[i] = transfer_of(s, f.items[i]->meta);
		f.items[i]->stage = stage;
	}
	r = transfer_all(transfers, n, o->cache, o->progress, fetched, &f, e);
	c = thread_pool_wait(s->pool, &convert_err);
	progress_end(o->progress, stage);
	if (r == 0 && c < 0) {
		*e = convert_err;
		r = c;
	}
	return r;
}

int store_get(struct store *s, const struct image_options *o, const struct resolved *res,
	      const struct openpgp_key *key, struct stored_package **ret, struct err *e)
{
	const char *dir = path_join(&s->a, o->cache, "packages");
	struct stored_package *out = arena_array(&s->a, res->n, sizeof(*out));
	struct item *items = arena_array(&s->a, res->n, sizeof(*items));
	unsigned stage;
	int r = dir_make(dir, e);

	if (r < 0)
		return r;
	dir_clean_temps(dir);
	stage = progress_begin(o->progress, "load", "packages", res->n);
	for (size_t i = 0; i < res->n; i++) {
		struct str key_hex = store_key(&s->a, &res->metas[i], res->conf_digests[i], key);

		items[i] = (struct item){
			.o = o,
			.meta = &res->metas[i],
			.conf = &res->confs[i],
			.upstream = resolved_upstream(res, i),
			.key = key,
			.path = str_z(&s->a,
				      str_printf(&s->a, "%s/%.*s.rpm", dir, STR_FMT(key_hex))),
			.out = &out[i],
			.stage = stage,
		};
		thread_pool_submit(s->pool, task_load, &items[i]);
	}
	r = thread_pool_wait(s->pool, e);
	progress_end(o->progress, stage);
	if (r == 0)
		r = fetch_missing(s, o, items, res->n, e);
	if (r < 0)
		return r;
	*ret = out;
	return 0;
}
