/* SPDX-License-Identifier: MIT */
#include "tree/tree_diff.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

static const char passwd[] = "/etc/passwd", group[] = "/etc/group";

/* One of the trees, with what is known of it only when all is seen. */
struct side {
	const struct tree *t;
	vec_id ids;      /* in order */
	uint32_t *names; /* by the node that holds the content: how many names it has */
	uint32_t *first; /* and the first of them */
};

static void side_init(struct arena *a, const struct tree *t, struct side *ret)
{
	*ret = (struct side){ .t = t };
	tree_walk(a, t, &ret->ids);
	ret->names = arena_array(a, t->nodes.n, sizeof(*ret->names));
	ret->first = arena_array(a, t->nodes.n, sizeof(*ret->first));
	vec_each(id, &ret->ids) {
		uint32_t holder = tree_holder(t, *id);

		if (ret->names[holder]++ == 0)
			ret->first[holder] = *id;
	}
}

/* Exactly that path; without following links, for both trees are complete. */
static uint32_t find(const struct tree *t, struct str path)
{
	const uint32_t *id = map_get(&t->paths, path);

	return id ? *id : TREE_NONE;
}

/* The name before the number in passwd(5) or group(5). */
static struct str id_name(struct arena *a, const struct tree *t, const char *file, uint32_t number)
{
	uint32_t id = tree_find(t, str_c(file));
	struct str text;
	struct err ignored;

	if (id == TREE_NONE || !S_ISREG(t->nodes.p[id].mode) ||
	    tree_read(a, t, id, &text, &ignored) < 0)
		return (struct str){ 0 };
	while (text.n > 0) {
		struct str row = str_cut(&text, '\n'), name = str_cut(&row, ':');
		uint64_t n;

		str_cut(&row, ':');
		if (str_u64(str_cut(&row, ':'), UINT32_MAX, &n) && n == number)
			return name;
	}
	return (struct str){ 0 };
}

static struct str owner_text(struct arena *a, const struct tree *t, const char *file, uint32_t id)
{
	struct str name = id_name(a, t, file, id);

	return name.n > 0 ? str_printf(a, "%.*s(%u)", STR_FMT(tree_escaped(a, name)), id)
			  : str_printf(a, "%u", id);
}

/* Each gives the attribute's text; equal texts are equal attributes. */
typedef struct str (*attribute_text)(struct arena *a, const struct side *s, uint32_t id);

static struct str type_text(struct arena *a, const struct side *s, uint32_t id)
{
	static const struct {
		uint32_t type;
		const char *name;
	} types[] = { { S_IFREG, "file" },         { S_IFDIR, "directory" },
		      { S_IFLNK, "link" },         { S_IFCHR, "character-device" },
		      { S_IFBLK, "block-device" }, { S_IFIFO, "pipe" },
		      { S_IFSOCK, "socket" } };
	uint32_t mode = s->t->nodes.p[id].mode;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].type == (mode & S_IFMT))
			return str_c(types[i].name);
	return str_printf(a, "%o", mode & S_IFMT);
}

static struct str mode_text(struct arena *a, const struct side *s, uint32_t id)
{
	return str_printf(a, "%04o", s->t->nodes.p[id].mode & 07777);
}

/* Of numbers; names come when they differ. */
static struct str user_text(struct arena *a, const struct side *s, uint32_t id)
{
	return str_printf(a, "%u", s->t->nodes.p[id].uid);
}

static struct str group_text(struct arena *a, const struct side *s, uint32_t id)
{
	return str_printf(a, "%u", s->t->nodes.p[id].gid);
}

/* UTC. A year that no calendar has stays a number. */
static struct str mtime_text(struct arena *a, const struct side *s, uint32_t id)
{
	uint64_t sec = s->t->nodes.p[id].mtime_sec;
	time_t t = (time_t)sec;
	struct tm tm;

	if (sec > UINT32_MAX || !gmtime_r(&t, &tm))
		return str_printf(a, "%llu", (unsigned long long)sec);
	return str_printf(a, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
			  tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static struct str xattr_text(struct arena *a, const struct side *s, uint32_t id)
{
	const vec_xattr *xattrs = &s->t->nodes.p[id].xattrs;

	return xattrs->n > 0 ? tree_escaped(a, xattrs_text(a, xattrs)) : STR("-");
}

static struct str target_text(struct arena *a, const struct side *s, uint32_t id)
{
	const struct tree_node *n = &s->t->nodes.p[id];

	return S_ISLNK(n->mode) ? tree_escaped(a, n->data) : STR("-");
}

static struct str device_text(struct arena *a, const struct side *s, uint32_t id)
{
	const struct tree_node *n = &s->t->nodes.p[id];

	return S_ISCHR(n->mode) || S_ISBLK(n->mode)
		       ? str_printf(a, "%u:%u", n->rdev_major, n->rdev_minor)
		       : STR("-");
}

static struct str links_text(struct arena *a, const struct side *s, uint32_t id)
{
	uint32_t holder = tree_holder(s->t, id);

	if (s->names[holder] == 1)
		return STR("1");
	return str_printf(a, "%u:%.*s", s->names[holder],
			  STR_FMT(tree_escaped(a, tree_path(a, s->t, s->first[holder]))));
}

static struct str size_text(struct arena *a, const struct side *s, uint32_t id)
{
	return S_ISREG(s->t->nodes.p[id].mode)
		       ? str_printf(a, "%llu", (unsigned long long)tree_size(s->t, id))
		       : STR("-");
}

static struct str content_text(struct arena *a, const struct side *s, uint32_t id)
{
	uint8_t digest[SHA256_BYTES];

	if (!S_ISREG(s->t->nodes.p[id].mode))
		return STR("-");
	tree_sha256(s->t, id, digest);
	return hex_encode(a, digest, sizeof(digest));
}

static const struct {
	const char *name;
	attribute_text text;
	const char *names; /* the file that has names for these numbers */
} attributes[] = {
	{ "type", type_text, NULL },       { "mode", mode_text, NULL },
	{ "user", user_text, passwd },     { "group", group_text, group },
	{ "mtime", mtime_text, NULL },     { "xattrs", xattr_text, NULL },
	{ "target", target_text, NULL },   { "device", device_text, NULL },
	{ "links", links_text, NULL },     { "size", size_text, NULL },
	{ "content", content_text, NULL },
};

/* What is equal leaves no trace in @a: most of it is. */
static void attribute_diff(struct arena *a, const struct side *x, const struct side *y, size_t i,
			   struct tree_difference *d)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	struct str before = attributes[i].text(&scratch, x, d->before),
		   after = attributes[i].text(&scratch, y, d->after);
	uint64_t id;

	if (str_eq(before, after))
		return;
	if (attributes[i].names && str_u64(before, UINT32_MAX, &id))
		before = owner_text(&scratch, x->t, attributes[i].names, (uint32_t)id);
	if (attributes[i].names && str_u64(after, UINT32_MAX, &id))
		after = owner_text(&scratch, y->t, attributes[i].names, (uint32_t)id);
	vec_push(a, &d->attributes) = (struct tree_attribute){
		attributes[i].name,
		str_dup(a, before),
		str_dup(a, after),
	};
}

static struct str account_id(struct str text, struct str name)
{
	while (text.n > 0) {
		struct str row = str_cut(&text, '\n');

		if (!str_eq(str_cut(&row, ':'), name))
			continue;
		str_cut(&row, ':');
		return str_cut(&row, ':');
	}
	return (struct str){ 0 };
}

/* passwd(5) and group(5) in words: an id that is another one gives files to somebody else. */
static void accounts_diff(struct arena *a, const struct side *x, const struct side *y,
			  struct tree_difference *d)
{
	struct str path = tree_path(a, x->t, d->before), texts[2];
	const char *kind = str_eqz(path, passwd) ? "user" : "group";
	struct err ignored;

	if (!tree_diff_reads(path) || !S_ISREG(x->t->nodes.p[d->before].mode) ||
	    !S_ISREG(y->t->nodes.p[d->after].mode) ||
	    tree_read(a, x->t, d->before, &texts[0], &ignored) < 0 ||
	    tree_read(a, y->t, d->after, &texts[1], &ignored) < 0)
		return;
	for (size_t i = 0; i < 2; i++) /* those of before, then those that only after has */
		for (struct str text = texts[i]; text.n > 0;) {
			struct str row = str_cut(&text, '\n'), name = str_cut(&row, ':');
			struct str id = account_id(texts[0], name), to = account_id(texts[1], name);

			if (str_eq(id, to) || (i == 1 && id.n > 0))
				continue;
			vec_push(a, &d->attributes) = (struct tree_attribute){
				str_z(a, str_printf(a, "id of %s %.*s", kind,
						    STR_FMT(tree_escaped(a, name)))),
				id.n > 0 ? tree_escaped(a, id) : STR("-"),
				to.n > 0 ? tree_escaped(a, to) : STR("-"),
			};
		}
}

void tree_diff(struct arena *a, const struct tree *before, const struct tree *after,
	       vec_tree_difference *ret)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	struct side x, y;

	*ret = (vec_tree_difference){ 0 };
	side_init(&scratch, before, &x);
	side_init(&scratch, after, &y);
	vec_each(id, &x.ids) {
		struct str path = tree_path(&scratch, before, *id);
		struct tree_difference d = { .before = *id, .after = find(after, path) };

		for (size_t i = 0;
		     d.after != TREE_NONE && i < sizeof(attributes) / sizeof(*attributes); i++)
			attribute_diff(a, &x, &y, i, &d);
		if (d.after != TREE_NONE && d.attributes.n > 0)
			accounts_diff(a, &x, &y, &d);
		if (d.after != TREE_NONE && d.attributes.n == 0)
			continue;
		d.path = tree_escaped(a, path);
		vec_push(a, ret) = d;
	}
	vec_each(id, &y.ids) {
		struct str path = tree_path(&scratch, after, *id);

		if (find(before, path) == TREE_NONE)
			vec_push(a, ret) = (struct tree_difference){ .path = tree_escaped(a, path),
								     .before = TREE_NONE,
								     .after = *id };
	}
}

bool tree_diff_reads(struct str path)
{
	return str_eqz(path, passwd) || str_eqz(path, group);
}

/* All of a node but its content. */
static int node_digested(struct tree *to, const struct tree *t, uint32_t id, uint32_t *places,
			 struct err *e)
{
	const struct tree_node *n = &t->nodes.p[id];
	struct str path = tree_path(to->a, t, id);
	struct tree_node *out;
	int r = tree_put(to, path, n->mode, (struct str){ 0 }, n->owner, &places[id], e);

	if (r < 0)
		return r;
	out = &to->nodes.p[places[id]];
	out->user = str_dup(to->a, n->user);
	out->group = str_dup(to->a, n->group);
	out->uid = n->uid;
	out->gid = n->gid;
	out->mtime_sec = n->mtime_sec;
	out->rdev_major = n->rdev_major;
	out->rdev_minor = n->rdev_minor;
	out->xattrs = xattrs_dup(to->a, &n->xattrs);
	if (S_ISLNK(n->mode)) {
		out->data = str_dup(to->a, n->data);
	} else if (S_ISREG(n->mode) && tree_diff_reads(path)) {
		r = tree_read(to->a, t, id, &out->data, e);
		out->data = str_dup(to->a, out->data);
	} else if (S_ISREG(n->mode)) {
		uint8_t digest[SHA256_BYTES];

		tree_sha256(t, id, digest);
		out->unread_sha256 = hex_encode(to->a, digest, sizeof(digest));
		out->unread_bytes = tree_size(t, id);
	}
	return r;
}

int tree_digested(struct arena *a, const struct tree *t, struct tree *ret, struct err *e)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	uint32_t *places = arena_array(&scratch, t->nodes.n, sizeof(*places));
	vec_id ids;
	int r = 0;

	tree_init(a, ret);
	tree_walk(&scratch, t, &ids);
	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = node_digested(ret, t, ids.p[i], places, e);
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		uint32_t to = t->nodes.p[ids.p[i]].link_to;

		if (to != TREE_NONE)
			ret->nodes.p[places[ids.p[i]]].link_to = places[to];
	}
	ret->resolved = t->resolved;
	vec_each(owner, &t->owners)
		vec_push(a, &ret->owners) = str_dup(a, *owner);
	return r;
}
