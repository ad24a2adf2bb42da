/* SPDX-License-Identifier: MIT */
#include "upstream/debian/version.h"

#include "base/proc.h"
#include "base/test.h"

#include <rpm/rpmver.h>

enum { PAIRS_BYTES_MAX = 256 << 20, LONG_BYTES = 5, JUDGED_PAIRS = 100 };

/* What a test run can afford; with an argument, much more. */
static const char *pairs_path = "test/golden/version-pairs.txt";
static unsigned short_bytes = 4, random_pairs = 50000;

/* dpkg's rule, from deb-version(7) alone. */
static int weight(struct str s)
{
	char c = s.n > 0 ? s.p[0] : '\0';

	if (c == '~')
		return -1;
	if (c == '\0' || (c >= '0' && c <= '9'))
		return 0;
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? c : c + 256;
}

static struct str number_cut(struct str *s)
{
	struct str number = *s;

	for (number.n = 0;
	     number.n < s->n && number.p[number.n] >= '0' && number.p[number.n] <= '9'; number.n++)
		;
	*s = str_from(*s, number.n);
	while (number.n > 0 && number.p[0] == '0')
		number = str_from(number, 1);
	return number;
}

static int part_cmp(struct str x, struct str y)
{
	while (x.n > 0 || y.n > 0) {
		struct str nx, ny;

		while (weight(x) || weight(y)) {
			if (weight(x) != weight(y))
				return weight(x) < weight(y) ? -1 : 1;
			x = str_from(x, 1);
			y = str_from(y, 1);
		}
		nx = number_cut(&x);
		ny = number_cut(&y);
		if (nx.n != ny.n)
			return nx.n < ny.n ? -1 : 1;
		if (nx.n > 0 && memcmp(nx.p, ny.p, nx.n) != 0)
			return memcmp(nx.p, ny.p, nx.n) < 0 ? -1 : 1;
	}
	return 0;
}

static uint64_t epoch_cut(struct str *v)
{
	uint64_t epoch = 0;

	if (str_find(*v, ':') >= 0)
		assert_true(str_u64(str_cut(v, ':'), INT32_MAX, &epoch));
	return epoch;
}

static struct str revision_cut(struct str *v)
{
	for (size_t i = v->n; i > 0; i--)
		if (v->p[i - 1] == '-') {
			struct str revision = str_from(*v, i);

			*v = str_head(*v, i - 1);
			return revision;
		}
	return (struct str){ 0 };
}

static int deb_cmp(struct str x, struct str y)
{
	uint64_t ex = epoch_cut(&x), ey = epoch_cut(&y);
	struct str rx = revision_cut(&x), ry = revision_cut(&y);
	int r = part_cmp(x, y);

	if (ex != ey)
		return ex < ey ? -1 : 1;
	return r ? r : part_cmp(rx, ry);
}

static int rpm_cmp(struct arena *a, struct str x, struct str y)
{
	rpmver vx = rpmverParse(str_z(a, x)), vy = rpmverParse(str_z(a, y));
	int r = rpmverCmp(vx, vy);

	rpmverFree(vx);
	rpmverFree(vy);
	return r < 0 ? -1 : r > 0;
}

static struct str evr(struct arena *a, struct str text)
{
	struct rpm_version v;
	struct err e;

	assert_ok(version_parse(a, text, &v, &e), &e);
	return v.evr;
}

/* What rpmbuild takes in a version, and no ".." (its rpmCharCheck()). */
static void assert_plain(struct str part)
{
	assert_true(part.n > 0);
	for (size_t i = 0; i < part.n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~^",
			    part.p[i]))
			fail_msg("'%.*s': RPM takes no '%c'", STR_FMT(part), part.p[i]);
	assert_false(str_has(part, ".."));
}

static void assert_order(struct str x, struct str y)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str rx = evr(&a, x), ry = evr(&a, y);
	int want = deb_cmp(x, y), got = rpm_cmp(&a, rx, ry);

	if (want != got)
		fail_msg("%.*s and %.*s: dpkg says %d; as %.*s and %.*s rpm says %d", STR_FMT(x),
			 STR_FMT(y), want, STR_FMT(rx), STR_FMT(ry), got);
}

static void test_spelling(void **state)
{
	static const char *const rows[][3] = {
		{ "5.2.37-2+b1", "5.2.37", "2+b1" },
		{ "13", "13", "0" },
		{ "2024.01.05-1", "2024.01.05", "1" },
		{ "1.0~rc1+dfsg-3", "1.0~rc1+dfsg", "3" },
		{ "3.5.1-1+deb13u2", "3.5.1", "1+deb13^u2" },
		{ "1.1.1w-0", "1.1.1^w", "0" },
		{ "1.0+20240101-1", "1.0^20240101", "1" },
		{ "1.0~20240101-1", "1.0~^20240101", "1" },
		{ "1.2~", "1.2~", "0" },
		{ "1.2-3~", "1.2", "3~" },
		{ "1.2-~~", "1.2", "zz~~" },
		{ "4.2.0+~cs1.2.3-1", "4.2.0^0~cs1.2.3", "1" },
		{ "1.0+0-1", "1.0^0^", "1" },
		{ "1.0-beta-1", "1.0_zybeta", "1" },
		{ "1.0.git2-1", "1.0.999999999.git2", "1" },
		{ "4.~really3-1", "4_zz~really3", "1" },
		{ "1.20240101123456-1", "1.100000014.20240101123456", "1" },
		{ "0.4.1~0~2-1", "0.4.1~~0~^2", "1" },
		{ "1+a0~1-1", "1+a~0~^1", "1" },
		{ "15.04.0~bzr87-1", "15.04.0~bzar87", "1" },
		{ "1:1.-1", "1.0", "1" },
		{ "a1-1", "999999999.a1", "1" },
		{ "1:2:3-1", "2.999999999.zz3", "1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct rpm_version v;
		struct err e;

		assert_ok(version_parse(&a, str_c(rows[i][0]), &v, &e), &e);
		assert_str(v.version, rows[i][1]);
		assert_str(v.release, rows[i][2]);
	}
}

static void test_errors(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_version v;
	struct err e;

	(void)state;
	assert_err(version_parse(&a, STR("1.0 2"), &v, &e), &e,
		   "version '1.0 2': byte 0x20; want letters, digits and");
	assert_err(version_parse(&a, STR("x:1"), &v, &e), &e,
		   "version 'x:1': the epoch is not a number below 2^31");
	assert_err(version_parse(&a, STR("2147483648:1"), &v, &e), &e, "the epoch is not a number");
	assert_err(version_parse(&a, STR("1:-1"), &v, &e), &e,
		   "version '1:-1' has no upstream version");
	assert_err(version_parse(&a, STR(""), &v, &e), &e, "version '' has no upstream version");
}

static int sort_cmp(const void *x, const void *y)
{
	return deb_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* Both orders are total, so of a sorted list only neighbours need to be compared. */
static void list_check(struct arena *a, struct str *list, size_t n)
{
	qsort(list, n, sizeof(*list), sort_cmp);
	for (size_t i = 0; i < n; i++) {
		struct rpm_version v;
		struct err e;

		assert_ok(version_parse(a, list[i], &v, &e), &e);
		assert_plain(v.version);
		assert_plain(v.release);
		if (i > 0)
			assert_order(list[i - 1], list[i]);
	}
}

/* Every upstream version, and every revision, of a few of the characters that behave differently.
 */
static void test_every_short(void **state)
{
	static const char upstream[] = "~+-.:Aaz01", revision[] = "~+.Aaz01";
	_cleanup_arena_ struct arena a = { 0 };
	VEC(struct str) list = { 0 }, revisions = { 0 };
	size_t n = 1;

	(void)state;
	for (unsigned bytes = 1; bytes <= short_bytes; bytes++) {
		n *= sizeof(upstream) - 1;
		for (size_t i = 0; i < n; i++) {
			char text[LONG_BYTES + 1] = { 0 };
			size_t rest = i;

			for (unsigned k = 0; k < bytes; k++, rest /= sizeof(upstream) - 1)
				text[k] = upstream[rest % (sizeof(upstream) - 1)];
			vec_push(&a, &list) = str_printf(&a, "0:%s-0", text);
			if (strspn(text, revision) == bytes)
				vec_push(&a, &revisions) = str_printf(&a, "1-%s", text);
		}
	}
	list_check(&a, list.p, list.n);
	list_check(&a, revisions.p, revisions.n);
}

static uint32_t random_next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33);
}

static struct str random_version(struct arena *a, uint64_t *seed)
{
	static const char *const pieces[] = {
		"~",        "+",         ".",         "-",         ":",
		"0",        "00",        "1",         "01",        "9",
		"99999999", "100000000", "100000014", "999999999", "20240101123456",
		"a",        "z",         "zz",        "A",         "Z",
		"dfsg",     "rc",        "+b",        "+~",        "~~",
		".0",       "0~",        "deb",       "."
	};
	struct buf b = { .a = a };
	size_t n = random_next(seed) % 7;

	buf_printf(&b, "0:%u", random_next(seed) % 2);
	while (n-- > 0)
		buf_printf(&b, "%s",
			   pieces[random_next(seed) % (sizeof(pieces) / sizeof(pieces[0]))]);
	if (random_next(seed) % 2)
		buf_printf(&b, "-%s",
			   pieces[random_next(seed) % (sizeof(pieces) / sizeof(pieces[0]) - 5)]);
	/* dpkg takes no empty revision. */
	if (b.v.p[b.v.n - 1] == '-')
		buf_u8(&b, '0');
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static void test_random(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < random_pairs; i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct str x = random_version(&a, &seed), y = random_version(&a, &seed);
		struct str mixed = str_cat(&a, str_head(x, x.n / 2 + 2),
					   str_from(y, 2 + random_next(&seed) % 4));

		assert_order(x, y);
		assert_order(x, mixed);
	}
}

/* Lines "A < B": what the archive compares, with dpkg's verdict; "?" leaves it to deb_cmp(). */
static void test_archive(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	size_t n = 0, plain = 0;
	struct str text;
	struct err e;

	(void)state;
	assert_ok(file_read(&a, pairs_path, PAIRS_BYTES_MAX, &text, &e), &e);
	while (text.n > 0) {
		_cleanup_arena_ struct arena line = { 0 };
		struct str row = str_cut(&text, '\n'), x = str_word(&row), sign = str_word(&row),
			   y = str_word(&row);
		int want = str_eqz(sign, "<") ? -1 : str_eqz(sign, ">");

		if (!str_eqz(sign, "?") && want != deb_cmp(x, y))
			fail_msg("%.*s and %.*s: dpkg says %d, deb_cmp() not", STR_FMT(x),
				 STR_FMT(y), want);
		assert_order(x, y);
		plain += rpm_cmp(&line, x, y) != deb_cmp(x, y);
		n++;
	}
	assert_true(n > 0);
	print_message("%zu pairs; unchanged, %zu would compare differently\n", n, plain);
}

/* The rule above, judged by dpkg. */
static void test_rule(void **state)
{
	uint64_t seed = 7;

	(void)state;
	if (system("command -v dpkg >/dev/null") != 0)
		skip();
	for (int i = 0; i < JUDGED_PAIRS; i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct str x = random_version(&a, &seed), y = random_version(&a, &seed);
		int want = deb_cmp(x, y);
		const char *argv[] = { "dpkg",       "--compare-versions",
				       str_z(&a, x), want < 0 ? "lt" : want ? "gt" : "eq",
				       str_z(&a, y), NULL };
		struct proc_result r;
		struct err e;

		assert_ok(proc_run(&a, argv, (struct str){ 0 }, "dpkg", &r, &e), &e);
		if (r.status != 0)
			fail_msg("%s %s %s: dpkg says no", argv[2], argv[3], argv[4]);
	}
}

/* An argument names another file of pairs: what `tools/version-pairs --all` prints. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spelling), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_rule),     cmocka_unit_test(test_every_short),
		cmocka_unit_test(test_random),   cmocka_unit_test(test_archive),
	};

	if (argc > 1) {
		pairs_path = argv[1];
		short_bytes = LONG_BYTES;
		random_pairs = 3000000;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
