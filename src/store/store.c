/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/thread_pool.h"
#include "base/trace.h"
#include "upstream/upstream.h"

/* What is larger than MEMORY is mapped, and made in files of the cache that have no name: a package
 * need not fit into memory. */
#define PACKAGE_BYTES_MAX (256ULL << 30)
#define PAYLOAD_BYTES_MAX (256ULL << 30)
enum { MEMORY_BYTES_MAX = ARENA_SPILL_BYTES_MIN };

struct store {
	struct store_options o;
	struct thread_pool *pool;
	struct arena a;
	struct stored_package *packages;
	size_t n;
	VEC(struct pack *) left; /* of packages before others took files of theirs */
};

/* One package on its way through the store. */
struct item {
	const struct store_options *o;
	const struct store_want *want;
	const char *path, *source;
	struct str recipe;
	struct stored_package *out;
	unsigned stage;
	bool missing;
};

struct store *store_new(const struct store_options *o)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->o = *o;
	s->pool = thread_pool_new(o->jobs);
	return s;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	vec_each(pack, &s->left)
		pack_close(*pack);
	for (size_t i = 0; i < s->n; i++)
		if (s->packages[i].pack)
			pack_close(s->packages[i].pack);
	pool_end(s->pool);
	arena_done(&s->a);
	free(s);
}

/* Of the package file. */
static struct recipe recipe_of(struct arena *a, const struct store_options *o,
			       const struct store_want *want)
{
	struct recipe r = recipe_new(a, want->maker->kind, want->meta->name);
	uint8_t fingerprint[20];

	want->maker->inputs(&r, want);
	openpgp_fingerprint(o->key, fingerprint);
	recipe_line(&r, "package-signing-key", hex_encode(a, fingerprint, sizeof(fingerprint)));
	return r;
}

struct str *store_recipes(struct arena *a, const struct store_options *o,
			  const struct store_want *wants, size_t n)
{
	struct str *recipes = arena_array(a, n, sizeof(*recipes));

	for (size_t i = 0; i < n; i++) {
		struct recipe r = recipe_of(a, o, &wants[i]);

		recipes[i] = pack_recipe(a, &r, &o->how);
	}
	return recipes;
}

/* Takes over @pack, which is the item's now. */
static void item_done(struct item *item, struct pack *pack)
{
	struct stored_package *out = item->out;

	*out = (struct stored_package){ .package = pack->package,
					.pack = pack,
					.path = item->path };
	memcpy(out->sha256, pack->rpm.sha256, SHA256_BYTES);
	/* the index tells more than a header has room for, the header knows the licence */
	out->package.meta = *item->want->meta;
	out->package.meta.license = pack->package.meta.license;
	progress_add(item->o->progress, item->stage, 1);
}

static void note_damage(const struct item *item, const char *what, const struct err *e)
{
	progress_note(item->o->progress, "cache: %s '%.*s': %s; made again", what,
		      STR_FMT(item->want->meta->name), e->msg);
}

/* @map: where a large file lies; the caller unmaps it. */
static int bytes_get(struct arena *a, const char *path, struct str *map, struct str *ret,
		     struct err *e)
{
	struct stat st;
	int r;

	if (stat(path, &st) < 0 || (uint64_t)st.st_size <= MEMORY_BYTES_MAX)
		return file_read(a, path, MEMORY_BYTES_MAX, ret, e);
	if ((uint64_t)st.st_size > PACKAGE_BYTES_MAX)
		return err_set(e, -EFBIG, "'%s': %lld bytes, more than the %llu allowed", path,
			       (long long)st.st_size, PACKAGE_BYTES_MAX);
	r = file_map(path, map, e);
	if (r == 0)
		*ret = *map;
	return r;
}

/* Cuts the pack out of the package file in the cache. */
static int pack_make(struct item *item, struct arena *a, struct err *e)
{
	TRACE_OF("cut pack", item->want->meta->name);
	_cleanup_arena_ struct arena work = { .spill_dir = item->o->cache };
	_cleanup_map_ struct str map = { 0 };
	struct rpm_package p;
	struct segments bytes;
	struct pack *pack;
	struct str rpm;
	struct pack_rpm from = { 0 };
	int r = bytes_get(&work, item->path, &map, &rpm, e);

	if (r == 0)
		r = rpm_read(&work, rpm, item->o->key, PAYLOAD_BYTES_MAX, &p, e);
	/* ours and whole, but of this name in the cache? */
	if (r == 0 && memcmp(p.meta.sha256, item->want->meta->sha256, SHA256_BYTES) != 0)
		r = err_set(e, -EBADMSG, "holds '%.*s', made from another file",
			    STR_FMT(rpm_nevra(&work, &p.meta)));
	if (r < 0)
		return r;
	from.bytes = rpm.n;
	from.front_bytes = p.front_bytes;
	sha256(rpm.p, rpm.n, from.sha256);
	sha256(rpm.p, p.front_bytes, from.front_sha256);
	r = pack_encode(&work, item->recipe, &p, &from, &item->o->how, &bytes, e);
	if (r == 0)
		r = pack_cache_put(a, item->o->cache, item->recipe, &bytes, &pack, e);
	if (r == 0)
		item_done(item, pack);
	return r;
}

/* Whether the package file is there that @pack was cut from; its bytes are checked when they are
 * used. */
static bool rpm_there(const struct item *item, const struct pack *pack)
{
	struct stat st;

	return stat(item->path, &st) == 0 && (uint64_t)st.st_size == pack->rpm.bytes;
}

static int item_load(struct item *item, struct arena *a, struct err *e)
{
	struct pack *pack;
	int r = pack_cache_get(a, item->o->cache, item->recipe, &pack, e);

	if (r == 0 && rpm_there(item, pack)) {
		file_used(item->path);
		item_done(item, pack);
		return 0;
	}
	if (r == 0)
		pack_close(pack);
	else if (r != -ENOENT)
		note_damage(item, "pack", e);
	return pack_make(item, a, e);
}

/* A task that finds nothing, or damage, only says so: the package is then made. */
static int task_load(void *arg, struct arena *a, struct err *e)
{
	struct item *item = arg;
	TRACE_OF("open pack", item->want->meta->name);
	int r = item_load(item, a, e);

	if (r < 0 && r != -ENOENT)
		note_damage(item, "package", e);
	item->missing = r < 0;
	return 0;
}

/* Its memory is free again before the pack is cut. */
static int rpm_make(struct item *item, struct err *e)
{
	_cleanup_arena_ struct arena work = { .spill_dir = item->o->cache };
	_cleanup_map_ struct str map = { 0 };
	struct str source, rpm;
	int r = bytes_get(&work, item->source, &map, &source, e);

	if (r == 0)
		r = item->want->maker->make(&work, item->want, source, item->o->key, &rpm, e);
	return r < 0 ? r : file_write_cache(item->path, 0644, rpm.p, rpm.n, e);
}

static int task_make(void *arg, struct arena *a, struct err *e)
{
	struct item *item = arg;
	int r = rpm_make(item, e);

	if (r == 0)
		r = pack_make(item, a, e);
	return r < 0 ? err_wrap(e, r, "package '%.*s'", STR_FMT(item->want->meta->name)) : 0;
}

struct fetching {
	struct store *s;
	struct item **items;
};

static void fetched(void *arg, size_t index, const char *path)
{
	struct fetching *f = arg;
	struct item *item = f->items[index];

	item->source =
		str_z(&f->s->a, str_c(path)); /* @path goes before the last conversion is done */
	thread_pool_submit(f->s->pool, task_make, item);
}

/* The largest first: the one whose conversion takes longest is not the last to begin. */
static int item_cmp(const void *x, const void *y)
{
	const struct rpm_meta *p = (*(struct item *const *)x)->want->meta,
			      *q = (*(struct item *const *)y)->want->meta;

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

static struct transfer transfer_of(struct store *s, const struct store_want *want)
{
	const struct rpm_meta *m = want->meta;
	struct transfer t = {
		.url = upstream_url(&s->a, m->mirror, m->location),
		.name = m->name,
		.size_bytes = m->size_bytes,
		.upstream = want->upstream,
	};

	memcpy(t.sha256, m->sha256, SHA256_BYTES);
	return t;
}

static int fetch_missing(struct store *s, struct item *items, size_t n, struct err *e)
{
	struct transfer *transfers;
	struct fetching f = { .s = s, .items = missing_list(s, items, n, &n) };
	struct err convert_err = { 0 };
	unsigned stage;
	int r, c;

	if (n == 0)
		return 0;
	stage = progress_begin(s->o.progress, "convert", "packages", n);
	transfers = arena_array(&s->a, n, sizeof(*transfers));
	for (size_t i = 0; i < n; i++) {
		transfers[i] = transfer_of(s, f.items[i]->want);
		f.items[i]->stage = stage;
	}
	r = transfer_all(transfers, n, s->o.cache, s->o.progress, fetched, &f, e);
	c = thread_pool_wait(s->pool, &convert_err);
	progress_end(s->o.progress, stage);
	if (r == 0 && c < 0) {
		*e = convert_err;
		r = c;
	}
	return r;
}

static struct item item_of(struct store *s, const struct store_want *want,
			   struct stored_package *out)
{
	struct recipe recipe = recipe_of(&s->a, &s->o, want);

	return (struct item){
		.o = &s->o,
		.want = want,
		.path = recipe_path(&s->a, s->o.cache, &recipe),
		.recipe = pack_recipe(&s->a, &recipe, &s->o.how),
		.out = out,
	};
}

/* From the cache, and what is not there from the upstreams. */
static int items_get(struct store *s, struct item *items, size_t n, struct err *e)
{
	unsigned stage = progress_begin(s->o.progress, "load", "packages", n);
	int r;

	for (size_t i = 0; i < n; i++) {
		items[i].stage = stage;
		thread_pool_submit(s->pool, task_load, &items[i]);
	}
	r = thread_pool_wait(s->pool, e);
	progress_end(s->o.progress, stage);
	return r == 0 ? fetch_missing(s, items, n, e) : r;
}

/* The same package, less what others take; instead of the one there, which stays open, as its names
 * are in use. */
static struct item item_less(struct store *s, const struct store_want *want, const vec_taken *taken,
			     struct stored_package *out)
{
	struct store_want *less = arena_copy(&s->a, want, sizeof(*want));

	less->taken = taken;
	vec_push(&s->a, &s->left) = out->pack;
	out->pack = NULL;
	return item_of(s, less, out);
}

/* What packages bring is known only now; those that lose files to others become others. */
static int taken_get(struct store *s, const struct store_want *wants, size_t n, struct err *e)
{
	struct rpm_package *packages = arena_array(&s->a, n, sizeof(*packages));
	struct item *items = arena_array(&s->a, n, sizeof(*items));
	size_t n_items = 0;
	vec_taken *taken;
	int r;

	for (size_t i = 0; i < n; i++)
		packages[i] = s->packages[i].package;
	r = takeover_find(&s->a, packages, n, &taken, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (taken[i].n > 0)
			items[n_items++] = item_less(s, &wants[i], &taken[i], &s->packages[i]);
	return r == 0 && n_items > 0 ? items_get(s, items, n_items, e) : r;
}

int store_get(struct store *s, const struct store_want *wants, size_t n,
	      struct stored_package **ret, struct err *e)
{
	const char *dir = path_join(&s->a, s->o.cache, "packages");
	struct item *items = arena_array(&s->a, n, sizeof(*items));
	int r = dir_make(dir, e);

	if (r < 0)
		return r;
	s->packages = arena_array(&s->a, n, sizeof(*s->packages));
	s->n = n;
	for (size_t i = 0; i < n; i++)
		items[i] = item_of(s, &wants[i], &s->packages[i]);
	r = items_get(s, items, n, e);
	if (r == 0)
		r = taken_get(s, wants, n, e);
	if (r < 0)
		return r;
	*ret = s->packages;
	return 0;
}

/* @r: why it cannot be read. What is gone, or of somebody who lets nobody read it, is made again.
 */
static int stored_unreadable(const struct stored_package *p, int r, struct err *e)
{
	if (r != -ENOENT && (r != -EACCES || unlink(p->path) < 0))
		return r;
	return err_wrap(e, -ESTALE, "cache: package '%.*s'", STR_FMT(p->package.meta.name));
}

static int stored_check(const struct stored_package *p, struct str bytes, size_t n,
			const uint8_t want[SHA256_BYTES], struct err *e)
{
	uint8_t digest[SHA256_BYTES];

	sha256(bytes.p, bytes.n, digest);
	if (bytes.n == n && memcmp(digest, want, sizeof(digest)) == 0)
		return 0;
	(void)unlink(p->path);
	return err_set(e, -ESTALE, "cache: package '%.*s' was damaged",
		       STR_FMT(p->package.meta.name));
}

int stored_rpm_read(struct arena *a, const struct stored_package *p, struct str *map,
		    struct str *ret, struct err *e)
{
	int r = bytes_get(a, p->path, map, ret, e);

	return r < 0 ? stored_unreadable(p, r, e)
		     : stored_check(p, *ret, p->pack->rpm.bytes, p->sha256, e);
}

int stored_front_read(struct arena *a, const struct stored_package *p, struct str *ret,
		      struct err *e)
{
	_cleanup_close_ int fd = open(p->path, O_RDONLY | O_CLOEXEC);
	size_t n = p->pack->rpm.front_bytes;
	char *front = arena_alloc(a, n);
	ssize_t got;

	if (fd < 0)
		return stored_unreadable(p, err_sys(e, "open '%s'", p->path), e);
	got = pread(fd, front, n, 0);
	if (got < 0)
		return err_sys(e, "read '%s'", p->path);
	*ret = (struct str){ front, (size_t)got };
	return stored_check(p, *ret, n, p->pack->rpm.front_sha256, e);
}
