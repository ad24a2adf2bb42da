/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include "tree/tree_diff.h"

static void parse(struct arena *a, const char *text, struct tree *ret)
{
	struct err e = { 0 };

	assert_ok(tree_parse(a, str_c(text), "test", ret, &e), &e);
}

/* All of it as text. */
static struct str diff(struct arena *a, const struct tree *x, const struct tree *y)
{
	vec_tree_difference differences;
	struct buf b = { .a = a };

	tree_diff(a, x, y, &differences);
	vec_each(d, &differences) {
		buf_printf(&b, "%c %.*s",
			   d->before == TREE_NONE  ? '+'
			   : d->after == TREE_NONE ? '-'
						   : '~',
			   STR_FMT(d->path));
		vec_each(attr, &d->attributes)
			buf_printf(&b, " %s %.*s>%.*s", attr->name, STR_FMT(attr->before),
				   STR_FMT(attr->after));
		buf_printf(&b, "\n");
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

/* The texts' difference is @want, also when contents are digests; and turned round there is as
 * much. */
static void assert_diff(const char *x_text, const char *y_text, const char *want)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct tree x, y, x_digested, y_digested;
	vec_tree_difference differences, turned;
	struct err e = { 0 };

	parse(&a, x_text, &x);
	parse(&a, y_text, &y);
	assert_str(diff(&a, &x, &y), want);
	assert_str(diff(&a, &x, &x), "");
	assert_ok(tree_digested(&a, &x, &x_digested, &e), &e);
	assert_ok(tree_digested(&a, &y, &y_digested, &e), &e);
	assert_str(diff(&a, &x_digested, &y_digested), want);
	assert_str(diff(&a, &x, &x_digested), "");
	tree_diff(&a, &x, &y, &differences);
	tree_diff(&a, &y, &x, &turned);
	assert_int_equal(differences.n, turned.n);
}

static void test_equal(void **state)
{
	static const char text[] = "d 0755 0 0 - 1 /a\nf 0644 0 0 2 1 /a/b <x\\n>\n"
				   "f 0644 0 0 2 1 /a/c link=/a/b\nl 0777 0 0 - 1 /l -> a\n";

	(void)state;
	assert_diff(text, text, "");
	assert_diff("", "", "");
}

static void test_files(void **state)
{
	(void)state;
	assert_diff("f 0644 0 0 - 1 /a <1>\nf 0644 0 0 - 1 /b <1>\n", "f 0644 0 0 - 1 /a <1>\n",
		    "- /b\n");
	assert_diff("f 0644 0 0 - 1 /a/x <1>\nf 0644 0 0 - 1 /a-b <1>\n",
		    "f 0644 0 0 - 1 /a/y <1>\nf 0644 0 0 - 1 /a-b/z <1>\n",
		    "- /a/x\n~ /a-b type file>directory mode 0644>0755 mtime 1970-01-01T00:00:01Z>"
		    "1970-01-01T00:00:00Z size 1>- content "
		    "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b>-\n"
		    "+ /a/y\n+ /a-b/z\n");
	assert_diff("f 0644 0 0 - 1 /a\\x1bb <1>\n", "", "- /a\\x1bb\n");
}

static void test_attributes(void **state)
{
	(void)state;
	assert_diff("f 0644 0 0 - 0 /f <1>\n", "f 4755 0 0 - 0 /f <1>\n", "~ /f mode 0644>4755\n");
	assert_diff("f 0644 0 7 - 0 /f <1>\n", "f 0644 1 0 - 0 /f <1>\n",
		    "~ /f user 0>1 group 7>0\n");
	assert_diff("f 0644 0 0 - 0 /f <1>\n", "f 0644 0 0 - 1794441600 /f <1>\n",
		    "~ /f mtime 1970-01-01T00:00:00Z>2026-11-12T00:00:00Z\n");
	assert_diff("f 0644 0 0 - 99999999999999 /f <1>\n", "f 0644 0 0 - 0 /f <1>\n",
		    "~ /f mtime 99999999999999>1970-01-01T00:00:00Z\n");
	assert_diff("f 0644 0 0 - 0 /f <1>\n", "f 0644 0 0 - 0 /f <1> caps=cap_chown=ep\n",
		    "~ /f xattrs ->cap_chown=ep\n");
	assert_diff("l 0777 0 0 - 0 /l -> a\n", "l 0777 0 0 - 0 /l -> b\\x20c\n",
		    "~ /l target a>b\\x20c\n");
	assert_diff("c 0644 0 0 1:3 0 /c\n", "c 0644 0 0 1:5 0 /c\n", "~ /c device 1:3>1:5\n");
	assert_diff("c 0644 0 0 1:3 0 /c\n", "b 0644 0 0 1:3 0 /c\n",
		    "~ /c type character-device>block-device\n");
	assert_diff("f 0644 0 0 - 0 /f <12>\n", "f 0644 0 0 - 0 /f <21>\n",
		    "~ /f content 6b51d431df5d7f141cbececcf79edf3dd861c3b4069f0b11661a3eefacbba918>"
		    "6f4b6612125fb3a0daecd2799dfd6c9c299424fd920f9b308110a2c1fbd8f443\n");
	assert_diff("f 0644 0 0 - 0 /f <>\n", "f 0644 0 0 - 0 /f <12>\n",
		    "~ /f size 0>2 content "
		    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855>"
		    "6b51d431df5d7f141cbececcf79edf3dd861c3b4069f0b11661a3eefacbba918\n");
}

static void test_links(void **state)
{
	(void)state;
	assert_diff("f 0644 0 0 - 0 /a <1>\nf 0644 0 0 - 0 /b <1>\nf 0644 0 0 - 0 /c <1>\n",
		    "f 0644 0 0 - 0 /a <1>\nf 0644 0 0 - 0 /b <1>\nf 0644 0 0 - 0 /c link=/b\n",
		    "~ /b links 1>2:/b\n~ /c links 1>2:/b\n");
}

/* Each tree has its own names; a number without one stays a number. */
static void test_owner_names(void **state)
{
	(void)state;
	assert_diff("f 0644 0 0 - 0 /etc/group <g:x:7:\\n>\n"
		    "f 0644 0 0 - 0 /etc/passwd <root:x:0:0::/:/\\nu\\x1b:x:5:5::/:/\\n>\n"
		    "f 0644 5 7 - 0 /f <1>\n",
		    "f 0644 0 0 - 0 /etc/group <g:x:7:\\n>\n"
		    "f 0644 0 0 - 0 /etc/passwd <root:x:0:0::/:/\\nu\\x1b:x:5:5::/:/\\n>\n"
		    "f 0644 0 8 - 0 /f <1>\n",
		    "~ /f user u\\x1b(5)>root(0) group g(7)>8\n");
}

/* Who would own whose files. */
static void test_ids(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct tree x, y;
	struct str said;

	(void)state;
	parse(&a,
	      "f 0644 0 0 - 1 /etc/passwd <root:x:0:0::/:/\\nold:x:5:5::/:/\\napp:x:998:998::/:/\\n>\n",
	      &x);
	parse(&a,
	      "f 0644 0 0 - 1 /etc/passwd <root:x:0:0::/:/\\napp:x:999:998::/:/\\nnew:x:998:998::/:/\\n>\n",
	      &y);
	said = diff(&a, &x, &y);
	assert_true(
		str_has(said, " id of user old 5>- id of user app 998>999 id of user new ->998\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),      cmocka_unit_test(test_files),
		cmocka_unit_test(test_attributes), cmocka_unit_test(test_links),
		cmocka_unit_test(test_ids),        cmocka_unit_test(test_owner_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
