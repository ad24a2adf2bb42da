/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "image/resolve.h"
#include "keys/keys.h"
#include "store/cache.h"

struct cache_options {
	struct common_options common;
	const char *unused_for, *size;
	bool dry_run;
};

enum {
	UNUSED_DAYS = 30,
	UNUSED_DAYS_MAX = 36500,
	DAY_SEC = 86400,
	DATE_CHARACTERS = 10 /* "2026-01-31" */
};

#define O(member) offsetof(struct cache_options, member)
static const struct option_def options[] = {
	{ "unused-for", 0, OPTION_TEXT, "DAYS",
	  "prune: what was not used for so many days goes (default: 30)", O(unused_for), false },
	{ "size", 0, OPTION_TEXT, "SIZE",
	  "prune: then what was used least recently, until all has this size", O(size), false },
	{ "dry-run", 'n', OPTION_FLAG, NULL, "prune: print what would go, and remove nothing",
	  O(dry_run), false },
	{ 0 },
};

static void print_event(struct json *j)
{
	struct str text;

	json_end_object(j);
	text = json_text(j);
	printf("%.*s\n", STR_FMT(text));
}

static struct str date(struct arena *a, uint64_t sec)
{
	time_t t = (time_t)sec;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return str_dup(a, str_c(text));
}

static void entry_json(struct arena *a, const struct cache_entry *entry, const char *event)
{
	struct json j = { .b = { .a = a } };

	json_object(&j, NULL);
	json_str(&j, "event", str_c(event));
	json_str(&j, "kind", str_c(entry->kind));
	json_str(&j, "path", str_c(entry->path));
	json_str(&j, "text", cache_entry_text(a, entry));
	json_u64(&j, "size-bytes", entry->size_bytes);
	json_str(&j, "used", date(a, entry->used_sec));
	print_event(&j);
}

static void entry_text(struct arena *a, const struct cache_entry *entry)
{
	struct str used = str_head(date(a, entry->used_sec), DATE_CHARACTERS),
		   text = cache_entry_text(a, entry);

	printf("%-10s %9.1f kB  %.*s  %.*s\n", entry->kind, (double)entry->size_bytes / 1e3,
	       STR_FMT(used), STR_FMT(text));
}

static void total(struct arena *a, const struct cache_options *o, const char *event,
		  const char *kind, size_t n, uint64_t bytes)
{
	struct json j = { .b = { .a = a } };

	if (!o->common.json) {
		printf("%-10s %9.1f MB  in %zu\n", kind, (double)bytes / 1e6, n);
		return;
	}
	json_object(&j, NULL);
	json_str(&j, "event", str_c(event));
	json_str(&j, "kind", str_c(kind));
	json_u64(&j, "entries", n);
	json_u64(&j, "size-bytes", bytes);
	print_event(&j);
}

/* Of each kind, and of all. */
static void totals(struct arena *a, const struct cache_options *o, const char *event,
		   const vec_cache_entry *entries)
{
	uint64_t kind_bytes = 0, all_bytes = 0;
	size_t n = 0;

	if (!o->common.json && entries->n > 0)
		putchar('\n');
	vec_each(entry, entries) {
		const struct cache_entry *next = entry + 1;

		n++;
		kind_bytes += entry->size_bytes;
		if (next < entries->p + entries->n && strcmp(next->kind, entry->kind) == 0)
			continue;
		total(a, o, event, entry->kind, n, kind_bytes);
		all_bytes += kind_bytes;
		kind_bytes = n = 0;
	}
	total(a, o, event, "all", entries->n, all_bytes);
}

static int list(struct arena *a, const void *options_, char **args, struct err *e)
{
	const struct cache_options *o = options_;
	vec_cache_entry entries;
	int r = cache_list(a, o->common.cache, &entries, e);

	(void)args;
	if (r < 0)
		return r;
	vec_each(entry, &entries) {
		if (o->common.json)
			entry_json(a, entry, "cache-entry");
		else if (!o->common.quiet)
			entry_text(a, entry);
	}
	totals(a, o, "cache-total", &entries);
	return 0;
}

static int limits_of(const struct cache_options *o, struct cache_limits *ret, struct err *e)
{
	uint64_t days = UNUSED_DAYS, now_sec = (uint64_t)time(NULL);

	if (o->unused_for && !str_u64(str_c(o->unused_for), UNUSED_DAYS_MAX, &days))
		return err_set(e, -EINVAL, "'--unused-for' is '%s'; want a number of days",
			       o->unused_for);
	ret->used_after_sec = days * DAY_SEC < now_sec ? now_sec - days * DAY_SEC : 0;
	/* of what was used in this very second, too */
	if (days == 0)
		ret->used_after_sec = UINT64_MAX;
	ret->size_bytes = UINT64_MAX;
	if (o->size && !str_size(str_c(o->size), &ret->size_bytes))
		return err_set(e, -EINVAL, "'--size' is '%s'; want a size like 4GiB", o->size);
	return 0;
}

static int prune(struct arena *a, const void *options_, char **args, struct err *e)
{
	const struct cache_options *o = options_;
	_cleanup_close_ int held = -1;
	vec_cache_entry entries, go;
	struct cache_limits limits;
	uint64_t bytes = 0;
	int r = limits_of(o, &limits, e);

	(void)args;
	if (r == 0)
		r = cache_hold(o->common.cache, true, o->common.progress, &held, e);
	if (r == 0)
		r = cache_list(a, o->common.cache, &entries, e);
	if (r < 0)
		return r;
	cache_prune_choose(a, &entries, &limits, &go);
	vec_each(entry, &go) {
		bytes += entry->size_bytes;
		if (o->common.json)
			entry_json(a, entry, "cache-prune");
		else if (o->dry_run && !o->common.quiet)
			entry_text(a, entry);
	}
	r = o->dry_run ? 0 : cache_prune(o->common.cache, &go, e);
	if (r == 0 && !o->common.json && !o->common.quiet)
		printf("%s: %zu of %zu entries, %.1f MB, %s\n", o->common.cache, go.n, entries.n,
		       (double)bytes / 1e6, o->dry_run ? "would go" : "removed");
	return r;
}

static void reason_show(struct arena *a, const struct cache_options *o,
			const struct cache_reason *reason)
{
	struct json j = { .b = { .a = a } };

	if (!o->common.json) {
		printf("%-32s  %.*s\n", str_z(a, reason->what),
		       STR_FMT(reason->there ? STR("there") : reason->why));
		return;
	}
	json_object(&j, NULL);
	json_str(&j, "event", STR("cache-reason"));
	json_str(&j, "what", reason->what);
	json_bool(&j, "there", reason->there);
	json_str(&j, "why", reason->why);
	print_event(&j);
}

static int reasons_of(struct arena *a, const struct image_options *o, const struct resolved *res,
		      const struct openpgp_key *key, struct cache_reason **ret, struct err *e)
{
	const struct store_options store = image_store_options(o, res, key);

	return cache_explain(a, o->cache, store_recipes(a, &store, res->wants, res->n), res->n, ret,
			     e);
}

static int explain(struct arena *a, const void *options_, char **args, struct err *e)
{
	const struct cache_options *o = options_;
	struct image_options image = image_options(&o->common, args[0]);
	struct cache_reason *reasons;
	struct resolved res;
	struct keys keys;
	int r = keys_read(a, o->common.keys, image.now_sec, true, &keys, e);

	if (r < 0)
		return r;
	if (!keys.package_signing)
		r = err_set(e, -ENOENT, "no package-signing.pem or .uri in '%s'", o->common.keys);
	if (r == 0)
		r = image_resolve_now(a, &image, &res, e);
	if (r == 0)
		r = reasons_of(a, &image, &res, keys.package_signing, &reasons, e);
	for (size_t i = 0; r == 0 && i < res.n; i++)
		reason_show(a, o, &reasons[i]);
	keys_done(&keys);
	return r < 0 ? err_wrap(e, r, "image '%s'", args[0]) : 0;
}

static const struct action actions[] = {
	{ "list", "", 0, false, list },
	{ "explain", " IMAGE", 1, false, explain },
	{ "prune", "", 0, true, prune },
	{ 0 },
};

static int run(struct arena *a, void *options_, char **args, struct err *e)
{
	const struct cache_options *o = options_;

	return action_run(a, "cache", actions, o,
			  o->unused_for || o->size || o->dry_run
				  ? "--unused-for, --size or --dry-run"
				  : NULL,
			  args, e);
}

const struct verb verb_cache = {
	.name = "cache",
	.args = "list|explain IMAGE|prune",
	.help = "list, explain and prune what builds keep",
	.description =
		"list prints what the folder that --cache names holds, when each was used last, and the sum of each kind: "
		"downloads; converted packages; packs, which are packages cut into blocks of an image, and what was generated "
		"from them; solutions, and the universe of packages that they were chosen from, index by index.\n\n"
		"explain says of each package of IMAGE whether its pack is there. If not, it names what differs from the pack "
		"that is most like it.\n\n"
		"prune removes what was not used for a time, then, with --size, what was used least recently. It waits for "
		"builds that use the cache; builds wait for it. Whatever is removed, the next build makes again, to the same "
		"bytes.\n\n"
		"A damaged entry needs no attention: a build notices it, says so, and makes it again.",
	.example = "ashlar cache prune --size 4GiB",
	.options = options,
	.options_size = sizeof(struct cache_options),
	.min_args = 1,
	.max_args = 2,
	.run = run,
};
