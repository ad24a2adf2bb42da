/* SPDX-License-Identifier: MIT */
#include "disk/xattr.h"

#include "disk/caps.h"

void xattr_set(struct arena *a, vec_xattr *xattrs, struct str name, struct str value)
{
	size_t at = 0;

	while (at < xattrs->n && str_cmp(xattrs->p[at].name, name) < 0)
		at++;
	if (at == xattrs->n || !str_eq(xattrs->p[at].name, name)) {
		(void)vec_push(a, xattrs);
		memmove(&xattrs->p[at + 1], &xattrs->p[at],
			(xattrs->n - 1 - at) * sizeof(*xattrs->p));
	}
	xattrs->p[at] = (struct xattr){ name, value };
}

const struct str *xattr_get(const vec_xattr *xattrs, const char *name)
{
	vec_each(x, xattrs)
		if (str_eqz(x->name, name))
			return &x->value;
	return NULL;
}

bool xattrs_same(const vec_xattr *x, const vec_xattr *y)
{
	if (x->n != y->n)
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (!str_eq(x->p[i].name, y->p[i].name) || !str_eq(x->p[i].value, y->p[i].value))
			return false;
	return true;
}

vec_xattr xattrs_dup(struct arena *a, const vec_xattr *xattrs)
{
	vec_xattr ret = { 0 };

	vec_each(x, xattrs)
		vec_push(a, &ret) = (struct xattr){ str_dup(a, x->name), str_dup(a, x->value) };
	return ret;
}

struct str xattrs_caps(struct arena *a, const vec_xattr *xattrs)
{
	const struct str *value = xattr_get(xattrs, XATTR_CAPS);

	return value ? caps_text(a, *value) : (struct str){ 0 };
}

struct str xattrs_text(struct arena *a, const vec_xattr *xattrs)
{
	struct str caps = xattrs_caps(a, xattrs);
	struct buf b = { .a = a };

	buf_put(&b, caps.p, caps.n);
	vec_each(x, xattrs) {
		if (caps.n > 0 && str_eqz(x->name, XATTR_CAPS))
			continue;
		buf_printf(&b, "%s%.*s=%.*s", b.v.n > 0 ? " " : "", STR_FMT(x->name),
			   STR_FMT(hex_encode(a, x->value.p, x->value.n)));
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}
