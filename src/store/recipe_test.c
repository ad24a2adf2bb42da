/* SPDX-License-Identifier: MIT */
#include "store/recipe.h"

#include "base/test.h"
#include "store/maker.h"
#include "store/pack_cache.h"

static struct arena *a;

static const struct erofs_compression zstd = { EROFS_CODEC_ZSTD, 3, 65536 },
				      none = { EROFS_CODEC_NONE, 0, 4096 };

static void assert_other(struct str x, struct str y, const char *what)
{
	if (str_eq(recipe_key(a, x), recipe_key(a, y)))
		fail_msg("%s: another key wanted for '%.*s'", what, STR_FMT(y));
}

static void test_text(void **state)
{
	struct recipe r = recipe_new(a, RECIPE_HWDB, STR("x"));

	(void)state;
	recipe_line(&r, "one", STR("of a kind"));
	recipe_number(&r, "two", 2);
	recipe_line(&r, "three", STR("with\nan end"));
	recipe_bytes(&r, "four", STR(""));
	recipe_lines(&r, STR("five 5\nsix 6\n"));
	assert_str(recipe_text(&r),
		   "derived hwdb x\ngenerator 1\none of a kind\ntwo 2\ndigest-of-three "
		   "178148486ad611eac048e4f1feb6e70651e81117841d534fe22cc11cf5583fe8\nfour "
		   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nfive 5\n"
		   "six 6\n");
	assert_str(recipe_what(recipe_text(&r)), "derived hwdb x");
	assert_true(str_starts(recipe_inputs(recipe_text(&r)), "generator 1\n"));
}

/* No two lists have the same line. */
static void test_lists(void **state)
{
	const char *const texts[][3] = { { "ab" }, { "a", "b" }, { "b", "a" }, { "ab", "" },
					 { "" },   { NULL },     { "1:a" },    { "a\n", "b" } };
	struct str seen[8];

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		struct recipe r = recipe_new(a, RECIPE_HWDB, (struct str){ 0 });
		vec_str list = { 0 };

		for (size_t k = 0; k < 3 && texts[i][k]; k++)
			vec_push(a, &list) = str_c(texts[i][k]);
		recipe_list(&r, "list", &list);
		seen[i] = recipe_text(&r);
		for (size_t k = 0; k < i; k++)
			assert_other(seen[k], seen[i], "list");
	}
}

/* Every kind has versions of its own, and its key changes with each of them, and with no other's.
 */
static void test_versions(void **state)
{
	struct recipe_versions now;

	(void)state;
	recipe_versions(a, &now);
	for (enum library l = LIBRARY_NONE + 1; l < LIBRARIES; l++)
		assert_true(str_find(now.library[l], ' ') > 0);
	for (enum recipe_kind kind = 0; kind < RECIPE_KINDS; kind++) {
		struct recipe r = recipe_new(a, kind, STR("x"));
		enum recipe_kind found;

		assert_true(recipe_kind_of(recipe_text(&r), &found));
		assert_int_equal(found, kind);
		assert_true(now.code[kind] > 0);
		for (enum recipe_kind other = 0; other < RECIPE_KINDS; other++) {
			struct recipe_versions v = now;
			struct recipe s;

			v.code[other]++;
			s = recipe_new_by(a, &v, kind, STR("x"));
			assert_int_equal(str_eq(recipe_text(&r), recipe_text(&s)), other != kind);
		}
		if (now.form[kind] > 0) {
			struct recipe_versions v = now;
			struct recipe s;

			v.form[kind]++;
			s = recipe_new_by(a, &v, kind, STR("x"));
			assert_other(recipe_text(&r), recipe_text(&s), "form");
		}
	}
}

/* The libraries that each kind's bytes are left to. */
static void test_libraries(void **state)
{
	static const struct {
		enum recipe_kind kind;
		enum library library;
	} want[] = {
		{ RECIPE_CONVERSION, LIBRARY_ARCHIVE }, { RECIPE_CONVERSION, LIBRARY_RPM },
		{ RECIPE_CONVERSION, LIBRARY_ZSTD },    { RECIPE_SOLUTION, LIBRARY_SOLV },
		{ RECIPE_INITRD, LIBRARY_ZSTD },        { RECIPE_RPMDB, LIBRARY_RPM },
		{ RECIPE_RPMDB, LIBRARY_SQLITE },
	};
	size_t n = 0;

	(void)state;
	for (enum recipe_kind kind = 0; kind < RECIPE_KINDS; kind++)
		for (enum library l = LIBRARY_NONE + 1; l < LIBRARIES; l++) {
			struct recipe_versions v;
			struct recipe r, s;
			bool wanted = n < sizeof(want) / sizeof(*want) && want[n].kind == kind &&
				      want[n].library == l;

			recipe_versions(a, &v);
			r = recipe_new_by(a, &v, kind, STR("x"));
			v.library[l] = STR("library 9.9");
			s = recipe_new_by(a, &v, kind, STR("x"));
			assert_int_equal(!str_eq(recipe_text(&r), recipe_text(&s)), wanted);
			n += wanted;
		}
	assert_int_equal(n, sizeof(want) / sizeof(*want));
}

/* A pack's recipe has all of what is in it, and how it is stored. */
static void test_pack(void **state)
{
	struct recipe r = recipe_new(a, RECIPE_HWDB, (struct str){ 0 });
	struct erofs_compression how = zstd;
	struct str pack, other;

	(void)state;
	recipe_number(&r, "input", 12);
	pack = pack_recipe(a, &r, &none);
	assert_str(pack, str_printf(a,
				    "pack derived hwdb\ncutter 1\nform %d\ngenerator 1\ninput 12\n"
				    "codec none\n",
				    PACK_VERSION)
				 .p);
	assert_str(pack_recipe_what(pack), "derived hwdb");
	pack = pack_recipe(a, &r, &zstd);
	assert_true(str_has(pack, "\ncodec zstd\nlevel 3\ncluster-bytes 65536\nlibrary zstd "));
	how.level++;
	assert_other(pack, pack_recipe(a, &r, &how), "level");
	how = zstd;
	how.cluster_bytes *= 2;
	assert_other(pack, pack_recipe(a, &r, &how), "cluster size");
	how = zstd;
	how.codec = EROFS_CODEC_LZ4HC;
	other = pack_recipe(a, &r, &how);
	assert_other(pack, other, "codec");
	assert_true(str_has(other, "\nlibrary lz4 "));
	recipe_number(&r, "input", 13);
	assert_other(pack, pack_recipe(a, &r, &zstd), "input");
}

/* What a package is made from, changed one at a time. */

struct wanted {
	struct rpm_meta meta;
	struct conf_package conf;
	struct conf_upstream upstream;
	vec_taken taken;
};

#define ENTRY(list, ...) (vec_push(a, list) = (__typeof__(*(list)->p)){ __VA_ARGS__ })

static struct wanted wanted(void)
{
	struct wanted w = {
		.meta = { .name = STR("bash"),
			  .version = STR("5"),
			  .release = STR("1"),
			  .arch = STR("x86_64"),
			  .summary = STR("shell"),
			  .description = STR("a shell"),
			  .upstream = STR("debian"),
			  .location = STR("pool/updates/b.deb"),
			  .mirror = STR("http://a") },
		.conf = { .name = STR("bash"), .source = STR("distro/x") },
	};

	ENTRY(&w.meta.requires, .name = STR("libc"), .evr = STR("2"), .op = DEP_EQUAL);
	ENTRY(&w.meta.provides, .name = STR("sh"));
	ENTRY(&w.conf.drop_files, "/x", 2);
	ENTRY(&w.conf.users, .name = STR("u"), .id = STR("1"));
	ENTRY(&w.conf.groups, .name = STR("g"));
	ENTRY(&w.conf.members, STR("u"), STR("g"));
	ENTRY(&w.conf.alternatives, STR("/l"), STR("n"), STR("/p"), 1);
	ENTRY(&w.conf.caps, STR("/bin/x"), STR("cap_chown=ep"));
	ENTRY(&w.conf.device_files, "/dev/x", 6);
	ENTRY(&w.conf.diversions, STR("/d"), STR("/e"));
	ENTRY(&w.taken, STR("/t"), STR("/u"));
	ENTRY(&w.conf.owners, STR("/bin/**"), STR("u"), STR("g"));
	ENTRY(&w.conf.modes, STR("/bin/x"), STR("u"), STR("g"), STR("0755"));
	ENTRY(&w.conf.links, STR("/a"), STR("b"));
	ENTRY(&w.conf.files, .path = STR("/f"), .content = STR("text"));
	ENTRY(&w.conf.scripts, STR("postinst"), STR("for a reason"), STR("abc"));
	ENTRY(&w.upstream.script_covered, "systemctl *", 11);
	return w;
}

static struct str key(const struct wanted *w)
{
	const struct store_want want = { &maker_conversion, &w->meta, &w->conf, &w->upstream,
					 &w->taken };
	struct recipe r = recipe_new(a, RECIPE_CONVERSION, w->meta.name);

	maker_conversion.inputs(&r, &want);
	return recipe_text(&r);
}

#define MATTERS(change)                                 \
	do {                                            \
		struct wanted w = wanted();             \
		change;                                 \
		assert_other(before, key(&w), #change); \
	} while (0)
#define DOES_NOT(change)                                                         \
	do {                                                                     \
		struct wanted w = wanted();                                      \
		change;                                                          \
		if (!str_eq(before, key(&w)))                                    \
			fail_msg(#change ": the same key wanted, not of '%.*s'", \
				 STR_FMT(key(&w)));                              \
	} while (0)
#define OTHER STR("another")

static void test_metadata(void **state)
{
	struct wanted first = wanted();
	struct str before = key(&first);

	(void)state;
	MATTERS(w.meta.name = OTHER);
	MATTERS(w.meta.version = OTHER);
	MATTERS(w.meta.release = OTHER);
	MATTERS(w.meta.epoch = 1);
	MATTERS(w.meta.arch = STR("noarch"));
	MATTERS(w.meta.url = OTHER);
	MATTERS(w.meta.group = OTHER);
	MATTERS(w.meta.vendor = OTHER);
	MATTERS(w.meta.upstream = OTHER);
	MATTERS(w.meta.source_name = OTHER);
	MATTERS(w.meta.source_version = OTHER);
	MATTERS(w.meta.origin_name = OTHER);
	MATTERS(w.meta.origin_version = OTHER);
	MATTERS(w.meta.origin_arch = OTHER);
	MATTERS(w.meta.sha256[31] = 1);
	MATTERS(w.meta.size_bytes = 1);
	MATTERS(w.meta.essential = true);
	MATTERS(w.meta.requires.p[0].name = OTHER);
	MATTERS(w.meta.requires.p[0].evr = OTHER);
	MATTERS(w.meta.requires.p[0].op = DEP_LESS);
	MATTERS(w.meta.requires.n = 0);
	MATTERS(w.meta.provides.n = 0);
	MATTERS(ENTRY(&w.meta.provides, .name = OTHER));
	MATTERS(ENTRY(&w.meta.conflicts, .name = OTHER));
	MATTERS(ENTRY(&w.meta.obsoletes, .name = OTHER));
	MATTERS(ENTRY(&w.meta.recommends, .name = OTHER));
	MATTERS(ENTRY(&w.meta.suggests, .name = OTHER));
	/* where it lies; what the package itself says better */
	DOES_NOT(w.meta.location = STR("pool/main/b.deb"));
	DOES_NOT(w.meta.mirror = OTHER);
	DOES_NOT(w.meta.summary = OTHER);
	DOES_NOT(w.meta.description = OTHER);
	DOES_NOT(w.meta.license = OTHER);
	DOES_NOT(w.meta.installed_bytes = 1);
}

static void test_definition(void **state)
{
	struct wanted first = wanted();
	struct str before = key(&first);

	(void)state;
	MATTERS(w.upstream.script_covered.p[0] = OTHER);
	MATTERS(w.upstream.script_covered.n = 0);
	MATTERS(ENTRY(&w.upstream.script_covered, "x", 1));
	MATTERS(w.conf.drop_files.p[0] = OTHER);
	MATTERS(w.conf.device_files.n = 0);
	MATTERS(w.conf.max_unpacked_bytes = 1);
	MATTERS(w.conf.diversions.p[0].path = OTHER);
	MATTERS(w.conf.diversions.p[0].to = OTHER);
	MATTERS(w.taken.p[0].from = OTHER);
	MATTERS(w.taken.p[0].to = OTHER);
	MATTERS(w.taken.n = 0);
	MATTERS(w.conf.owners.p[0].path = OTHER);
	MATTERS(w.conf.owners.p[0].user = OTHER);
	MATTERS(w.conf.owners.p[0].group = OTHER);
	MATTERS(w.conf.users.p[0].name = OTHER);
	MATTERS(w.conf.groups.p[0].name = OTHER);
	MATTERS(w.conf.members.p[0].user = OTHER);
	MATTERS(w.conf.members.p[0].group = OTHER);
	MATTERS(w.conf.alternatives.p[0].link = OTHER);
	MATTERS(w.conf.alternatives.p[0].name = OTHER);
	MATTERS(w.conf.alternatives.p[0].path = OTHER);
	MATTERS(w.conf.caps.p[0].path = OTHER);
	MATTERS(w.conf.caps.p[0].caps = OTHER);
	MATTERS(w.conf.modes.p[0].path = OTHER);
	MATTERS(w.conf.modes.p[0].user = OTHER);
	MATTERS(w.conf.modes.p[0].group = OTHER);
	MATTERS(w.conf.modes.p[0].mode = OTHER);
	MATTERS(w.conf.links.p[0].path = OTHER);
	MATTERS(w.conf.files.p[0].path = OTHER);
	MATTERS(w.conf.scripts.p[0].script = OTHER);
	MATTERS(w.conf.scripts.p[0].sha256 = OTHER);
	MATTERS(w.conf.scripts.n = 0);
	/* what is of the image, or in the metadata already, or for people */
	DOES_NOT(w.conf.scripts.p[0].reason = OTHER);
	DOES_NOT(w.conf.files.p[0].content = OTHER);
	DOES_NOT(w.conf.links.p[0].target = OTHER);
	DOES_NOT(w.conf.alternatives.p[0].priority = 7);
	DOES_NOT(w.conf.users.p[0].id = OTHER);
	DOES_NOT(ENTRY(&w.conf.enable_units, "x", 1));
	DOES_NOT(ENTRY(&w.conf.disable_units, "x", 1));
	DOES_NOT(ENTRY(&w.conf.mask_units, "x", 1));
	DOES_NOT(ENTRY(&w.conf.drop_requires, "x", 1));
	DOES_NOT(ENTRY(&w.conf.add_requires, "x", 1));
	DOES_NOT(ENTRY(&w.conf.add_provides, "x", 1));
	DOES_NOT(w.conf.source = OTHER);
	DOES_NOT(ENTRY(&w.upstream.drop_requires, "x", 1));
	DOES_NOT(ENTRY(&w.upstream.components, "x", 1));
	DOES_NOT(w.upstream.mirror = OTHER);
	DOES_NOT(w.upstream.keyring = OTHER);
}

static int setup(void **state)
{
	(void)state;
	a = calloc(1, sizeof(*a));
	return a ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(a);
	free(a);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_text),      TEST(test_lists),
					    TEST(test_versions),  TEST(test_libraries),
					    TEST(test_pack),      TEST(test_metadata),
					    TEST(test_definition) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
