/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "tree/tree.h"

#include "disk/caps.h"

static const struct {
	char letter;
	uint32_t type;
} types[] = { { 'f', S_IFREG }, { 'd', S_IFDIR }, { 'l', S_IFLNK }, { 'c', S_IFCHR },
	      { 'b', S_IFBLK }, { 'p', S_IFIFO }, { 's', S_IFSOCK } };

static char type_letter(uint32_t mode)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == (mode & S_IFMT))
			return types[i].letter;
	return '?';
}

/* One blank separates fields, so in fields it is escaped; in text it is not. */
static void put_escaped(struct buf *b, struct str s, bool text)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (text && c == '\n')
			buf_put(b, "\\n", 2);
		else if ((c == ' ' && !text) || c < ' ' || c > '~' || c == '\\' || c == '<' ||
			 c == '>')
			buf_printf(b, "\\x%02x", c);
		else
			buf_u8(b, c);
	}
}

struct str tree_escaped(struct arena *a, struct str s)
{
	struct buf b = { .a = a };

	put_escaped(&b, s, false);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static bool is_text(struct str s)
{
	if (s.n > TREE_TEXT_BYTES_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < ' ' && s.p[i] != '\n' && s.p[i] != '\t') || s.p[i] > '~')
			return false;
	return true;
}

static void put_owner(struct buf *b, bool number, struct str name, uint32_t id)
{
	if (number || name.n == 0)
		buf_printf(b, " %u", id);
	else {
		buf_u8(b, ' ');
		put_escaped(b, name, false);
	}
}

static void put_content(struct buf *b, const struct tree *t, uint32_t id)
{
	const struct tree_node *n = &t->nodes.p[id];
	uint8_t digest[SHA256_BYTES];

	if (!n->packed && n->unread_sha256.n == 0 && is_text(n->data)) {
		buf_put(b, " <", 2);
		put_escaped(b, n->data, true);
		buf_u8(b, '>');
		return;
	}
	tree_sha256(t, id, digest);
	buf_printf(b, " = %.*s", STR_FMT(hex_encode(b->a, digest, sizeof(digest))));
}

/* @shown: of every inode, by the node that holds its content, the node that stands first in the
 * dump. That one shows the content and the others name it, whichever of them holds it here. */
static void put_file(struct buf *b, const struct tree *t, uint32_t id, uint32_t *shown)
{
	uint32_t holder = tree_holder(t, id);

	if (shown[holder] == 0) {
		shown[holder] = id;
		put_content(b, t, holder);
		return;
	}
	buf_put(b, " link=", 6);
	put_escaped(b, tree_path(b->a, t, shown[holder]), false);
}

static void put_size(struct buf *b, const struct tree *t, uint32_t id)
{
	const struct tree_node *n = &t->nodes.p[id];

	if (S_ISREG(n->mode))
		buf_printf(b, " %llu", (unsigned long long)tree_size(t, id));
	else if (S_ISCHR(n->mode) || S_ISBLK(n->mode))
		buf_printf(b, " %u:%u", n->rdev_major, n->rdev_minor);
	else
		buf_put(b, " -", 2);
}

/* Capabilities in words, all others as bytes. */
static void put_xattrs(struct buf *b, const vec_xattr *xattrs)
{
	struct str caps = xattrs_caps(b->a, xattrs);

	if (caps.n > 0)
		buf_printf(b, " caps=%.*s", STR_FMT(caps));
	vec_each(x, xattrs) {
		if (caps.n > 0 && str_eqz(x->name, XATTR_CAPS))
			continue;
		buf_u8(b, ' ');
		put_escaped(b, x->name, false);
		buf_printf(b, "=%.*s", STR_FMT(hex_encode(b->a, x->value.p, x->value.n)));
	}
}

static void put_node(struct buf *b, const struct tree *t, uint32_t id, uint32_t *shown)
{
	const struct tree_node *n = &t->nodes.p[id];

	buf_printf(b, "%c %04o", type_letter(n->mode), n->mode & 07777);
	put_owner(b, t->resolved, n->user, n->uid);
	put_owner(b, t->resolved, n->group, n->gid);
	put_size(b, t, id);
	buf_printf(b, " %llu ", (unsigned long long)n->mtime_sec);
	put_escaped(b, tree_path(b->a, t, id), false);
	if (S_ISREG(n->mode)) {
		put_file(b, t, id, shown);
	} else if (S_ISLNK(n->mode)) {
		buf_put(b, " -> ", 4);
		put_escaped(b, n->data, false);
	}
	put_xattrs(b, &n->xattrs);
	buf_u8(b, '\n');
}

struct str tree_dump(struct arena *a, const struct tree *t)
{
	uint32_t *shown = arena_array(a, t->nodes.n, sizeof(*shown));
	struct buf b = { .a = a };
	vec_id ids;

	tree_walk(a, t, &ids);
	vec_each(id, &ids)
		put_node(&b, t, *id, shown);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

/* One line being read. */
struct line {
	struct arena *a;
	const char *name;
	unsigned number;
	struct err *e;
};

static int line_err(struct line *l, const char *what, struct str value)
{
	return err_set(l->e, -EBADMSG, "%s:%u: %s: '%.*s'", l->name, l->number, what,
		       STR_FMT(value));
}

static bool unescape_one(struct str *s, struct buf *b)
{
	uint8_t c = (uint8_t)s->p[0];
	size_t used = 1;

	if (c == '\\') {
		if (s->n >= 2 && (s->p[1] == 'n' || s->p[1] == 't')) {
			c = s->p[1] == 'n' ? '\n' : '\t';
			used = 2;
		} else if (s->n >= 4 && s->p[1] == 'x' &&
			   hex_decode((struct str){ s->p + 2, 2 }, &c, 1)) {
			used = 4;
		} else {
			return false;
		}
	}
	buf_u8(b, c);
	*s = str_from(*s, used);
	return true;
}

static int unescape(struct line *l, struct str s, struct str *ret)
{
	struct buf b = { .a = l->a };
	struct str rest = s;

	vec_reserve(l->a, &b.v, s.n);
	while (rest.n > 0)
		if (!unescape_one(&rest, &b))
			return line_err(l, "unknown escape, want \\n, \\t or \\xNN", s);
	*ret = (struct str){ (const char *)b.v.p, b.v.n };
	return 0;
}

static int parse_mode(struct line *l, struct str type, struct str octal, uint32_t *ret)
{
	uint32_t mode = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (type.n == 1 && type.p[0] == types[i].letter)
			mode = types[i].type;
	if (mode == 0)
		return line_err(l, "want a type, one of f d l c b p s", type);
	for (size_t i = 0; i < octal.n; i++) {
		if (octal.n > 4 || octal.p[i] < '0' || octal.p[i] > '7')
			return line_err(l, "want a mode in octal", octal);
		mode |= (uint32_t)(octal.p[i] - '0') << (3 * (octal.n - 1 - i));
	}
	*ret = mode;
	return octal.n > 0 ? 0 : line_err(l, "want a mode in octal", octal);
}

static int parse_owner(struct line *l, struct str word, struct str *ret_name, uint32_t *ret_id)
{
	uint64_t id;

	if (str_u64(word, UINT32_MAX, &id)) {
		*ret_name = (struct str){ 0 };
		*ret_id = (uint32_t)id;
		return 0;
	}
	return word.n > 0 ? unescape(l, word, ret_name)
			  : line_err(l, "want a user and a group", word);
}

/* SIZE-or-DEVICE. */
static int parse_size(struct line *l, struct str word, struct tree_node *n, uint64_t *ret)
{
	uint64_t major, minor;
	struct str rest = word;

	if (S_ISCHR(n->mode) || S_ISBLK(n->mode)) {
		if (!str_u64(str_cut(&rest, ':'), UINT32_MAX, &major) ||
		    !str_u64(rest, UINT32_MAX, &minor))
			return line_err(l, "want a device's MAJOR:MINOR", word);
		n->rdev_major = (uint32_t)major;
		n->rdev_minor = (uint32_t)minor;
	} else if (!str_eqz(word, "-") && (!S_ISREG(n->mode) || !str_u64(word, INT64_MAX, ret))) {
		return line_err(l, "want '-', or a file's size", word);
	}
	return 0;
}

static int parse_link(struct line *l, struct str word, const struct tree *t, struct tree_node *n)
{
	struct str path;
	const uint32_t *id;
	int r = unescape(l, str_from(word, 5), &path);

	if (r < 0)
		return r;
	id = map_get(&t->paths, path);
	if (!id || !S_ISREG(t->nodes.p[*id].mode))
		return line_err(l, "a hard link to what is not a file above", word);
	n->link_to = t->nodes.p[*id].link_to == TREE_NONE ? *id : t->nodes.p[*id].link_to;
	return 0;
}

static int parse_xattr(struct line *l, struct str word, vec_xattr *ret)
{
	struct str value = word, name = str_cut(&value, '='), bytes;
	struct err why;
	int r;

	if (str_eqz(name, "caps")) {
		if (caps_parse(l->a, value, &bytes, &why) < 0)
			return line_err(l, "no capabilities", value);
		xattr_set(l->a, ret, STR(XATTR_CAPS), bytes);
		return 0;
	}
	r = unescape(l, name, &name);
	bytes = (struct str){ arena_alloc(l->a, value.n / 2 + 1), value.n / 2 };
	if (r == 0 && (name.n == word.n || !hex_decode(value, (char *)bytes.p, bytes.n)))
		return line_err(l, "unexpected", word);
	if (r == 0)
		xattr_set(l->a, ret, name, bytes);
	return r;
}

/* What follows the path. */
static int parse_rest(struct line *l, struct str rest, uint64_t size, const struct tree *t,
		      struct tree_node *n)
{
	uint8_t digest[SHA256_BYTES];
	struct str word;
	int r = 0;

	if (S_ISREG(n->mode) && str_starts(rest, "<") && str_find(rest, '>') > 0) {
		rest = str_from(rest, 1);
		r = unescape(l, str_cut(&rest, '>'), &n->data);
	} else if (S_ISREG(n->mode) && str_starts(rest, "link=")) {
		r = parse_link(l, str_word(&rest), t, n);
	} else if (S_ISREG(n->mode) && str_starts(rest, "= ")) {
		rest = str_from(rest, 2);
		n->unread_sha256 = str_word(&rest);
		if (!hex_decode(n->unread_sha256, digest, sizeof(digest)))
			return line_err(l, "want a SHA-256", n->unread_sha256);
		n->unread_bytes = size;
	} else if (S_ISLNK(n->mode) && str_starts(rest, "-> ")) {
		rest = str_from(rest, 3);
		r = unescape(l, str_word(&rest), &n->data);
	} else if (S_ISREG(n->mode) || S_ISLNK(n->mode)) {
		return line_err(
			l,
			"want <TEXT>, '= SHA256' or 'link=PATH' of a file, '-> TARGET' of a link",
			rest);
	}
	while (r == 0 && (word = str_word(&rest)).n > 0)
		r = parse_xattr(l, word, &n->xattrs);
	return r;
}

static int parse_fields(struct line *l, struct str row, const struct tree *t, struct str *ret_path,
			struct tree_node *ret)
{
	struct tree_node n = { .link_to = TREE_NONE, .owner = TREE_OWNER_GENERATOR };
	struct str type = str_word(&row), octal = str_word(&row), word;
	uint64_t size = 0;
	int r;

	r = parse_mode(l, type, octal, &n.mode);
	if (r == 0)
		r = parse_owner(l, str_word(&row), &n.user, &n.uid);
	if (r == 0)
		r = parse_owner(l, str_word(&row), &n.group, &n.gid);
	if (r == 0)
		r = parse_size(l, str_word(&row), &n, &size);
	word = str_word(&row);
	if (r == 0 && !str_u64(word, INT64_MAX, &n.mtime_sec))
		r = line_err(l, "want a time in seconds since 1970", word);
	if (r == 0)
		r = unescape(l, str_word(&row), ret_path);
	if (r == 0)
		r = parse_rest(l, str_trim(row), size, t, &n);
	if (r == 0)
		*ret = n;
	return r;
}

static int parse_line(struct line *l, struct str row, struct tree *t)
{
	struct tree_node n, *old;
	const uint32_t *known;
	struct str path;
	uint32_t id;
	int r;

	r = parse_fields(l, row, t, &path, &n);
	if (r < 0)
		return r;
	r = tree_check_path(path, l->e);
	if (r < 0)
		return err_wrap(l->e, r, "%s:%u", l->name, l->number);
	known = map_get(&t->paths, path);
	if (known && (t->nodes.p[*known].owner != TREE_OWNER_IMPLIED || !S_ISDIR(n.mode)))
		return line_err(l, "stands here twice", path);
	r = tree_make(t, path, &id, l->e);
	if (r < 0)
		return err_wrap(l->e, r, "%s:%u", l->name, l->number);
	old = &t->nodes.p[id];
	n.name = old->name;
	n.parent = old->parent;
	n.first_child = old->first_child;
	n.next_sibling = old->next_sibling;
	*old = n;
	if (n.link_to != TREE_NONE)
		t->nodes.p[n.link_to].linked = true;
	return 0;
}

int tree_parse(struct arena *a, struct str text, const char *name, struct tree *ret, struct err *e)
{
	struct line l = { .a = a, .name = name, .e = e };
	struct tree t;

	tree_init(a, &t);
	while (text.n > 0) {
		struct str row = str_trim(str_cut(&text, '\n'));
		int r;

		l.number++;
		if (row.n == 0 || row.p[0] == '#')
			continue;
		r = parse_line(&l, row, &t);
		if (r < 0)
			return r;
	}
	*ret = t;
	return 0;
}
