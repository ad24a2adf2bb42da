/* SPDX-License-Identifier: MIT */
#include "upstream/transfer.h"

#include "base/hash.h"
#include "base/io.h"
#include "upstream/fetch.h"
#include "upstream/mirror.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 18 };

/* One file on its way. */
struct item {
	const struct transfer *transfer;
	struct fetch fetch;
	size_t index;
	char *path, *temp; /* @temp: while a try is on */
	int fd;
	struct sha256 hash;
	uint64_t size_bytes;
	struct set *set;
};

struct set {
	struct arena a;
	struct progress *progress;
	unsigned stage;
	transfer_done done;
	void *arg;
};

static void item_drop(struct item *it)
{
	if (!it->temp)
		return;
	/* Modular: takes back what the lost try had added. */
	progress_add(it->set->progress, it->set->stage, -it->size_bytes);
	close_p(&it->fd);
	file_discard(it->temp);
	sha256_done(&it->hash);
	it->temp = NULL;
}

static int item_begin(void *arg, struct err *e)
{
	struct item *it = arg;
	int rc;

	item_drop(it);
	rc = file_temp(&it->set->a, it->path, 0644, &it->fd, &it->temp, e);
	if (rc < 0) {
		it->temp = NULL;
		return rc;
	}
	sha256_init(&it->hash);
	it->size_bytes = 0;
	return 0;
}

static int item_data(void *arg, const void *p, size_t n, struct err *e)
{
	struct item *it = arg;
	uint64_t max = it->transfer->size_bytes;

	if (n > max - it->size_bytes)
		return err_set(e, -EBADMSG, "more than %llu bytes came", (unsigned long long)max);
	it->size_bytes += n;
	sha256_update(&it->hash, p, n);
	progress_add(it->set->progress, it->set->stage, n);
	return fd_write(it->fd, p, n, it->temp, e);
}

static int digest_check(const struct item *it, const uint8_t digest[SHA256_BYTES], struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };

	if (memcmp(digest, it->transfer->sha256, SHA256_BYTES) == 0)
		return 0;
	return err_set(e, -EBADMSG, "SHA-256 is %.*s, want %.*s",
		       STR_FMT(hex_encode(&a, digest, SHA256_BYTES)),
		       STR_FMT(hex_encode(&a, it->transfer->sha256, SHA256_BYTES)));
}

static int item_end(void *arg, struct err *e)
{
	struct item *it = arg;
	uint8_t digest[SHA256_BYTES];
	int rc;

	if (it->size_bytes != it->transfer->size_bytes)
		return err_set(e, -EBADMSG, "%llu bytes came, want %llu",
			       (unsigned long long)it->size_bytes,
			       (unsigned long long)it->transfer->size_bytes);
	sha256_final(&it->hash, digest);
	it->hash = (struct sha256){ 0 };
	rc = digest_check(it, digest, e);
	if (rc < 0)
		return rc;
	rc = file_commit_cache(it->fd, it->temp, it->path, e);
	if (rc < 0)
		return rc;
	close_p(&it->fd);
	it->temp = NULL;
	it->set->done(it->set->arg, it->index, it->path);
	return 0;
}

static const struct fetch_sink item_sink = { item_begin, item_data, item_end };

/* Whether the file is there, whole and right. */
static bool item_present(const struct item *it)
{
	_cleanup_close_ int fd = open(it->path, O_RDONLY | O_CLOEXEC);
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t digest[SHA256_BYTES], *buffer;
	struct sha256 hash;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	if ((uint64_t)st.st_size != it->transfer->size_bytes)
		return false;
	buffer = arena_alloc(&a, READ_BYTES);
	sha256_init(&hash);
	while ((n = read(fd, buffer, READ_BYTES)) > 0)
		sha256_update(&hash, buffer, (size_t)n);
	sha256_final(&hash, digest);
	return n == 0 && memcmp(digest, it->transfer->sha256, SHA256_BYTES) == 0;
}

char *transfer_path(struct arena *a, const char *cache, const uint8_t sha256[SHA256_BYTES])
{
	return str_z(a, str_printf(a, "%s/downloads/%.*s", cache,
				   STR_FMT(hex_encode(a, sha256, SHA256_BYTES))));
}

/* The items to fetch; for what is there already, done() is called. */
static struct fetch **missing_find(struct set *set, const char *cache,
				   const struct transfer *transfers, size_t n, struct item *items,
				   size_t *ret_n, uint64_t *ret_bytes)
{
	struct fetch **fetches = arena_array(&set->a, n, sizeof(*fetches));

	*ret_n = 0;
	*ret_bytes = 0;
	for (size_t i = 0; i < n; i++) {
		struct item *it = &items[i];

		*it = (struct item){ .transfer = &transfers[i], .index = i, .fd = -1, .set = set };
		it->path = transfer_path(&set->a, cache, transfers[i].sha256);
		if (item_present(it)) {
			file_used(it->path);
			set->done(set->arg, i, it->path);
			continue;
		}
		*ret_bytes += transfers[i].size_bytes;
		it->fetch = (struct fetch){ .url = transfers[i].url,
					    .other_url = transfers[i].other_url,
					    .name = transfers[i].name,
					    .size_bytes = transfers[i].size_bytes,
					    .may_miss = transfers[i].may_miss,
					    .sink = &item_sink,
					    .arg = it };
		fetches[(*ret_n)++] = &it->fetch;
	}
	return fetches;
}

/* What apt knows, and the logins that stand in the URLs of the mirrors. */
static int access_read(struct arena *a, const struct transfer *transfers, size_t n,
		       struct apt_conf *ret, struct err *e)
{
	VEC(const struct conf_upstream *) seen = { 0 };
	int rc = apt_conf_read(a, ret, e);

	for (size_t i = 0; i < n && rc >= 0; i++) {
		const struct conf_upstream *u = transfers[i].upstream;

		for (size_t k = 0; k < seen.n && u; k++)
			if (seen.p[k] == u)
				u = NULL;
		if (!u)
			continue;
		vec_push(a, &seen) = u;
		rc = mirrors_resolve(a, u, arena_array(a, u->suites.n, sizeof(struct str)),
				     &ret->auth, e);
	}
	return rc;
}

int transfer_run(const struct transfer *transfers, size_t n, const char *cache,
		 unsigned first_delay_ms, struct progress *progress, transfer_done done, void *arg,
		 struct err *e)
{
	struct set set = { .progress = progress, .done = done, .arg = arg };
	struct item *items = arena_array(&set.a, n, sizeof(*items));
	const char *dir = path_join(&set.a, cache, "downloads");
	struct fetch **fetches;
	struct apt_conf apt;
	uint64_t bytes;
	size_t n_missing;
	int rc = dir_make(dir, e);

	if (rc >= 0) {
		fetches = missing_find(&set, cache, transfers, n, items, &n_missing, &bytes);
		if (n_missing > 0) {
			set.stage = progress_begin(progress, "download", "B", bytes);
			rc = access_read(&set.a, transfers, n, &apt, e);
			if (rc >= 0)
				rc = fetch_all(&set.a, fetches, n_missing, first_delay_ms, &apt,
					       progress, e);
			for (size_t i = 0; i < n; i++)
				item_drop(&items[i]);
			progress_end(progress, set.stage);
		}
	}
	arena_done(&set.a);
	return rc;
}

int transfer_all(const struct transfer *transfers, size_t n, const char *cache,
		 struct progress *progress, transfer_done done, void *arg, struct err *e)
{
	return transfer_run(transfers, n, cache, FETCH_FIRST_DELAY_MS, progress, done, arg, e);
}
