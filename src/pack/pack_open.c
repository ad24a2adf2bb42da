/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/rd.h"
#include "disk/verity.h"
#include "pack/pack_format.h"
#include "rpm/claims.h"

enum { BLOCKS_AT_ONCE = 64 };

/* Where the parts lie in the file, all inside it. */
struct parts {
	const struct pack_disk_header *header;
	const uint8_t *blocks, *leaves;
	const struct pack_disk_cluster *fragments, *clusters;
	const struct pack_disk_content *contents;
	const struct pack_disk_file *files;
	const uint8_t *tails;
	const char *strings;
	uint32_t n_blocks, n_fragments, n_clusters, n_contents, n_files, tails_bytes, strings_bytes;
	const char *bad; /* what is wrong, or NULL; sticks */
};

/* What of the blocks, clusters and tails has found its owner. */
struct given {
	uint64_t blocks, clusters, tails;
};

static void bad(struct parts *p, const char *what)
{
	if (!p->bad)
		p->bad = what;
}

/* The part of @n records of @size bytes that comes next in @r. */
static const void *part(struct rd *r, uint64_t n, size_t size)
{
	return rd_bytes(r, n * size);
}

/* The records are packed structs: they lie at any address. */
static void parts_find(struct parts *p, const uint8_t *data, size_t n)
{
	struct rd r = { .p = data, .n = n, .pos = PACK_HEADER_BYTES };
	const struct pack_disk_header *h = p->header;

	p->n_blocks = le32toh(h->n_blocks);
	p->n_fragments = le32toh(h->n_fragments);
	p->n_clusters = le32toh(h->n_clusters);
	p->n_contents = le32toh(h->n_contents);
	p->n_files = le32toh(h->n_files);
	p->tails_bytes = le32toh(h->tails_bytes);
	p->strings_bytes = le32toh(h->strings_bytes);
	p->blocks = part(&r, p->n_blocks, EROFS_BLOCK_BYTES);
	p->leaves = part(&r, p->n_blocks, SHA256_BYTES);
	p->fragments = part(&r, p->n_fragments, sizeof(*p->fragments));
	p->clusters = part(&r, p->n_clusters, sizeof(*p->clusters));
	p->contents = part(&r, p->n_contents, sizeof(*p->contents));
	p->files = part(&r, p->n_files, sizeof(*p->files));
	p->tails = part(&r, p->tails_bytes, 1);
	p->strings = part(&r, p->strings_bytes, 1);
	if (r.bad || r.pos != n)
		bad(p, "not of the size that its header says");
}

/* Blocks are not looked at: that is for who uses them, when he does. */
static void digest_check(struct parts *p, const uint8_t *data, size_t n)
{
	uint8_t digest[SHA256_BYTES];
	struct sha256 hash;

	sha256_init(&hash);
	sha256_update(&hash, data + PACK_DIGESTED_FROM, PACK_HEADER_BYTES - PACK_DIGESTED_FROM);
	sha256_update(&hash, p->leaves, (size_t)(data + n - p->leaves));
	sha256_final(&hash, digest);
	if (memcmp(digest, p->header->sha256, SHA256_BYTES) != 0)
		bad(p, "not of the digest that its header says");
}

static void header_check(struct parts *p)
{
	const struct pack_disk_header *h = p->header;

	if (memcmp(h->magic, PACK_MAGIC, sizeof(h->magic)) != 0)
		bad(p, "not a pack");
	else if (le32toh(h->version) != PACK_VERSION)
		bad(p, "of another version");
	else if (le32toh(h->codec) >= EROFS_CODEC_COUNT)
		bad(p, "an unknown codec");
}

static struct str string_get(struct parts *p, struct pack_disk_str s)
{
	uint32_t offset = le32toh(s.offset), n = le32toh(s.n_bytes);

	if (offset > p->strings_bytes || n > p->strings_bytes - offset) {
		bad(p, "a name beyond its names");
		return (struct str){ 0 };
	}
	return (struct str){ p->strings + offset, n };
}

/* Each is whole blocks, filled by its content but for less than one if it is stored as it is. */
static struct erofs_cluster cluster_get(struct parts *p, const struct pack_disk_cluster *d)
{
	struct erofs_cluster c = { le32toh(d->n_bytes), le16toh(d->n_blocks), d->plain != 0 };
	uint64_t disk_bytes = (uint64_t)c.n_blocks * EROFS_BLOCK_BYTES;

	if (c.n_bytes == 0 || c.n_blocks == 0 || le16toh(d->plain) > 1 ||
	    (c.plain && (c.n_bytes > disk_bytes || disk_bytes - c.n_bytes >= EROFS_BLOCK_BYTES)))
		bad(p, "a cluster of impossible size");
	return c;
}

/* The next @n_blocks that nobody has yet. */
static struct segment blocks_take(struct parts *p, struct given *g, const struct pack *pack,
				  uint64_t n_blocks)
{
	struct segment s = { .size_bytes = n_blocks * EROFS_BLOCK_BYTES, .blocks = &pack->blocks };

	if (n_blocks > p->n_blocks - g->blocks) {
		bad(p, "content beyond its blocks");
		return (struct segment){ 0 };
	}
	if (n_blocks == 0)
		return (struct segment){ 0 };
	s.data = p->blocks + g->blocks * EROFS_BLOCK_BYTES;
	g->blocks += n_blocks;
	return s;
}

/* Content that stands in blocks as it is, but for a tail. */
static void flat_get(struct parts *p, struct given *g, const struct pack *pack, uint32_t tail_bytes,
		     struct erofs_content *c)
{
	uint64_t in_blocks = c->size_bytes - tail_bytes;

	if (tail_bytes > c->size_bytes || tail_bytes > p->tails_bytes - g->tails ||
	    (tail_bytes > 0 && in_blocks % EROFS_BLOCK_BYTES != 0) ||
	    c->size_bytes > PACK_BLOCKS_BYTES_MAX) {
		bad(p, "a tail of impossible size");
		return;
	}
	c->blocks =
		blocks_take(p, g, pack, (in_blocks + EROFS_BLOCK_BYTES - 1) / EROFS_BLOCK_BYTES);
	if (tail_bytes > 0)
		c->tail = (struct str){ (const char *)p->tails + g->tails, tail_bytes };
	g->tails += tail_bytes;
}

static bool fragment_has(const struct pack *pack, const struct erofs_content *c, uint64_t n)
{
	uint32_t there =
		c->fragment < pack->n_fragments ? pack->fragments[c->fragment].cluster.n_bytes : 0;

	return n <= there && c->fragment_offset <= there - n;
}

static void clusters_get(struct parts *p, struct given *g, const struct pack *pack,
			 const struct erofs_cluster *clusters, struct erofs_content *c)
{
	uint64_t in_clusters = 0, n_blocks = 0, rest;

	if (c->n_clusters > p->n_clusters - g->clusters) {
		bad(p, "content beyond its clusters");
		return;
	}
	if (c->n_clusters > 0)
		c->clusters = clusters + g->clusters;
	g->clusters += c->n_clusters;
	for (uint32_t i = 0; i < c->n_clusters; i++) {
		if (in_clusters % EROFS_BLOCK_BYTES != 0)
			bad(p, "a cluster that begins inside a block");
		in_clusters += c->clusters[i].n_bytes;
		n_blocks += c->clusters[i].n_blocks;
	}
	rest = c->size_bytes - in_clusters;
	if (c->fragment == EROFS_NO_FRAGMENT
		    ? rest != 0
		    : in_clusters >= c->size_bytes || in_clusters % EROFS_BLOCK_BYTES != 0 ||
			      !fragment_has(pack, c, rest))
		bad(p, "content whose parts are not its size");
	else
		c->blocks = blocks_take(p, g, pack, n_blocks);
}

static void contents_get(struct parts *p, struct given *g, struct pack *pack,
			 const struct erofs_cluster *clusters)
{
	for (uint32_t i = 0; i < p->n_contents && !p->bad; i++) {
		const struct pack_disk_content *d = &p->contents[i];
		struct pack_file *f = &pack->files[i];
		struct erofs_content *c = &f->content;

		f->pack = pack;
		memcpy(f->sha256, d->sha256, SHA256_BYTES);
		c->size_bytes = le64toh(d->size_bytes);
		c->n_clusters = le32toh(d->n_clusters);
		c->fragment = le32toh(d->fragment);
		c->fragment_offset = le32toh(d->fragment_offset);
		if (c->n_clusters == 0 && c->fragment == EROFS_NO_FRAGMENT)
			flat_get(p, g, pack, le32toh(d->tail_bytes), c);
		else if (d->tail_bytes != 0)
			bad(p, "a tail of compressed content");
		else
			clusters_get(p, g, pack, clusters, c);
	}
}

static void blocks_get(struct arena *a, struct parts *p, struct pack *pack)
{
	struct erofs_cluster *clusters = arena_array(a, p->n_clusters, sizeof(*clusters));
	struct given g = { 0 };

	pack->codec = (enum erofs_codec)le32toh(p->header->codec);
	pack->n_fragments = p->n_fragments;
	pack->fragments = arena_array(a, p->n_fragments, sizeof(*pack->fragments));
	pack->n_files = p->n_contents;
	pack->files = arena_array(a, p->n_contents, sizeof(*pack->files));
	for (uint32_t i = 0; i < p->n_clusters; i++)
		clusters[i] = cluster_get(p, &p->clusters[i]);
	for (uint32_t i = 0; i < p->n_fragments; i++)
		pack->fragments[i].cluster = cluster_get(p, &p->fragments[i]);
	if (pack->codec == EROFS_CODEC_NONE && p->n_clusters + p->n_fragments > 0)
		bad(p, "clusters without a codec");
	contents_get(p, &g, pack, clusters);
	for (uint32_t i = 0; i < p->n_fragments && !p->bad; i++)
		pack->fragments[i].blocks =
			blocks_take(p, &g, pack, pack->fragments[i].cluster.n_blocks);
	if (g.blocks != p->n_blocks || g.clusters != p->n_clusters || g.tails != p->tails_bytes)
		bad(p, "blocks, clusters or tails of no content");
}

/* Bytes of hexadecimal digits, or none when they are not. */
static struct str bytes_get(struct arena *a, struct parts *p, struct str hex)
{
	char *bytes = arena_alloc(a, hex.n / 2 + 1);

	if (!hex_decode(hex, bytes, hex.n / 2)) {
		bad(p, "xattrs that are not hexadecimal");
		return (struct str){ 0 };
	}
	return (struct str){ bytes, hex.n / 2 };
}

static void xattrs_get(struct arena *a, struct parts *p, struct str words, vec_xattr *ret)
{
	while (words.n > 0 && !p->bad) {
		struct str value = str_cut(&words, ' '), name = str_cut(&value, '=');

		name = bytes_get(a, p, name);
		value = bytes_get(a, p, value);
		if (ret->n > 0 && str_cmp(ret->p[ret->n - 1].name, name) >= 0)
			bad(p, "xattrs that are not in order");
		vec_push(a, ret) = (struct xattr){ name, value };
	}
}

static void file_get(struct arena *a, struct parts *p, const struct pack *pack,
		     const struct pack_disk_file *d, struct rpm_file *f)
{
	uint32_t content = le32toh(d->content);

	f->path = string_get(p, d->path);
	f->data = string_get(p, d->target);
	f->user = string_get(p, d->user);
	f->group = string_get(p, d->group);
	xattrs_get(a, p, string_get(p, d->xattrs), &f->xattrs);
	f->lang = string_get(p, d->lang);
	f->mtime_sec = le64toh(d->mtime_sec);
	f->size_bytes = le64toh(d->size_bytes);
	f->mode = le32toh(d->mode);
	f->flags = le32toh(d->flags);
	f->rdev_major = le32toh(d->rdev_major);
	f->rdev_minor = le32toh(d->rdev_minor);
	f->link_group = le32toh(d->link_group);
	if (!S_ISLNK(f->mode) && f->data.n > 0)
		bad(p, "a link target of what is no link");
	if (!(S_ISREG(f->mode) && !(f->flags & FILE_GHOST))) {
		if (content != PACK_NO_CONTENT)
			bad(p, "content of what is no file");
		return;
	}
	if (content >= pack->n_files || pack->files[content].content.size_bytes != f->size_bytes) {
		bad(p, "a file without its content");
		return;
	}
	f->packed = &pack->files[content];
	memcpy(f->sha256, f->packed->sha256, SHA256_BYTES);
}

static void claims_get(struct arena *a, struct parts *p, struct str text,
		       struct rpm_package *package)
{
	while (text.n > 0) {
		struct dep d;

		if (!dep_parse(str_cut(&text, '\n'), &d) || !claim_take(a, &d, package))
			bad(p, "a claim of files that is none");
	}
}

static void package_get(struct arena *a, struct parts *p, struct pack *pack)
{
	const struct pack_disk_header *h = p->header;
	vec_rpm_file *files = &pack->package.files;
	struct rpm_meta *m = &pack->package.meta;

	/* one look at all of them together */
	if (p->strings_bytes > 0 && memchr(p->strings, '\0', p->strings_bytes))
		bad(p, "a name with a NUL in it");
	pack->recipe = string_get(p, h->recipe);
	m->name = string_get(p, h->name);
	m->version = string_get(p, h->version_of);
	m->release = string_get(p, h->release);
	m->arch = string_get(p, h->arch);
	m->license = string_get(p, h->license);
	claims_get(a, p, string_get(p, h->claims), &pack->package);
	m->epoch = le64toh(h->epoch);
	pack->package.build_time_sec = le64toh(h->build_time_sec);
	pack->rpm.bytes = le64toh(h->rpm_bytes);
	pack->rpm.front_bytes = le32toh(h->rpm_front_bytes);
	memcpy(pack->rpm.sha256, h->rpm_sha256, SHA256_BYTES);
	memcpy(pack->rpm.front_sha256, h->rpm_front_sha256, SHA256_BYTES);
	if (pack->rpm.front_bytes > pack->rpm.bytes)
		bad(p, "a front that is larger than its package");
	files->n = files->cap = p->n_files;
	files->p = arena_array(a, p->n_files, sizeof(*files->p));
	for (uint32_t i = 0; i < p->n_files && !p->bad; i++)
		file_get(a, p, pack, &p->files[i], &files->p[i]);
}

static int parse(struct arena *a, const uint8_t *data, size_t n, struct pack *pack, struct err *e)
{
	struct parts p = { 0 };

	p.header = (const struct pack_disk_header *)data; /* see map() */
	header_check(&p);
	if (!p.bad)
		parts_find(&p, data, n);
	if (!p.bad)
		digest_check(&p, data, n);
	if (!p.bad) {
		pack->blocks = (struct segment_blocks){ pack->blocks.fd, data, PACK_HEADER_BYTES,
							p.n_blocks, p.leaves };
		blocks_get(a, &p, pack);
	}
	if (!p.bad)
		package_get(a, &p, pack);
	if (p.bad)
		return err_set(e, -EBADMSG, "%s", p.bad);
	return rpm_files_check(&pack->package.files, e);
}

static int map(int fd, uint8_t **ret, size_t *ret_n, struct err *e)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat");
	if (!S_ISREG(st.st_mode) || st.st_size < PACK_HEADER_BYTES)
		return err_set(e, -EBADMSG, "shorter than a header");
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, "map");
	*ret = p;
	*ret_n = (size_t)st.st_size;
	return 0;
}

static int damaged(int r, const char *path, struct err *e)
{
	return err_wrap(e, r, r == -EBADMSG ? "pack '%s' is damaged" : "pack '%s'", path);
}

int pack_open(struct arena *a, const char *path, struct pack **ret, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct pack *pack = arena_new(a, struct pack);
	uint8_t *data = NULL;
	size_t n = 0;
	int r;

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	r = map(fd, &data, &n, e);
	if (r < 0)
		return damaged(r, path, e);
	pack->path = str_z(a, str_c(path));
	pack->blocks.fd = fd;
	r = parse(a, data, n, pack, e);
	if (r < 0) {
		munmap(data, n);
		return damaged(r, path, e);
	}
	pack->mapped_bytes = n;
	take_fd(&fd);
	*ret = pack;
	return 0;
}

void pack_close(struct pack *p)
{
	if (!p)
		return;
	munmap((void *)p->blocks.data, p->mapped_bytes);
	close_p(&p->blocks.fd);
}

int pack_read(struct arena *a, const struct pack_file *f, struct str *ret, struct err *e)
{
	const struct pack *p = f->pack;
	uint8_t digest[SHA256_BYTES];
	struct str s;
	int r = erofs_content_read(a, p->codec, &f->content, p->fragments, p->n_fragments, &s, e);

	if (r == 0) {
		sha256(s.p, s.n, digest);
		if (memcmp(digest, f->sha256, SHA256_BYTES) != 0)
			r = err_set(e, -EBADMSG, "content not of the digest that its table says");
	}
	if (r < 0)
		return damaged(r, p->path, e);
	*ret = s;
	return 0;
}

bool pack_blocks_good(const struct segment *s)
{
	const uint8_t *leaf, *data = s->data;
	uint8_t salt[VERITY_SALT_BYTES], digests[BLOCKS_AT_ONCE * SHA256_BYTES];

	verity_salt(salt);
	leaf = s->blocks->leaves + (uint64_t)(data - s->blocks->data - s->blocks->first) /
					   EROFS_BLOCK_BYTES * SHA256_BYTES;
	for (uint64_t left = s->size_bytes / EROFS_BLOCK_BYTES; left > 0;) {
		size_t n = left < BLOCKS_AT_ONCE ? left : BLOCKS_AT_ONCE;

		sha256_blocks(salt, sizeof(salt), data, EROFS_BLOCK_BYTES, n, digests);
		if (memcmp(digests, leaf, n * SHA256_BYTES) != 0)
			return false;
		data += n * EROFS_BLOCK_BYTES;
		leaf += n * SHA256_BYTES;
		left -= n;
	}
	return true;
}

void pack_discard(const struct pack *p)
{
	struct stat mapped, there;

	/* unless another build has put a new one in its place */
	if (fstat(p->blocks.fd, &mapped) == 0 && stat(p->path, &there) == 0 &&
	    mapped.st_dev == there.st_dev && mapped.st_ino == there.st_ino)
		unlink(p->path);
}
