/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "disk/verity.h"
#include "pack/pack_format.h"
#include "rpm/claims.h"

enum { FILE_CLASSES = 4 };

/* One distinct content, on its way into blocks. */
struct cutting {
	struct str data;
	uint8_t sha256[SHA256_BYTES];
	unsigned class;
	uint32_t rest;
	struct erofs_content content;
	struct str bytes; /* of its blocks */
};

struct fragment {
	struct erofs_cluster cluster;
	struct str bytes;
};

struct encoder {
	struct arena *a;
	const struct rpm_package *package;
	const struct erofs_compression *how;
	VEC(struct cutting) contents;
	uint32_t *content_of; /* of each file */
	VEC(struct fragment) fragments;
	struct buf collected; /* for the next fragment */
	struct buf tails, strings;
	struct map string_offsets;
	struct segments blocks;
};

/* What images leave out alone: documentation, translations. Fragments hold one kind each, so that
 * an image that has none of it does not carry it beside what it has. Licences always stay. */
static unsigned file_class(const struct rpm_file *f)
{
	bool documentation = f->flags & FILE_DOC && !(f->flags & FILE_LICENSE);

	return (documentation ? 1 : 0) | (f->lang.n > 0 ? 2 : 0);
}

static bool file_has_content(const struct rpm_file *f)
{
	return S_ISREG(f->mode) && !(f->flags & FILE_GHOST);
}

static uint32_t content_add(struct encoder *n, struct map *by_digest, const struct rpm_file *f)
{
	struct cutting c = { .data = f->data, .class = file_class(f) };
	struct str digest = { (const char *)c.sha256, SHA256_BYTES };
	uint32_t *known;

	sha256(f->data.p, f->data.n, c.sha256);
	known = map_get(by_digest, digest);
	if (known) {
		/* kept where any of its names is */
		n->contents.p[*known].class &= c.class;
		return *known;
	}
	map_put(n->a, by_digest, str_dup(n->a, digest), (uint32_t)n->contents.n);
	vec_push(n->a, &n->contents) = c;
	return (uint32_t)n->contents.n - 1;
}

static void contents_find(struct encoder *n)
{
	const vec_rpm_file *files = &n->package->files;
	struct map by_digest = { 0 };

	n->content_of = arena_array(n->a, files->n, sizeof(*n->content_of));
	for (size_t i = 0; i < files->n; i++)
		n->content_of[i] = file_has_content(&files->p[i])
					   ? content_add(n, &by_digest, &files->p[i])
					   : PACK_NO_CONTENT;
}

static int contents_cut(struct encoder *n, struct err *e)
{
	vec_each(c, &n->contents) {
		int r = erofs_cut(n->a, c->data, n->how, &c->content, &c->bytes, &c->rest, e);

		if (r < 0)
			return r;
		c->content.fragment = EROFS_NO_FRAGMENT;
		assert(c->bytes.n % EROFS_BLOCK_BYTES == 0 && c->rest <= EROFS_FRAGMENT_BYTES);
		segments_add(n->a, &n->blocks, c->bytes.p, c->bytes.n);
	}
	return 0;
}

static int fragment_end(struct encoder *n, struct err *e)
{
	struct str content = { (const char *)n->collected.v.p, n->collected.v.n };
	struct fragment f;
	int r;

	if (content.n == 0)
		return 0;
	r = erofs_cut_fragment(n->a, content, n->how, &f.cluster, &f.bytes, e);
	if (r < 0)
		return r;
	vec_push(n->a, &n->fragments) = f;
	n->collected = (struct buf){ .a = n->a };
	return 0;
}

static int rest_collect(struct encoder *n, struct cutting *c, struct err *e)
{
	int r = n->collected.v.n + c->rest > EROFS_FRAGMENT_BYTES ? fragment_end(n, e) : 0;

	if (r < 0)
		return r;
	c->content.fragment = (uint32_t)n->fragments.n;
	c->content.fragment_offset = (uint32_t)n->collected.v.n;
	buf_put(&n->collected, c->data.p + c->data.n - c->rest, c->rest);
	return 0;
}

static int fragments_cut(struct encoder *n, struct err *e)
{
	int r = 0;

	n->collected.a = n->a;
	for (unsigned class = 0; class < FILE_CLASSES && r == 0; class ++) {
		for (size_t i = 0; i < n->contents.n && r == 0; i++)
			if (n->contents.p[i].class == class && n->contents.p[i].rest > 0)
				r = rest_collect(n, &n->contents.p[i], e);
		if (r == 0)
			r = fragment_end(n, e);
	}
	vec_each(f, &n->fragments)
		segments_add(n->a, &n->blocks, f->bytes.p, f->bytes.n);
	return r;
}

/* Users, groups, languages and the like repeat. */
static struct pack_disk_str string_put(struct encoder *n, struct str s)
{
	uint32_t *known = map_get(&n->string_offsets, s);
	uint32_t offset = known ? *known : (uint32_t)n->strings.v.n;

	if (!known) {
		map_put(n->a, &n->string_offsets, s, offset);
		buf_put(&n->strings, s.p, s.n);
	}
	return (struct pack_disk_str){ htole32(offset), htole32((uint32_t)s.n) };
}

static void cluster_put(struct buf *b, const struct erofs_cluster *c)
{
	struct pack_disk_cluster d = { htole32(c->n_bytes), htole16(c->n_blocks),
				       htole16(c->plain) };

	buf_put(b, &d, sizeof(d));
}

static void content_put(struct buf *b, const struct cutting *c)
{
	struct pack_disk_content d = {
		.size_bytes = htole64(c->data.n),
		.n_clusters = htole32(c->content.n_clusters),
		.fragment = htole32(c->content.fragment),
		.fragment_offset = htole32(c->content.fragment_offset),
		.tail_bytes = htole32((uint32_t)c->content.tail.n),
	};

	memcpy(d.sha256, c->sha256, SHA256_BYTES);
	buf_put(b, &d, sizeof(d));
}

static struct str xattrs_encode(struct arena *a, const vec_xattr *xattrs)
{
	struct buf b = { .a = a };

	vec_each(x, xattrs)
		buf_printf(&b, "%s%.*s=%.*s", b.v.n > 0 ? " " : "",
			   STR_FMT(hex_encode(a, x->name.p, x->name.n)),
			   STR_FMT(hex_encode(a, x->value.p, x->value.n)));
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static void file_put(struct encoder *n, struct buf *b, const struct rpm_file *f, uint32_t content)
{
	struct pack_disk_file d = {
		.path = string_put(n, f->path),
		.target = string_put(n, S_ISLNK(f->mode) ? f->data : (struct str){ 0 }),
		.user = string_put(n, f->user),
		.group = string_put(n, f->group),
		.xattrs = string_put(n, xattrs_encode(n->a, &f->xattrs)),
		.lang = string_put(n, f->lang),
		.mtime_sec = htole64(f->mtime_sec),
		.size_bytes = htole64(file_has_content(f) ? f->data.n : f->size_bytes),
		.mode = htole32(f->mode),
		.flags = htole32(f->flags),
		.rdev_major = htole32(f->rdev_major),
		.rdev_minor = htole32(f->rdev_minor),
		.link_group = htole32(f->link_group),
		.content = htole32(content),
	};

	buf_put(b, &d, sizeof(d));
}

/* All that stands between leaves and strings. */
static void tables_put(struct encoder *n, struct pack_disk_header *h, struct segments *behind)
{
	struct buf b = { .a = n->a };

	vec_each(f, &n->fragments)
		cluster_put(&b, &f->cluster);
	vec_each(c, &n->contents) {
		for (uint32_t i = 0; i < c->content.n_clusters; i++)
			cluster_put(&b, &c->content.clusters[i]);
		h->n_clusters += c->content.n_clusters;
		buf_put(&n->tails, c->content.tail.p, c->content.tail.n);
	}
	vec_each(c, &n->contents)
		content_put(&b, c);
	for (size_t i = 0; i < n->package->files.n; i++)
		file_put(n, &b, &n->package->files.p[i], n->content_of[i]);
	h->n_clusters = htole32(h->n_clusters);
	h->n_fragments = htole32((uint32_t)n->fragments.n);
	h->n_contents = htole32((uint32_t)n->contents.n);
	h->n_files = htole32((uint32_t)n->package->files.n);
	h->tails_bytes = htole32((uint32_t)n->tails.v.n);
	segments_add(n->a, behind, b.v.p, b.v.n);
	segments_add(n->a, behind, n->tails.v.p, n->tails.v.n);
}

static void leaves_put(struct encoder *n, struct segments *behind)
{
	uint8_t salt[VERITY_SALT_BYTES], *ret, *next;

	verity_salt(salt);
	ret = next = arena_array(n->a, n->blocks.size_bytes / EROFS_BLOCK_BYTES, SHA256_BYTES);
	vec_each(s, &n->blocks.v) {
		size_t n_blocks = s->size_bytes / EROFS_BLOCK_BYTES;

		sha256_blocks(salt, sizeof(salt), s->data, EROFS_BLOCK_BYTES, n_blocks, next);
		next += n_blocks * SHA256_BYTES;
	}
	segments_add(n->a, behind, ret, (size_t)(next - ret));
}

/* A dependency a line. */
static struct str claims_text(struct arena *a, const struct rpm_package *p)
{
	struct buf b = { .a = a };
	vec_dep claims = { 0 };

	claims_put(a, p, &claims);
	vec_each(d, &claims)
		buf_printf(&b, "%.*s\n", STR_FMT(dep_text(a, d)));
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static void header_fill(struct encoder *n, struct pack_disk_header *h, struct str recipe)
{
	const struct rpm_meta *m = &n->package->meta;

	memcpy(h->magic, PACK_MAGIC, sizeof(h->magic));
	h->version = htole32(PACK_VERSION);
	h->codec = htole32(n->how->codec);
	h->n_blocks = htole32((uint32_t)(n->blocks.size_bytes / EROFS_BLOCK_BYTES));
	h->recipe = string_put(n, recipe);
	h->name = string_put(n, m->name);
	h->version_of = string_put(n, m->version);
	h->release = string_put(n, m->release);
	h->arch = string_put(n, m->arch);
	h->license = string_put(n, m->license);
	h->claims = string_put(n, claims_text(n->a, n->package));
	h->epoch = htole64(m->epoch);
	h->build_time_sec = htole64(n->package->build_time_sec);
	h->strings_bytes = htole32((uint32_t)n->strings.v.n);
}

/* The header's block, with the digest of what follows. */
static const uint8_t *header_block(struct encoder *n, const struct pack_disk_header *h,
				   const struct segments *behind)
{
	uint8_t *block = arena_alloc(n->a, PACK_HEADER_BYTES);
	struct sha256 hash;

	memcpy(block, h, sizeof(*h));
	sha256_init(&hash);
	sha256_update(&hash, block + PACK_DIGESTED_FROM, PACK_HEADER_BYTES - PACK_DIGESTED_FROM);
	vec_each(s, &behind->v)
		sha256_update(&hash, s->data, s->size_bytes);
	sha256_final(&hash, block + PACK_DIGEST_OFFSET);
	return block;
}

static int limits_check(const struct encoder *n, const struct pack_disk_header *h, struct err *e)
{
	if (n->package->files.n > PACK_RECORDS_MAX || le32toh(h->n_clusters) > PACK_RECORDS_MAX)
		return err_set(e, -EFBIG, "%zu files in %u clusters; a pack holds at most %d",
			       n->package->files.n, le32toh(h->n_clusters), PACK_RECORDS_MAX);
	if (n->blocks.size_bytes > PACK_BLOCKS_BYTES_MAX || n->tails.v.n > PACK_TABLE_BYTES_MAX ||
	    n->strings.v.n > PACK_TABLE_BYTES_MAX)
		return err_set(e, -EFBIG, "%llu bytes of blocks are too much for a pack",
			       (unsigned long long)n->blocks.size_bytes);
	if (n->strings.v.n > 0 && memchr(n->strings.v.p, '\0', n->strings.v.n))
		return err_set(e, -EINVAL, "a name or link target has a NUL in it");
	return 0;
}

static int encode(struct encoder *n, struct str recipe, struct pack_disk_header *h,
		  struct segments *ret, struct err *e)
{
	struct segments behind = { 0 }, all = { 0 };
	int r = rpm_files_check(&n->package->files, e);

	if (r < 0)
		return r;
	contents_find(n);
	r = contents_cut(n, e);
	if (r == 0)
		r = fragments_cut(n, e);
	if (r < 0)
		return r;
	leaves_put(n, &behind);
	tables_put(n, h, &behind);
	header_fill(n, h, recipe);
	segments_add(n->a, &behind, n->strings.v.p, n->strings.v.n);
	segments_add(n->a, &all, header_block(n, h, &behind), PACK_HEADER_BYTES);
	segments_append(n->a, &all, &n->blocks);
	segments_append(n->a, &all, &behind);
	*ret = all;
	return limits_check(n, h, e);
}

static void rpm_put(struct pack_disk_header *h, const struct pack_rpm *rpm)
{
	h->rpm_bytes = htole64(rpm->bytes);
	h->rpm_front_bytes = htole32((uint32_t)rpm->front_bytes);
	memcpy(h->rpm_sha256, rpm->sha256, SHA256_BYTES);
	memcpy(h->rpm_front_sha256, rpm->front_sha256, SHA256_BYTES);
}

int pack_encode(struct arena *a, struct str recipe, const struct rpm_package *p,
		const struct pack_rpm *rpm, const struct erofs_compression *how,
		struct segments *ret, struct err *e)
{
	struct encoder n = {
		.a = a, .package = p, .how = how, .tails = { .a = a }, .strings = { .a = a }
	};
	struct pack_disk_header h = { 0 };
	struct segments bytes;
	int r;

	if (rpm)
		rpm_put(&h, rpm);
	r = encode(&n, recipe, &h, &bytes, e);
	if (r < 0)
		return err_wrap(e, r, "pack of '%.*s'", STR_FMT(p->meta.name));
	*ret = bytes;
	return 0;
}
