/* SPDX-License-Identifier: MIT */
#include "upstream/debian/deb_test.h"

#include "upstream/debian/scripts.h"
#include "upstream/debian/shell.h"

/* ---- the walk: which commands may a script reach? ---- */

struct reached {
	struct buf text;
};

static int reach(void *arg, const struct shell_command *c, struct err *e)
{
	struct reached *r = arg;

	(void)e;
	buf_printf(&r->text, "%u", c->line);
	vec_each(word, &c->words)
		buf_printf(&r->text, word->known ? " %.*s" : " <%.*s>", STR_FMT(word->text));
	vec_each(word, &c->writes)
		buf_printf(&r->text, word->known ? " >%.*s" : " ><%.*s>", STR_FMT(word->text));
	buf_printf(&r->text, "\n");
	return 0;
}

static int walk(struct arena *a, const char *script, struct str *ret, struct err *e)
{
	const struct str args[] = { STR("configure"), STR("") };
	struct reached r = { .text = { .a = a } };
	int rc = shell_walk(a, str_c(script), args, 2, reach, &r, e);

	*ret = buf_slice(&r.text);
	return rc;
}

static void test_walk(void **state)
{
	static const struct {
		const char *script, *reached;
	} cases[] = {
		{ "a b\n# c\nd 'e f' \"g\"h\\ i # j\n", "1 a b\n3 d e f gh i\n" },
		{ "a \\\n b\nc\n", "1 a b\n3 c\n" },
		{ "a; b & c && d || e | f\n", "1 a\n1 b\n1 c\n1 d\n1 e\n1 f\n" },
		/* redirections; digits behind & are no file */
		{ "a >x 2>&1 </y 3>>\"$1\"\n", "1 a >x >configure\n" },
		{ "cat <<EOF >x\nrm -rf /\nEOF\nb\n", "1 cat >x\n4 b\n" },
		{ "cat <<-'E' && b\n\tx\n\tE\nc\n", "1 cat\n1 b\n4 c\n" },
		/* conditions that the arguments decide */
		{ "if [ \"$1\" = configure ]; then a; else b; fi\n",
		  "1 [ configure = configure ]\n1 a\n" },
		{ "if [ \"$1\" != configure ]; then exit 0; fi; a\n",
		  "1 [ configure != configure ]\n1 a\n" },
		{ "if test -n \"$2\"; then a; fi\n", "1 test -n \n" },
		{ "[ -z \"$2\" ] && a || b\n", "1 [ -z  ]\n1 a\n1 b\n" },
		{ "! true || a\n", "1 true\n1 a\n" },
		{ "test \"$1\" = x -o \"$1\" = y || a\n",
		  "1 test configure = x -o configure = y\n1 a\n" },
		{ "if [ -f /x ]; then a; exit 0; else b; fi; c\n",
		  "1 [ -f /x ]\n1 a\n1 exit 0\n1 b\n1 c\n" },
		{ "if [ -f /x ]; then exit 0; else exit 1; fi; c\n",
		  "1 [ -f /x ]\n1 exit 0\n1 exit 1\n" },
		{ "if [ -d /run/systemd/system ]; then a; fi\n", "1 [ -d /run/systemd/system ]\n" },
		{ "dpkg --compare-versions \"$2\" lt-nl 1 && a\n",
		  "1 dpkg --compare-versions  lt-nl 1\n" },
		{ "dpkg --compare-versions \"$2\" lt 1 && a\n",
		  "1 dpkg --compare-versions  lt 1\n1 a\n" },
		{ "case \"$1\" in\n upgrade|configure) a ;;\n *) b ;;\nesac\n", "2 a\n" },
		{ "case \"$1\" in conf*) a;; esac; case $x in \"$1\") b;; *) c;; esac\n",
		  "1 a\n1 b\n1 c\n" },
		/* variables */
		{ "x=\"$1\"; if [ $x = upgrade ]; then a; fi\n", "1\n1 [ configure = upgrade ]\n" },
		{ "x=1; a || x=2; [ $x = 1 ] || b\n", "1\n1 a\n1\n1 [ <$x> = 1 ]\n1 b\n" },
		{ "x=0; while a; do [ $x = 0 ] || b; x=1; done\n",
		  "1\n1 a\n1 [ 0 = 0 ]\n1\n1 a\n1 [ <$x> = 0 ]\n1 b\n1\n" },
		{ "x=a; . /lib.sh; $x b\n", "1\n1 . /lib.sh\n1 <$x> b\n" },
		{ "a ${x:-b} ${DPKG_ROOT:+--root=x} \"$DPKG_ROOT/etc\" $3\n",
		  "1 a <${x:-b}> /etc\n" },
		{ "x='a b'; c $x \"$x\"\n", "1\n1 c <$x> a b\n" },
		{ "a /etc/*.conf '*'\n", "1 a </etc/*.conf> *\n" },
		/* commands inside words */
		{ "a \"$(b \"$(c)\")\" `d`\n",
		  "1 c\n1 b <\"$(c)\">\n1 d\n1 a <\"$(b \"$(c)\")\"> <`d`>\n" },
		{ "x=$(a) || b\n", "1 a\n1\n1 b\n" },
		/* functions, with their own arguments */
		{ "f() { a \"$1\" \"$@\"; }\nif [ x = y ]; then f no; fi\nf p q\n",
		  "2 [ x = y ]\n3\n1 a p p q\n" },
		{ "f() { shift; a $1; return 0; b; }; f x y; c $1\n",
		  "1\n1 shift\n1 a y\n1 return 0\n1 c configure\n" },
		{ "if a; then f() { b; }; else f() { c; }; fi; f\n", "1 a\n1\n1 b\n1 c\n" },
		{ "f() { local x=1; }; x=2; f; [ $x = 1 ] || a\n",
		  "1\n1\n1 local x=1\n1 [ <$x> = 1 ]\n1 a\n" },
		{ "for i in a b; do c $i; done; d $i\n", "1 c a\n1 c b\n1 c a\n1 c b\n1 d <$i>\n" },
		{ "for i in a *; do c $i; done\n", "1 c <$i>\n1 c <$i>\n" },
		{ "for i in $X; do c $i; done\n", "1 c <$i>\n1 c <$i>\n" },
		{ "x='a b'; for i in $x; do c $i; done\n", "1\n1 c <$i>\n1 c <$i>\n" },
		{ "{ a; } >x; ( b )\n", "1 >x\n1 a\n1 b\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct err e = { 0 };
		struct str got;

		assert_ok(walk(&a, cases[i].script, &got, &e), &e);
		if (!str_eqz(got, cases[i].reached))
			fail_msg("%s\nwant:\n%s\ngot:\n%.*s", cases[i].script, cases[i].reached,
				 STR_FMT(got));
	}
}

static void test_syntax(void **state)
{
	static const struct {
		const char *script, *text;
	} cases[] = {
		{ "a\nfi\n", "line 2: 'fi' closes nothing" },
		{ "if a; then b\n", "'end of file' where 'fi' belongs" },
		{ "a 'b\n", "line 1: quotes or parentheses that do not end" },
		{ "a \"$(b\"\n", "line 1: quotes or parentheses that do not end" },
		{ "x=(a b)\n", "line 1: '(' is not understood here" },
		{ "a >\n", "line 1: a redirection to nothing" },
		{ "case a in b) c ;& d) e;; esac\n", "';&' is not understood here" },
		{ "f() { f; }; f\n", "line 1: nested too deep" },
		{ "a && && b\n", "line 1: a command is missing" },
		{ "f() { g; g; }; g() { h; h; }; h() { i; i; }; i() { j; j; }; j() { k; k; }; k() { l; l; }; l() { m; m; }\n"
		  "m() { n; n; }; n() { o; o; }; o() { p; p; }; p() { q; q; }; q() { r; r; }; r() { s; s; }; s() { t; t; }\n"
		  "t() { u; u; }; u() { v; v; }; v() { w; w; }; w() { x; x; }; x() { y; y; }; y() { z; z; }; f\n",
		  "too much work" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct err e = { 0 };
		struct str got;

		assert_err(walk(&a, cases[i].script, &got, &e), &e, cases[i].text);
	}
}

/* What is small and grows while it is walked. */
static void test_growth(void **state)
{
	static const struct {
		const char *first, *next, *last;
	} cases[] = {
		{ "x=0123456789abcdef\n", "x=\"$x$x\"\n", "a \"$x\"\n" },
		{ "x=0123456789abcdef\n", "x=\"${x:-1}${x:+$x}\"\n", "" },
		{ "f() { f \"$@\" \"$@\"; }\n", "", "f 1\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct buf script = { .a = &a };
		struct err e = { 0 };
		struct str got;

		buf_printf(&script, "%s", cases[i].first);
		for (int k = 0; k < 24; k++)
			buf_printf(&script, "%s", cases[i].next);
		buf_printf(&script, "%s", cases[i].last);
		assert_err(walk(&a, str_z(&a, buf_slice(&script)), &got, &e), &e, "too ");
	}
}

static void test_many_functions(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct buf script = { .a = &a };
	struct err e = { 0 };
	struct str got;

	(void)state;
	for (int i = 0; i < 10000; i++)
		buf_printf(&script, "f%d() { :; }\nf%d\n", i, i);
	assert_err(walk(&a, str_z(&a, buf_slice(&script)), &got, &e), &e, ": too much work");
}

static void test_long_names(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct buf script = { .a = &a };
	struct err e = { 0 };
	struct str got;

	(void)state;
	for (int i = 0; i < 2; i++) {
		buf_printf(&script, i == 0 ? "a $" : "\na \"${");
		for (int k = 0; k < 400000; k++)
			buf_u8(&script, 'x');
	}
	buf_printf(&script, "}\"\n");
	assert_ok(walk(&a, str_z(&a, buf_slice(&script)), &got, &e), &e);
}

/* ---- what covers a command ---- */

static int check(struct arena *a, const char *name, const char *script,
		 const struct conf_package *conf, struct err *e)
{
	const struct tar_entry control[] = {
		{ .path = "./control", .data = "Package: x\n" },
		{ .path = name, .mode = 0755, .data = script },
		{ 0 },
	};
	static const struct tar_entry data[] = {
		{ .path = "./etc/own", .data = "x" },
		{ .path = "./usr/lib/sysusers.d/x.conf", .data = "u _known - - /\nm _known tty\n" },
		{ .path = "./usr/lib/tmpfiles.d/x.conf",
		  .data = "# x\nd /var/lib/known 0750 _known - -\n" },
		{ 0 },
	};
	struct str globs[] = { STR("ldconfig**"), STR("activate** ldconfig"),
			       STR("# Automatically added by dh_known/**") };
	struct conf_upstream upstream = { .script_covered = { globs, 3, 3 } };
	struct deb deb;
	vec_divert diverts;

	assert_ok(deb_parse(a, deb_make(a, control, data), 0, &deb, e), e);
	return scripts_check(a, &deb, conf, &upstream, &diverts, e);
}

static struct conf_package definition(void)
{
	static struct conf_alternative alternative = { .link = STR("/usr/bin/pager"),
						       .name = STR("pager"),
						       .path = STR("/usr/bin/less") };
	static struct conf_user user = { .name = STR("alice") };
	static struct conf_member member = { STR("alice"), STR("_known") };
	static struct conf_caps caps = { STR("/usr/bin/ping"), STR("cap_net_raw=ep") };
	static struct conf_mode mode = { .path = STR("/usr/bin/su"), .mode = STR("0755") };
	static struct conf_file file = { .path = STR("/etc/made") };
	static struct conf_link link = { .path = STR("/etc/linked") };

	return (struct conf_package){
		.alternatives = { &alternative, 1, 1 },
		.users = { &user, 1, 1 },
		.members = { &member, 1, 1 },
		.caps = { &caps, 1, 1 },
		.modes = { &mode, 1, 1 },
		.files = { &file, 1, 1 },
		.links = { &link, 1, 1 },
	};
}

static void test_covered(void **state)
{
	static const char *const covered[] = {
		"set -e; echo x >&2; ldconfig -r /; exit 0",
		"update-alternatives --install /usr/bin/pager pager /bin/less 77 --slave /usr/share/man/man1/pager.1.gz p /x",
		"update-alternatives --quiet --remove pager /bin/less",
		"adduser --system _known; addgroup --system _known; useradd -r alice; adduser alice _known",
		"setcap cap_net_raw=ep /bin/ping",
		"chmod 0755 /bin/su; chown root:root /usr/bin/su; dpkg-statoverride --add root root 0755 /usr/bin/su",
		"mkdir -p /var/lib/known /run/x /etc/made /etc/own; chown _known /var/lib/known/; chmod 750 /var/lib/known",
		"cat x > /etc/made; ln -sf a \"$DPKG_ROOT/etc/linked\"; cp -p /x /etc/made; echo a >/dev/null 2>/run/x",
		"rm -f /etc/gone; rmdir /etc/gone.d",
		"sed -n -e's/i/x/' f; sed --quiet p; awk '{ print $1 }'; find / -name x; command -v useradd; dpkg -s x",
		"# Automatically added by dh_known/13\nformat-disk\n# End automatically added section\ntrue",
		"if [ \"$1\" = upgrade ]; then format-disk; fi",
		"command echo a; exec echo b",
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct conf_package conf = definition();
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(covered) / sizeof(covered[0]); i++) {
		const char *script = str_z(&a, str_printf(&a, "#!/bin/sh\n%s\n", covered[i]));

		assert_ok(check(&a, "./postinst", script, &conf, &e), &e);
		assert_ok(check(&a, "./preinst", script, &conf, &e), &e);
	}
	assert_ok(check(&a, "./triggers", "# x\nactivate-noawait ldconfig\ninterest x\n", &conf,
			&e),
		  &e);
	/* never looked at */
	assert_ok(check(&a, "./prerm", "#!/bin/sh\nformat-disk\n", &conf, &e), &e);
	assert_ok(check(&a, "./config", "#!/usr/bin/perl\nformat-disk\n", &conf, &e), &e);
}

static void test_interpreters(void **state)
{
	static const char *const lines[] = { "#!/bin/sh -e",
					     "#! /bin/bash",
					     "#!/usr/bin/env bash",
					     "#!/usr/bin/env -S sh -eu",
					     "#!/usr/bin/env LC_ALL=C dash",
					     "#!/bin/env /bin/sh",
					     "#!/usr/local/bin/bash" };
	_cleanup_arena_ struct arena a = { 0 };
	struct conf_package none = { 0 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *end = "\nformat-disk\n";

		assert_ok(check(&a, "./postinst", str_z(&a, str_printf(&a, "%s\necho\n", lines[i])),
				&none, &e),
			  &e);
		assert_err(check(&a, "./postinst", str_z(&a, str_printf(&a, "%s%s", lines[i], end)),
				 &none, &e),
			   &e, "2: format-disk");
	}
}

static void test_uncovered(void **state)
{
	static const char *const uncovered[] = {
		"format-disk",
		"$x",
		"`format-disk`",
		"echo $(format-disk)",
		"x=$(format-disk)",
		"update-alternatives --install /usr/bin/pager pager /bin/more 50",
		"update-alternatives --install /usr/bin/pager pager /bin/less 77 --slave /usr/bin/x x /y",
		"update-alternatives --install",
		"adduser mallory; true",
		"adduser _known alice",
		"adduser \"$user\"",
		"setcap cap_sys_admin=ep /bin/sh",
		"chmod 4755 /usr/bin/other",
		"chmod 0755 /usr/bin/su /usr/bin/other",
		"mkdir /etc/other",
		"cp x /etc/own",
		"echo x > /etc/own",
		"echo x > \"$file\"",
		"cat <<E > /etc/other\nE",
		"rm -f /etc/own",
		"rm -rf \"$dir\"",
		"sed -i s/a/b/ /etc/own",
		"sed -ni p /etc/own",
		"sed --in-place p x",
		"awk 'BEGIN { system(\"x\") }'",
		"find / -delete",
		"dpkg --purge x",
		"trap format-disk EXIT",
		"eval format-disk",
		"true && format-disk",
		"command format-disk",
		"# Automatically added by dh_other/1\nformat-disk\n# End automatically added section",
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct conf_package conf = definition();

	(void)state;
	for (size_t i = 0; i < sizeof(uncovered) / sizeof(uncovered[0]); i++) {
		const char *script = str_z(&a, str_printf(&a, "#!/bin/sh\n%s\n", uncovered[i]));
		struct err e = { 0 };

		assert_err(check(&a, "./postinst", script, &conf, &e), &e,
			   "postinst does what nothing covers");
	}
}

static void test_messages(void **state)
{
	static const char twelve[] = "#!/bin/sh\na 1\n\n  b 2 # x\nc\nd\ne\nf\ng\nh\n";
	struct conf_scripts entry = { .script = STR("postinst"), .reason = STR("because") };
	struct conf_package none = { 0 }, conf = { .scripts = { &entry, 1, 1 } };
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_err(
		check(&a, "./postinst", twelve, &none, &e), &e,
		"postinst does what nothing covers; say it in package.yaml, or list the script there under 'scripts' with "
		"a reason and sha256 ");
	assert_err(check(&a, "./postinst", twelve, &none, &e), &e,
		   ": 2: a 1; 4: b 2 # x; 5: c; 6: d; 7: e; 8: f; and 2 more");
	assert_err(check(&a, "./triggers", "activate man-db\n", &none, &e), &e,
		   "triggers does what nothing covers");
	assert_err(check(&a, "./postinst", "#!/usr/bin/env perl\n", &none, &e), &e,
		   "postinst is no shell script");
	assert_err(
		check(&a, "./postinst", "#!/usr/bin/perl\n", &none, &e), &e,
		"postinst cannot be understood; list it in package.yaml under 'scripts' with a reason: postinst is no shell "
		"script");
	assert_err(check(&a, "./postinst", "#!/bin/sh\nfi\n", &none, &e), &e,
		   "line 2: 'fi' closes nothing");
	/* an entry covers any script; with a digest, one that does these things */
	assert_ok(check(&a, "./postinst", twelve, &conf, &e), &e);
	assert_ok(check(&a, "./postinst", "\177ELF", &conf, &e), &e);
	entry.sha256 = sha256_hex(&a, "a 1\n", 4);
	assert_ok(check(&a, "./postinst", "#!/bin/sh\n# comment\na '1'\necho x\n", &conf, &e), &e);
	assert_err(
		check(&a, "./postinst", "#!/bin/sh\na 2\n", &conf, &e), &e,
		"postinst does something else than package.yaml was written for: look at it again, then set its sha256 to ");
	assert_err(check(&a, "./preinst", "#!/bin/sh\n", &conf, &e), &e,
		   "scripts: the package has no postinst");
	entry.script = STR("prerm");
	assert_err(check(&a, "./prerm", "#!/bin/sh\n", &conf, &e), &e,
		   "scripts: 'prerm' is never looked at");
}

/* A package with an interest in a trigger is also asked to act on it. */
static void test_triggered(void **state)
{
	static const struct tar_entry data[] = { { 0 } };
	static const struct tar_entry control[] = {
		{ .path = "./control", .data = "Package: x\n" },
		{ .path = "./postinst",
		  .data = "#!/bin/sh\nif [ \"$1\" = triggered ] && [ \"$2\" = t ]; then a; fi\n" },
		{ .path = "./triggers", .data = "interest-noawait t\n" },
		{ 0 },
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct conf_package conf = { 0 };
	struct conf_upstream upstream = { 0 };
	struct err e = { 0 };
	struct deb deb;
	vec_divert diverts;

	(void)state;
	assert_ok(deb_parse(&a, deb_make(&a, control, data), 0, &deb, &e), &e);
	assert_err(scripts_check(&a, &deb, &conf, &upstream, &diverts, &e), &e,
		   ": 2: if [ \"$1\" = triggered ]");
}

/* What a preinst with these lines diverts: "PACKAGE FROM TO", a line each. */
static struct str diverted(struct arena *a, const char *lines, struct err *e)
{
	const struct tar_entry control[] = {
		{ .path = "./control", .data = "Package: x\n" },
		{ .path = "./preinst",
		  .data = str_z(a, str_printf(a, "#!/bin/sh\nset -e\n%s\n", lines)) },
		{ 0 },
	};
	static const struct tar_entry data[] = { { 0 } };
	struct conf_diversion declared = { STR("/usr/bin/declared"), STR("/usr/bin/other") };
	struct conf_package conf = { .name = STR("x"), .diversions = { &declared, 1, 1 } };
	struct conf_upstream upstream = { 0 };
	struct buf b = { .a = a };
	struct deb deb;
	vec_divert found;

	assert_ok(deb_parse(a, deb_make(a, control, data), 0, &deb, e), e);
	if (scripts_check(a, &deb, &conf, &upstream, &found, e) < 0)
		return STR("?");
	vec_each(d, &found)
		buf_printf(&b, "%.*s %.*s %.*s\n", STR_FMT(d->package), STR_FMT(d->from),
			   STR_FMT(d->to));
	return buf_slice(&b);
}

static void test_diversions(void **state)
{
	static const struct {
		const char *lines, *want;
	} cases[] = {
		{ "dpkg-divert --package y --add --rename --divert /usr/bin/l.real /usr/bin/l",
		  "y /usr/bin/l /usr/bin/l.real\n" },
		{ "dpkg-divert --rename /bin/l", "x /usr/bin/l /usr/bin/l.distrib\n" },
		{ "dpkg-divert --quiet --package=$DPKG_MAINTSCRIPT_PACKAGE --divert=/etc/a.d /etc/a",
		  "x /etc/a /etc/a.d\n" },
		{ "dpkg-divert --package \"$DPKG_MAINTSCRIPT_PACKAGE\" --add /etc/a\ndpkg-divert /etc/a",
		  "x /etc/a /etc/a.distrib\n" },
		{ "dpkg-divert --local --no-rename --add /etc/a", " /etc/a /etc/a.distrib\n" },
		{ "dpkg-divert --package x:amd64 --add /etc/a", "x /etc/a /etc/a.distrib\n" },
		{ "for f in a b; do dpkg-divert --add --rename --divert /usr/lib/$f.x /usr/lib/$f; done",
		  "x /usr/lib/a /usr/lib/a.x\nx /usr/lib/b /usr/lib/b.x\n" },
		{ "if ! dpkg-divert --list /etc/a | grep -q x; then dpkg-divert --add /etc/a || true; fi",
		  "x /etc/a /etc/a.distrib\n" },
		/* names that no package has on a merged /usr */
		{ "dpkg-divert --no-rename --divert /lib/y.usr-is-merged /lib/y", "" },
		{ "dpkg-divert --no-rename --divert /.lib32.usr-is-merged /lib32", "" },
		{ "dpkg-divert --remove --rename /etc/a", "" },
		{ "t=$(dpkg-divert --truename /etc/a)\ndpkg-divert --listpackage \"$t\"", "" },
		{ "dpkg-divert --add --rename --divert /x /usr/bin/declared", "" },
		{ "if [ \"$1\" = upgrade ]; then dpkg-divert --add /etc/a; fi", "" },
		/* not known, or not here */
		{ "dpkg-divert --add --rename \"$(cat /f)\"", "?" },
		{ "dpkg-divert --divert \"$X\" /etc/a", "?" },
		{ "dpkg-divert --package \"$(cat /f)\" /etc/a", "?" },
		{ "dpkg-divert --root /target --add /etc/a", "?" },
		{ "dpkg-divert --add '/etc/a b'", "?" },
		{ "dpkg-divert --add etc/a", "?" },
		{ "dpkg-divert --add", "?" },
		{ "dpkg-divert --add /etc/a /etc/b", "?" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct err e = { 0 };
		struct str got = diverted(&a, cases[i].lines, &e);

		if (!str_eqz(got, cases[i].want))
			fail_msg("%s: %.*s%s", cases[i].lines, STR_FMT(got), e.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),           cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_growth),         cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_many_functions), cmocka_unit_test(test_covered),
		cmocka_unit_test(test_uncovered),      cmocka_unit_test(test_interpreters),
		cmocka_unit_test(test_messages),       cmocka_unit_test(test_triggered),
		cmocka_unit_test(test_diversions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
